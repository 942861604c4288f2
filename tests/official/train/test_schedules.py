"""Learning rates and keep probabilities against the original's, at the original's steps."""

import dataclasses
import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from official import show
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train import schedule_sheet
from official.train.plateau import factor
from official.train.schedules import (
    LearningRate,
    epoch_bn_momentum,
    fitting_bn_momentum,
    keep_probability,
    momentum,
)

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
    # By the steps of an epoch: 92 of CUB's, 200, and 12,811 of ImageNet's.
    found = [epoch_bn_momentum(steps) for steps in (92, 200, 12_811)]
    assert found == pytest.approx([0.9, 0.95, 0.999219], abs=1e-6)
    # What is left of the first statistics: with 0.997 it would be 68 % after 126 steps.
    assert 0.9206**126 < 1e-4 and 0.68 < 0.997**126 < 0.69


def test_one_cycle_by_hand():
    """Of 20 steps the rate rises to that of step 5, half way at 2.5, and falls to step 19."""
    recipe = RecipeConfig(
        learning_rate_decay_type="one_cycle",
        base_learning_rate=0.1,
        train_epochs=2,
        one_cycle_div_factor=10.0,
        one_cycle_final_div_factor=100.0,
    )
    schedule = LearningRate(recipe, 10)
    # rise to 0.3 * 20 - 1 = 5; first 0.01, last 0.0001, as PyTorch's OneCycleLR gives them.
    wanted = {0: 0.01, 5: 0.1, 12: (0.1 + 0.0001) / 2, 19: 0.0001}
    wanted[1] = 0.1 + (0.01 - 0.1) * (1 + math.cos(math.pi / 5)) / 2
    assert {n: float(schedule(n)) for n in wanted} == pytest.approx(wanted, rel=1e-5)
    found = [float(momentum(step, recipe, 20)) for step in (0, 5, 12, 19)]
    assert found == pytest.approx([0.95, 0.85, 0.9, 0.95], rel=1e-6)
    constant = dataclasses.replace(recipe, one_cycle_momentum=())
    assert float(momentum(12, constant, 20)) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "warmup", [{"lr_warmup_epochs": 0.5}, {"lr_warmup_steps": 5}, {"lr_warmup_fraction": 0.125}]
)
def test_warm_up_in_epochs_steps_or_as_a_share(warmup):
    recipe = dataclasses.replace(COSINE, **{"lr_warmup_epochs": 0, **warmup})
    schedule = LearningRate(recipe, 10)
    assert schedule.warmup_steps == 5
    found = [float(schedule(step)) for step in (0, 4, 5, 40)]
    assert found == pytest.approx([0.0, 0.32, 0.4, 0.0], abs=1e-7)


def test_the_rate_follows_the_batch():
    recipe = RecipeConfig(
        batch_size=1024,
        base_learning_rate=0.1,
        scale_rate_by_batch=True,
        learning_rate_decay_type="fixed",
        lr_warmup_steps=4,
    )
    schedule = LearningRate(recipe, 10)
    assert [float(schedule(step)) for step in (2, 4)] == pytest.approx([0.2, 0.4])


def test_plateau_counts_evaluations_that_are_no_better():
    recipe = RecipeConfig(plateau_patience=2, plateau_factor=0.5)
    for values, wanted in (
        ([], 1),
        ([1, 1], 1),
        ([1, 1, 1], 0.5),  # Equal is not better.
        ([1, 0, 2, 1, 2], 0.5),
        ([1, 0, 0, 0, 0], 0.25),
        ([1, 0, 0, 0, 2, 0, 0], 0.25),
        ([-math.inf, -math.inf, 1, 0], 1),
    ):
        assert factor(values, recipe) == wanted, values
    rate = tf.Variable(0.5)
    decayed = dataclasses.replace(recipe, learning_rate_decay_type="plateau")
    schedule = tf.function(LearningRate(decayed, 10, rate))
    assert float(schedule(3)) == pytest.approx(0.005)
    rate.assign(0.25)
    assert float(schedule(3)) == pytest.approx(0.0025)


def test_the_sheet_shows_what_moves():
    recipe = dataclasses.replace(
        COSINE, batch_size=10, use_dropblock=True, layer_rates=("stem:1/2",)
    )
    lines = schedule_sheet.text(recipe, 105).splitlines()
    assert lines[0] == (
        "105 images, batch 10: 10.50 steps in an epoch, 42 in 4 epochs, 10 of them warm-up"
    )
    table = [line.split() for line in lines[1:-1]]
    assert table[0] == ["step", "epoch", "rate", "keep_probability"]
    assert ["10", "0.95", "0.4", "0.97619"] in table  # 1 - 0.1 * 10 / 42
    assert table[-1][:2] == ["41", "3.90"]
    assert lines[-1] == "highest rates of groups: stem 0.2; of the others 0.4"
    assert schedule_sheet.picture(recipe, 105).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"lr_warmup_steps": 3, "lr_warmup_epochs": 1}, "one way.*--lr_warmup_epochs=1 and --lr_w"),
        ({"lr_warmup_fraction": 1.0}, "--lr_warmup_fraction must be a share below 1"),
        ({"learning_rate_decay_type": "one_cycle", "lr_warmup_epochs": 1}, "leave the warm-up out"),
        ({"one_cycle_momentum": (0.9,)}, "--one_cycle_momentum must be two numbers"),
        ({"plateau_factor": 1.0}, "--plateau_factor must be greater than 0 and below 1"),
        ({"plateau_metric": "accuracy"}, "--plateau_metric must be one of top1, top5"),
    ],
)
def test_schedules_that_contradict_themselves_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RecipeConfig(**settings)


def test_the_command_that_shows_a_schedule(call_command, records, tmp_path, capsys):
    """Without a training; the number of images comes from the data, or is given."""
    out = tmp_path / "a b [c]"
    flags = ["--batch_size=10", "--train_epochs=2", "--learning_rate_decay_type=one_cycle"]

    def show_schedule(*arguments):
        call_command(show, *flags, *arguments, function=lambda: show.main(["schedule"]))
        return capsys.readouterr().out.splitlines()

    lines = show_schedule(f"--data_dir={records}", f"--output_dir={out}")
    assert lines[0].startswith("40 images, batch 10: 4.00 steps in an epoch, 8 in 2 epochs")
    assert lines[1].split() == ["step", "epoch", "rate", "momentum"]
    assert lines[2].split() == ["0", "0.00", "0.0004", "0.95"]
    assert lines[-1] == str(out / "schedule.png")
    assert (out / "schedule.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match="number of training images is unknown: give --num_images"):
        show_schedule()
    with pytest.raises(RunError, match="unexpected arguments: plan; `schedule` is what can stand"):
        call_command(show, function=lambda: show.main(["plan"]))
