"""The original's momentum, which is not Keras' when the rate changes."""

import numpy as np
import pytest
import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train import layer_rates, weight_decay
from official.train.momentum import Momentum
from official.train.optimizer import make_optimizer
from official.train.step import Trainer


class Falling(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Rates 1, 0.1, 0.1, ..."""

    def __call__(self, step):
        return tf.where(step < 1, 1.0, 0.1)


def updates(optimizer, gradients):
    weight = tf.Variable([0.0])
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant([gradient]), weight)])
    return weight.numpy()[0]


def test_three_steps_by_hand():
    # accumulators: 1; 0.5 + 2 = 2.5; 1.25 + 0 = 1.25
    # weight: -1 * 1 - 0.1 * 2.5 - 0.1 * 1.25
    found = updates(Momentum(Falling(), momentum=0.5), [1.0, 2.0, 0.0])
    np.testing.assert_allclose(found, -1.375, rtol=1e-6)


def test_keras_sgd_differs_under_a_falling_rate():
    # velocity: -1; -0.5 - 0.2 = -0.7; -0.35: the old rate lives on inside the velocity.
    found = updates(tf.keras.optimizers.SGD(Falling(), momentum=0.5), [1.0, 2.0, 0.0])
    np.testing.assert_allclose(found, -2.05, rtol=1e-6)


def test_slot_and_step_are_saved_and_restored(tmp_path):
    weight = tf.Variable([1.0, 2.0])
    optimizer = Momentum(0.1, 0.9)
    optimizer.apply_gradients([(tf.constant([1.0, -1.0]), weight)])
    path = tf.train.Checkpoint(weight=weight, optimizer=optimizer).save(str(tmp_path / "c"))

    other, again = tf.Variable([0.0, 0.0]), Momentum(0.1, 0.9)
    again.build([other])
    status = tf.train.Checkpoint(weight=other, optimizer=again).restore(path)
    status.assert_existing_objects_matched()
    again.apply_gradients([(tf.constant([0.0, 0.0]), other)])
    # One more step on momentum alone: 1 - 0.1 * 1 - 0.1 * 0.9.
    np.testing.assert_allclose(other.numpy(), [0.81, 2.19], rtol=1e-6)
    assert int(again.iterations) == 2


def test_adam_with_the_schedule_of_the_recipe():
    recipe = RecipeConfig(
        batch_size=1,
        train_epochs=2,
        optimizer="adam",
        base_learning_rate=0.1,
        learning_rate_decay_type="cosine",
    )
    weight = tf.Variable([0.0, 0.0])
    optimizer = make_optimizer(recipe, num_images=1)
    for _ in range(2):  # At the rates 0.1 and 0.05; of equal gradients nothing but the sign counts.
        optimizer.apply_gradients([(tf.constant([3.0, -0.5]), weight)])
    np.testing.assert_allclose(weight.numpy(), [-0.15, 0.15], rtol=1e-4)


def test_decoupled_decay_by_hand():
    """Twice the rate 0.1 and the decay 0.5: of a weight 1 a twentieth goes, and 0.1 by Adam."""
    network = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=True)])
    network.build([None, 2])
    network.set_weights([np.float32([[1.0], [-2.0]]), np.float32([1.0])])
    fixed = {"base_learning_rate": 0.1, "learning_rate_decay_type": "fixed", "weight_decay": 0.5}
    ones = [tf.constant([[3.0], [3.0]]), tf.constant([3.0])]
    recipe = RecipeConfig(optimizer="adamw", decay_biases=False, **fixed)
    optimizer = make_optimizer(recipe, 32, network)
    optimizer.apply_gradients(zip(ones, network.trainable_variables, strict=True))
    kernel, bias = network.get_weights()
    np.testing.assert_allclose(kernel[:, 0], [0.95 - 0.1, -1.9 - 0.1], rtol=1e-5)
    np.testing.assert_allclose(bias, [0.9], rtol=1e-5)

    # With biases, a factor of the rate, and no momentum.
    network.set_weights([np.float32([[1.0], [-2.0]]), np.float32([1.0])])
    kind = layer_rates.with_factors(weight_decay.decoupled(Momentum, [0.5, 0.5]), [0.5, 0.5])
    optimizer = kind(learning_rate=0.1, momentum=0.0)
    optimizer.build(network.trainable_variables)
    optimizer.apply_gradients(zip(ones, network.trainable_variables, strict=True))
    np.testing.assert_allclose(network.get_weights()[1], [1 - 0.05 * 3.5], rtol=1e-6)


def test_lars_by_hand():
    """A kernel of norm 5 with a gradient of norm 10: trust 0.02 * 5 / (10 + 0.2 * 5)."""
    network = tf.keras.Sequential([tf.keras.layers.Dense(2)])
    network.build([None, 1])
    network.set_weights([np.float32([[3.0, 4.0]]), np.float32([1.0, 0.0])])
    recipe = RecipeConfig(
        optimizer="lars",
        base_learning_rate=0.5,
        learning_rate_decay_type="fixed",
        momentum=0.5,
        weight_decay=0.2,
        lars_trust_coefficient=0.02,
    )
    optimizer = make_optimizer(recipe, 32, network)
    gradients = [tf.constant([[6.0, 8.0]]), tf.constant([1.0, 1.0])]
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    kernel, bias = network.get_weights()
    moved = 0.5 * (0.02 * 5 / 11) * np.array([6 + 0.6, 8 + 0.8])
    np.testing.assert_allclose(kernel[0], [3 - moved[0], 4 - moved[1]], rtol=1e-6)
    # Of a vector the rate is as it is, and its decay too.
    np.testing.assert_allclose(bias, [1 - 0.5 * 1.2, -0.5], rtol=1e-6)
    zeros = [tf.zeros_like(gradient) for gradient in gradients]
    network.trainable_variables[0].assign([[0.0, 0.0]])
    optimizer.apply_gradients(zip(zeros, network.trainable_variables, strict=True))
    # Nothing but momentum: half of what it moved before.
    np.testing.assert_allclose(network.get_weights()[0][0], -moved / 2, rtol=1e-6)


def test_momentum_moves_against_the_rate():
    """One-cycle: the momentum that an update takes is that of its step, for Adam as beta_1."""
    recipe = RecipeConfig(
        batch_size=2,
        train_epochs=1,
        optimizer="adam",
        learning_rate_decay_type="one_cycle",
        one_cycle_pct_start=0.5,
        base_learning_rate=0.1,
        weight_decay=0.0,
    )
    network = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(2)])
    network.build([None, 1, 1, 3])
    model = Trainer(network, recipe, recipe.total_steps(20))
    optimizer = make_optimizer(recipe, 20, network)
    optimizer.build(network.trainable_variables)
    model.compile(optimizer=optimizer)
    train = tf.function(model.train_step)
    batch = tf.ones([2, 1, 1, 3]), {"labels": tf.one_hot([0, 0], 2)}
    logs = [train(batch) for _ in range(10)]
    # Ten steps; the top is reached with step 4.
    found = [(float(log["momentum"]), float(log["learning_rate"])) for log in logs]
    wanted = {0: (0.95, 0.004), 2: (0.9, 0.052), 4: (0.85, 0.1), 9: (0.95, 4e-7)}
    for step, (momentum, rate) in wanted.items():
        assert found[step] == (pytest.approx(momentum, abs=1e-6), pytest.approx(rate, abs=1e-8))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"loss_scale": "128"}, "--loss_scale must be left out with --dtype=fp32.*'128'"),
        ({"optimizer": "sgd"}, "--optimizer must be one of .*'lars'.*Received: 'sgd'"),
        (
            {"optimizer": "adamw", "weight_decay_type": "l2"},
            "adamw is Adam with --weight_decay_type=decoupled; with l2 it is --optimizer=adam",
        ),
        ({"optimizer": "lars", "weight_decay_type": "l2"}, "left out with --optimizer=lars"),
        ({"momentum": 1.0}, r"--momentum must be in \[0, 1\). Received: 1.0"),
        ({"weight_decay_type": "L1"}, "--weight_decay_type must be one of l2, decoupled, or empty"),
    ],
)
def test_what_cannot_be_optimised_with_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RecipeConfig(**settings)
