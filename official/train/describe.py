"""The first lines of a training's log: what is trained on what."""

import os
import time

import tensorflow as tf

from nets import ModelConfig
from official.input import mixing
from official.run.devices import describe_devices
from official.run.folder import CONFIG_FILE
from official.train.resolve import Source


def describe(
    source: Source, network: tf.keras.Model, strategy: tf.distribute.Strategy, model_dir: str
) -> str:
    """Returns four lines: data, network, recipe, device."""
    config = source.config
    recipe = config.recipe
    mixed = mixing.describe(recipe, strategy.num_replicas_in_sync)
    mixed = f", {mixed}" if mixed else ""
    return "\n".join(
        [
            f"data    {source.training.num_examples} training and "
            f"{source.validation.num_examples} validation images of {config.data.num_classes} "
            f"classes in {config.data.data_dir}",
            f"network {kind_of(config.model)}, {network.count_params():,} parameters, "
            f"{config.preprocessing.train_size} pixels for training, "
            f"{config.preprocessing.eval_size} for evaluation",
            f"recipe  {recipe.train_epochs} epochs, batch {recipe.batch_size}, {recipe.dtype}, "
            f"{recipe.learning_rate_decay_type} from {recipe.base_learning_rate}"
            f"{mixed}; all settings in {os.path.join(model_dir, CONFIG_FILE)}",
            f"device  {describe_devices(strategy)}, started {time.strftime('%F %T')}",
        ]
    )


def kind_of(model: ModelConfig) -> str:
    """Returns the kind and the depth of a network, such as `BigLittle-ResNet-50`."""
    if model.architecture == "mobilenet_v1":
        return "MobileNet-V1"
    if model.no_shortcut:
        return f"plain network of {model.resnet_size} layers"
    return f"{'BigLittle-' if model.big_little else ''}ResNet-{model.resnet_size}"
