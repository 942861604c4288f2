"""A run over the small data set whose network answers without having been trained."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from official.run import DataConfig, RecipeConfig, RunConfig, files
from preprocessing import PreprocessingConfig

SIZE = 32


@pytest.fixture(scope="session")
def write_run(records):
    """Writes a MODEL_DIR: the mean colour decides, or `always` one class."""

    def write(folder: pathlib.Path, always: int | None = None, names=()) -> tf.keras.Model:
        names = names or tuple((records / "labels.txt").read_text().split())
        config = RunConfig(
            ModelConfig(resnet_size=18, num_filters=8, num_classes=len(names)),
            PreprocessingConfig(preprocessing_type="imagenet", image_size=SIZE),
            RecipeConfig(),
            DataConfig(
                str(records), num_classes=len(names), class_names=tuple(names), val_batch_size=8
            ),
        )
        files.write_json(str(folder / "config.json"), config.to_dict())
        tf.keras.utils.set_random_seed(1)
        network = build_model(config.model, (None, None, 3))
        if always is not None:
            bias = network.trainable_weights[-1]
            bias.assign(np.float32([1e6 * (n == always) for n in range(len(names))]))
        tf.train.Checkpoint(network=network).write(str(folder / "model.ckpt-7"))
        return network

    return write
