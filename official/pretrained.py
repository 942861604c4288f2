"""The first weights of a fine-tuning: a network of the original or of this program.

The paper's section 4.3 fine-tunes networks that were trained on ImageNet. The original restores
trainable variables alone, without embedding layer and classifier, so that batch-norm statistics
start at mean 0 and variance 1; here they are restored unless the old way is asked for.
"""

import dataclasses
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nets import ModelConfig, original_variable_names
from official import checkpoint_mapping, configuration, original_checkpoint, run
from official.configuration import RunError
from official.original_checkpoint import ROOT

PRETRAINED_FILE = "pretrained.json"
CLASSIFIER = f"{ROOT}dense/"
EMBEDDING = f"{ROOT}embedding_dense"


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Weights on disk, by the original's names.

    Attributes:
      source: the checkpoint's prefix.
      shapes: shape by name.
      values: returns the values of some names.
    """

    source: str
    shapes: dict[str, tuple[int, ...]]
    values: Callable[[list[str]], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a network took over.

    Attributes:
      source: the checkpoint's prefix.
      restored: names of the variables that have its values.
      fresh: names of those that keep their initial values.
      why: the reason for `fresh`, in words.
    """

    source: str
    restored: list[str]
    fresh: list[str]
    why: list[str]

    def describe(self) -> str:
        """Returns one line for the log."""
        total = len(self.restored) + len(self.fresh)
        line = f"starting from {self.source}: {len(self.restored)} of {total} variables restored"
        return f"{line}; not restored: {'; '.join(self.why)}" if self.why else line


def load(path: str) -> Pretrained:
    """Opens the weights that `path` names.

    Args:
      path: a checkpoint of the original (prefix or folder), a MODEL_DIR, or a checkpoint in one
        (also in its folders `best` and `periodical`).

    Raises:
      RunError: there is nothing of the kind.
    """
    try:
        prefix = original_checkpoint.resolve_prefix(path)
        if original_checkpoint.is_object_based(prefix):
            return _of_this_program(prefix)
        checkpoint = original_checkpoint.read(prefix)
    except RunError as error:
        raise RunError(f"--pretrained_model_checkpoint_path={path}: {error}") from error
    return Pretrained(checkpoint.prefix, checkpoint.shapes, checkpoint.values)


def _of_this_program(prefix: str) -> Pretrained:
    """Opens a checkpoint of a MODEL_DIR, whose config.json says what it is a checkpoint of."""
    folder = os.path.dirname(prefix) or "."
    for model_dir in (folder, os.path.dirname(os.path.abspath(folder))):
        if tf.io.gfile.exists(os.path.join(model_dir, configuration.CONFIG_FILE)):
            break
    else:
        raise RunError(
            f"{prefix} is a checkpoint of TensorFlow 2, but no {configuration.CONFIG_FILE} is in "
            f"{folder} that would say of which network."
        )
    config = configuration.load(model_dir)
    policy = tf.keras.mixed_precision.global_policy()
    try:
        network = run.network_for_inference(config.model)
    finally:
        tf.keras.mixed_precision.set_global_policy(policy)
    run.restore_network(network, model_dir, prefix)
    variables = original_variable_names(network)
    return Pretrained(
        prefix,
        checkpoint_mapping.shapes_of(variables),
        lambda names: {name: variables[name].numpy() for name in names},
    )


def restore(
    network: tf.keras.Model,
    config: ModelConfig,
    pretrained: Pretrained,
    *,
    trainable_only: bool = False,
    restore_classifier: bool = True,
) -> Restored:
    """Gives a new network the weights of another one.

    Everything but classifier and embedding layer must correspond exactly. These two are taken
    over where they have the same shapes.

    Args:
      network: the new network.
      config: what it was built from.
      pretrained: where the weights come from.
      trainable_only: the original's way: neither batch-norm statistics nor embedding layer nor
        classifier.
      restore_classifier: whether a classifier that fits is taken over.

    Raises:
      RunError: another architecture; every variable that differs is listed with the likely cause.
    """
    variables = original_variable_names(network)
    wanted = checkpoint_mapping.shapes_of(variables)
    # Head and classes may differ; for the rest the cause of a difference is looked for as if
    # they did not.
    checkpoint_mapping.require_match(
        pretrained.source,
        _replaced_head(pretrained.shapes, wanted),
        wanted,
        config,
    )
    names, why = list(variables), []
    if trainable_only:
        names = _trainable(network, names)
        statistics = len(variables) - len(network.trainable_variables)
        why.append(f"{statistics} batch-norm statistics (--restore_trainable_only)")
    for part, prefix in (("embedding layer", EMBEDDING), ("classifier", CLASSIFIER)):
        reason = _fresh_reason(part, prefix, pretrained, wanted, trainable_only, restore_classifier)
        if reason:
            names = [name for name in names if not name.startswith(prefix)]
            why.append(reason)
    checkpoint_mapping.assign(variables, pretrained.values(names))
    fresh = [name for name in variables if name not in set(names)]
    return Restored(pretrained.source, names, fresh, why)


def _trainable(network: tf.keras.Model, names: list[str]) -> list[str]:
    """Returns the names of trainable variables."""
    trainable = {variable.ref() for variable in network.trainable_variables}
    variables = original_variable_names(network)
    return [name for name in names if variables[name].ref() in trainable]


def _is_head(name: str) -> bool:
    """Whether a variable belongs to the classifier or to the embedding layer."""
    return name.startswith((CLASSIFIER, EMBEDDING))


def _replaced_head(
    found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """Returns a checkpoint's variables with the head of the new network."""
    return {
        **{name: shape for name, shape in found.items() if not _is_head(name)},
        **{name: shape for name, shape in wanted.items() if _is_head(name)},
    }


def _fresh_reason(
    part: str,
    prefix: str,
    pretrained: Pretrained,
    wanted: dict[str, tuple[int, ...]],
    trainable_only: bool,
    restore_classifier: bool,
) -> str:
    """Returns why a part of the head starts anew, empty if it is restored or not there."""
    here = {name: shape for name, shape in wanted.items() if name.startswith(prefix)}
    there = {name: s for name, s in pretrained.shapes.items() if name.startswith(prefix)}
    if not here:
        return f"the {part} of the checkpoint, which this network has not" if there else ""
    if trainable_only:
        return f"the {part} (--restore_trainable_only)"
    if prefix == CLASSIFIER and not restore_classifier:
        return f"the {part} (--norestore_classifier)"
    if not there:
        return f"the {part}, which the checkpoint has not"
    if here != there:
        name = f"{prefix}kernel" if prefix == CLASSIFIER else f"{prefix}/kernel"
        return f"the {part}: {_sizes(there[name])} there, {_sizes(here[name])} here"
    return ""


def _sizes(shape: tuple[int, ...]) -> str:
    """Returns the shape of a head's kernel as `2048 features to 1001`."""
    return f"{shape[-2]} features to {shape[-1]}"
