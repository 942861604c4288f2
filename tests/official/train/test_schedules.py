"""Learning rates and keep probabilities against the original's, at the original's steps."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train.schedules import LearningRate, fitting_bn_momentum, keep_probability

VALUES = np.load(pathlib.Path(__file__).parents[2] / "reference/official/schedules.npz")
IMAGES, BATCH, EPOCHS = 1_281_167, 1024, 120
COSINE = RecipeConfig(
    learning_rate_decay_type="cosine", base_learning_rate=0.4, train_epochs=4, lr_warmup_epochs=1
)


def rates(recipe: RecipeConfig) -> np.ndarray:
    schedule = tf.function(LearningRate(recipe, IMAGES / BATCH))
    return np.array([schedule(tf.constant(int(step), tf.int64)) for step in VALUES["steps"]])


@pytest.mark.parametrize("warmup", [0, 5])
@pytest.mark.parametrize(
    "decay_type, epochs_per_decay",
    [("exponential", 2.0), ("fixed", 2.0), ("polynomial", 120.0), ("piecewise", 2), ("cosine", 2)],
)
def test_learning_rate_equals_the_original(decay_type, epochs_per_decay, warmup):
    recipe = RecipeConfig(
        learning_rate_decay_type=decay_type,
        base_learning_rate=0.4,
        train_epochs=EPOCHS,
        lr_warmup_epochs=warmup,
        num_epochs_per_decay=epochs_per_decay,
    )
    wanted = VALUES[f"lr_{decay_type}_warm{warmup}"]
    np.testing.assert_allclose(rates(recipe), wanted, rtol=2e-6, atol=2e-7)


def test_piecewise_boundaries_do_not_move_with_the_warmup():
    recipe = RecipeConfig(
        learning_rate_decay_type="piecewise",
        base_learning_rate=1.0,
        lr_warmup_epochs=5,
        piecewise_lr_boundary_epochs=(6, 8),
        piecewise_lr_decay_rates=(1.0, 0.1, 0.01),
    )
    schedule = LearningRate(recipe, 10)
    # 5 epochs of 10 steps warm up; the rate falls after steps 60 and 80 all the same.
    found = [float(schedule(step)) for step in (0, 25, 49, 50, 60, 61, 80, 81)]
    np.testing.assert_allclose(found, [0, 0.5, 0.98, 1, 1, 0.1, 0.1, 0.01], rtol=1e-6)


def test_cosine_reaches_zero_at_the_last_step_and_stays():
    schedule = LearningRate(COSINE, 10)
    assert float(schedule(10)) == pytest.approx(0.4)
    assert float(schedule(25)) == pytest.approx(0.2)
    assert float(schedule(40)) == pytest.approx(0.0, abs=1e-8)
    assert float(schedule(400)) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("first, last", [(1, 0.9), (0.9, 0.7)])
def test_keep_probability_equals_the_original(first, last):
    found = [float(keep_probability(int(s), first, last, 150_136)) for s in VALUES["steps"]]
    np.testing.assert_allclose(found, VALUES[f"keep_prob_{first}_{last}"], atol=1.2e-7)


def test_config_survives_a_round_trip():
    schedule = LearningRate(COSINE, 12.5)
    again = LearningRate.from_config(schedule.get_config())
    assert (again.recipe, again.steps_per_epoch) == (COSINE, 12.5)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(ValueError, match="learning_rate_decay_type.*cosine.*'linear'"):
        RecipeConfig(learning_rate_decay_type="linear")
    with pytest.raises(ValueError, match="piecewise_lr_decay_rates.*one value more"):
        RecipeConfig(
            learning_rate_decay_type="piecewise",
            piecewise_lr_boundary_epochs=(1, 2),
            piecewise_lr_decay_rates=(1.0, 0.1),
        )


def test_batch_norm_forgets_its_start_within_the_training():
    # 126 steps: 1 - 10/126; from 3,334 steps on, so in all of the paper's, the paper's own.
    found = [fitting_bn_momentum(steps) for steps in (10, 126, 1000, 3334, 150_136)]
    assert found == [0.9, 0.9206, 0.99, 0.997, 0.997]
    # What is left of the first statistics: with 0.997 it would be 68 % after 126 steps.
    assert 0.9206**126 < 1e-4 and 0.68 < 0.997**126 < 0.69
