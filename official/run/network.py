"""The network of a run, as evaluation and export need it."""

import os

import tensorflow as tf

from nets import ModelConfig, build_model
from official.run import checkpoints, configuration, devices
from official.run.classes import names_or_numbers
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


def load(model_dir: str | os.PathLike[str], checkpoint: str = "") -> tf.keras.Model:
    """Returns the network of a MODEL_DIR with its weights, a Keras model in float32.

        network = official.load("runs/my_run")
        x = preprocessing.eval_image(encoded, network.preprocessing)
        logits = network(x[tf.newaxis])

    Args:
      model_dir: folder that `official.train` or `official.import_checkpoint` wrote.
      checkpoint: as for `official.evaluate --checkpoint`, such as `best`; empty: the newest.

    Returns:
      The network, from images [N, H, W, 3] to logits [N, C]. Its attribute `preprocessing` is the
      `PreprocessingConfig` that makes its images, `class_names` a list of C names (numbers where
      the data had none).

    Raises:
      RunError: there is no run, or no whole checkpoint.
    """
    folder = os.path.expanduser(os.fspath(model_dir))
    config = configuration.load(folder)
    network = network_for_inference(config.model, input_shape(config))
    checkpoints.restore_network(network, folder, checkpoint or None)
    network.preprocessing = config.preprocessing
    # Not by Keras' own way, which would make something else of the list.
    object.__setattr__(network, "class_names", names_or_numbers(config))
    return network


def network_for_inference(
    model: ModelConfig, shape: tuple[int | None, int | None, int] = (None, None, 3)
) -> tf.keras.Model:
    """Returns the network in float32 with fresh weights, to be restored; see `input_shape`."""
    with devices.precision("fp32"):
        return build_model(model, shape)
