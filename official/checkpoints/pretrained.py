"""The first weights of a fine-tuning: a network of the original or of this program.

The paper's section 4.3 fine-tunes networks that were trained on ImageNet. The original restores
trainable variables alone, without embedding layer and classifier, so that batch-norm statistics
start at mean 0 and variance 1; here they are restored unless the old way is asked for.
"""

import dataclasses
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nets import ModelConfig, original_variable_names
from official.checkpoints import mapping, original_checkpoint
from official.run import checkpoints, configuration, paths
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE
from official.run.network import input_shape, network_for_inference

Shapes = dict[str, tuple[int, ...]]
# Parts of the head by what their variables' names hold.
_CLASSIFIER = "/dense/"
_HEAD = {"embedding layer": "/embedding_dense", "exponent": "/global_pool/",
         "classifier": _CLASSIFIER}  # fmt: skip


class Pretrained(NamedTuple):
    """Weights of the checkpoint `source`, by the original's names; `values` gives those of some."""

    source: str
    shapes: Shapes
    values: Callable[[list[str]], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Restored:
    """Which variables have the values of the checkpoint `source`, which do not, and why."""

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

    It is a checkpoint of the original (prefix or folder), a MODEL_DIR, or a checkpoint in one (also
    in its folders `best` and `periodical`); RunError is raised for anything else.
    """
    try:
        prefix = checkpoints.resolve_prefix(paths.absolute(path))
        if original_checkpoint.is_object_based(prefix):
            return _of_this_program(prefix)
        checkpoint = original_checkpoint.read(prefix)
    except RunError as error:
        raise RunError(f"--pretrained_model_checkpoint_path={path}: {error}") from error
    return Pretrained(checkpoint.prefix, checkpoint.shapes, checkpoint.values)


def _of_this_program(prefix: str) -> Pretrained:
    """Opens a checkpoint of a MODEL_DIR, whose config.json says what it is a checkpoint of."""
    folder = os.path.dirname(prefix) or "."
    for model_dir in (folder, os.path.dirname(paths.absolute(folder))):
        if tf.io.gfile.exists(os.path.join(model_dir, CONFIG_FILE)):
            break
    else:
        raise RunError(
            f"{prefix} is a checkpoint of TensorFlow 2, but no {CONFIG_FILE} is in "
            f"{folder} that would say of which network."
        )
    config = configuration.load(model_dir)
    network = network_for_inference(config.model, input_shape(config))
    checkpoints.restore_network(network, model_dir, prefix)
    variables = original_variable_names(network)
    return Pretrained(
        prefix,
        mapping.shapes_of(variables),
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
    over where they have the same shapes; the classifier only if `restore_classifier`. With
    `trainable_only`, the original's way, neither is, nor are batch-norm statistics.

    Raises:
      RunError: another architecture; every variable that differs is listed with the likely cause.
    """
    variables = original_variable_names(network)
    wanted = mapping.shapes_of(variables)
    found = _with_head_of(wanted, pretrained.shapes)
    mapping.require_match(pretrained.source, found, wanted, config)
    names, why = list(variables), []
    if trainable_only:
        trainable = {variable.ref() for variable in network.trainable_variables}
        names = [name for name in names if variables[name].ref() in trainable]
        statistics = len(variables) - len(names)
        why.append(f"{statistics} batch-norm statistics (--restore_trainable_only)")
    for part, mark in _HEAD.items():
        reason = _reason_to_start_anew(mark, pretrained.shapes, wanted)
        if not reason and any(mark in name for name in wanted):
            if trainable_only:
                reason = " (--restore_trainable_only)"
            elif mark == _CLASSIFIER and not restore_classifier:
                reason = " (--norestore_classifier)"
        if reason:
            names = [name for name in names if mark not in name]
            why.append(f"the {part}{reason}")
    for name, value in pretrained.values(names).items():
        variables[name].assign(value)
    kept = set(names)
    fresh = [name for name in variables if name not in kept]
    return Restored(pretrained.source, names, fresh, why)


def _with_head_of(wanted: Shapes, found: Shapes) -> Shapes:
    """Returns a checkpoint's variables with the head of the new network, which may differ."""
    marks = tuple(_HEAD.values())
    body = {n: shape for n, shape in found.items() if not any(mark in n for mark in marks)}
    head = {n: shape for n, shape in wanted.items() if any(mark in n for mark in marks)}
    return {**body, **head}


def _reason_to_start_anew(mark: str, found: Shapes, wanted: Shapes) -> str:
    """Returns why a part of the head cannot be taken over; empty if it can or there is none."""
    here = {name: shape for name, shape in wanted.items() if mark in name}
    there = {name: shape for name, shape in found.items() if mark in name}
    if here == there:
        return ""
    if not here:
        return " of the checkpoint, which this network has not"
    if not there:
        return ", which the checkpoint has not"
    sizes = [
        next(f"{shape[-2]} features to {shape[-1]}" for n, shape in part.items() if "kernel" in n)
        for part in (there, here)
    ]
    return f": {sizes[0]} in the checkpoint, {sizes[1]} here"
