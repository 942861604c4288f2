"""The network of a run, as evaluation and export need it."""

import tensorflow as tf

from nets import ModelConfig, build_model
from official.run import devices
from official.run.configuration import RunConfig
from official.run.errors import RunError


def input_shape(config: RunConfig) -> tuple[int | None, int | None, int]:
    """Returns the shape of an image that the network is built for; None where any will do.

    Raises:
      RunError: the network takes one size only, and training and evaluation differ.
    """
    if config.model.pool_type != "flatten":
        return None, None, 3
    size, eval_size = config.preprocessing.train_size, config.preprocessing.eval_size
    if size != eval_size:
        raise RunError(
            f"--pool_type=flatten takes images of one size, but training has {size} and "
            f"evaluation {eval_size} pixels: choose a --preprocessing_type or an "
            "--eval_image_size with which they agree."
        )
    return size, size, 3


def network_for_inference(
    model: ModelConfig, shape: tuple[int | None, int | None, int] = (None, None, 3)
) -> tf.keras.Model:
    """Returns the network in float32 with fresh weights, to be restored; see `input_shape`."""
    with devices.precision("fp32"):
        return build_model(model, shape)
