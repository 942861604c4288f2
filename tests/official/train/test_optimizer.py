"""The original's momentum, which is not Keras' when the rate changes."""

import numpy as np
import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train.optimizer import Momentum
from official.train.step import make_optimizer


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
