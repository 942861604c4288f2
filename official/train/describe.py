"""The first lines of a training's log: what is trained on what."""

import os
import time

import numpy as np
import tensorflow as tf

from nets import ModelConfig
from official.input import mixing
from official.input.splits import describe_memory
from official.run.devices import describe_devices
from official.run.folder import CONFIG_FILE
from official.run.recipe import RecipeConfig
from official.run.recipe_choices import BACKBONE, BATCH_NORM
from official.train.resolve import Source
from official.train.schedules import fitting_bn_momentum, share_of_start


def describe(
    source: Source, network: tf.keras.Model, strategy: tf.distribute.Strategy, model_dir: str
) -> str:
    """Returns five lines: data, input, network, recipe, device; and notes."""
    config = source.config
    recipe = config.recipe
    mixed = mixing.describe(recipe, strategy.num_replicas_in_sync)
    mixed = f", {mixed}" if mixed else ""
    mixed += f", taught by {recipe.teacher}" if recipe.teacher else ""
    return "\n".join(
        [
            f"data    {source.training.num_examples} training and "
            f"{source.validation.num_examples} validation images of {config.data.num_classes} "
            f"classes in {config.data.data_dir}",
            f"input   {describe_memory(source.training, config.data.shuffle_buffer)}",
            f"network {kind_of(config.model)}, {network.count_params():,} parameters"
            f"{_learning(network, recipe)}, "
            f"{config.preprocessing.train_size} pixels for training, "
            f"{config.preprocessing.eval_size} for evaluation",
            f"recipe  {recipe.train_epochs} epochs, batch {recipe.batch_size}, {recipe.dtype}, "
            f"{recipe.learning_rate_decay_type} from {recipe.peak_rate:g}"
            f"{mixed}; all settings in {os.path.join(model_dir, CONFIG_FILE)}",
            f"device  {describe_devices(strategy)}, started {time.strftime('%F %T')}",
            *_notes(source),
        ]
    )


def _learning(network: tf.keras.Model, recipe: RecipeConfig) -> str:
    """Returns how many of the parameters learn, if some do not; else nothing."""
    if not recipe.freeze:
        return ""
    count = sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
    return f" of which {count:,} learn (--freeze={','.join(recipe.freeze)})"


def _notes(source: Source) -> list[str]:
    """Returns what a reader may wonder about."""
    if {BACKBONE, BATCH_NORM} & set(source.config.recipe.freeze):
        return []  # No statistics move.
    momentum = source.config.model.bn_momentum
    steps = source.config.recipe.total_steps(source.training.num_examples)
    fitting, share = fitting_bn_momentum(steps), share_of_start(momentum, steps)
    if momentum > fitting and share > 0.01:
        return [
            f"note: with --bn_momentum={momentum} over {steps} steps the moving statistics of "
            f"batch norm, with which a network is scored, are to {100 * share:.0f} % those of the "
            f"start; {fitting} fits"
        ]
    if momentum == fitting != ModelConfig.bn_momentum:
        return [
            f"note: batch norm's momentum is {momentum}, which fits {steps} steps; the paper's "
            f"{ModelConfig.bn_momentum} is for longer ones, and --bn_momentum decides"
        ]
    return []


def kind_of(model: ModelConfig) -> str:
    """Returns the kind and the depth of a network, such as `BigLittle-ResNet-50`."""
    if model.architecture == "mobilenet_v1":
        return "MobileNet-V1"
    if model.no_shortcut:
        return f"plain network of {model.resnet_size} layers"
    return f"{'BigLittle-' if model.big_little else ''}ResNet-{model.resnet_size}"
