"""What is not finite is named, with its step, before anything of it is saved."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.run.recipe_choices import DTYPES
from official.train.not_finite import StopOnNotFinite
from official.train.optimizer import make_optimizer
from official.train.step import Trainer

RECIPE = RecipeConfig(
    batch_size=4, base_learning_rate=0.1, learning_rate_decay_type="fixed", weight_decay=1e-4
)


class Cliff(tf.keras.layers.Layer):
    """The identity, with a gradient that is not finite."""

    def call(self, inputs):
        return tf.custom_gradient(lambda x: (tf.identity(x), lambda dy: dy * np.inf))(inputs)


def fit(recipe, pixels, steps=20, *layers):
    """Trains a linear network on images of one value; returns the logs of the last step."""
    tf.keras.mixed_precision.set_global_policy(DTYPES[recipe.dtype])
    try:
        dense = tf.keras.layers.Dense(3, kernel_initializer=tf.keras.initializers.Constant(1e-5))
        network = tf.keras.Sequential([tf.keras.layers.Flatten(), dense, *layers])
        network.build([None, 2, 2, 3])
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    model = Trainer(network, recipe, steps)
    model.compile(optimizer=make_optimizer(recipe, 100))
    batch = tf.fill([4, 2, 2, 3], pixels), {"labels": tf.one_hot([0, 1, 2, 0], 3)}
    data = tf.data.Dataset.from_tensors(batch).repeat()
    stop = StopOnNotFinite(recipe, "nowhere")
    history = model.fit(data, steps_per_epoch=steps, verbose=0, callbacks=[stop])
    return {name: values[-1] for name, values in history.history.items()}


@pytest.mark.parametrize(
    "changes, pixels, layers, message",
    [
        ({}, float("nan"), (), r"the loss is not finite \(cross_entropy nan\) in step 1, at the "),
        ({}, 1.0, (Cliff(),), "the loss is finite, but not its gradient, in step 1"),
        (
            {"base_learning_rate": 3e38},
            100.0,
            (),
            "loss and gradient are finite, but not the weights in step 1, at the rate 3e.38",
        ),
        # 1e6 times gradients of about 10.
        (
            {"dtype": "fp16", "loss_scale": "1000000"},
            100.0,
            (),
            r"not its gradient, .* loss scale \(1000000\) and no divergence: .*=dynamic",
        ),
        (
            {"dtype": "fp16", "loss_scale": "dynamic"},
            1.0,
            (Cliff(),),
            # 2^15 is halved fifteen times.
            "the gradient is not finite, even at a loss scale of 1, in step 16",
        ),
    ],
    ids=["loss", "gradient", "weights", "static scale", "dynamic scale"],
)
def test_the_first_that_is_not_finite_is_named(changes, pixels, layers, message):
    with pytest.raises(RunError, match=message) as caught:
        fit(dataclasses.replace(RECIPE, **changes), pixels, 20, *layers)
    assert "No checkpoint of this step was written; there is none yet." in str(caught.value)


def test_steps_that_a_dynamic_scale_skips_are_counted():
    recipe = dataclasses.replace(
        RECIPE, dtype="fp16", loss_scale="dynamic", base_learning_rate=1e-6
    )
    logs = fit(recipe, 200.0)
    # Each halves the scale, which starts at 2^15; the gradient is about 200 / 6 times the scale.
    assert logs["skipped_steps"] > 2
    assert logs["loss_scale"] == 2 ** (15 - logs["skipped_steps"])
    assert fit(recipe, 0.1)["skipped_steps"] == 0
