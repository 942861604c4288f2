"""The first weights of a fine-tuning: a network of the original or of this program.

The paper's section 4.3 fine-tunes networks that were trained on ImageNet. The original restores
trainable variables alone, without embedding layer and classifier, so that batch-norm statistics
start at mean 0 and variance 1; here they are restored unless the old way is asked for.
"""

import dataclasses
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nets import ModelConfig, original_variable_names
from official.checkpoints import from_run, mapping, original_checkpoint, sources
from official.run import checkpoints, configuration, paths
from official.run.class_names import differences, match
from official.run.errors import RunError
from official.run.network import input_shape, network_for_inference

Shapes = dict[str, tuple[int, ...]]
# Parts of the head by what their variables' names hold.
_CLASSIFIER = "/dense/"
# Variables that an error names of each kind.
_SHOWN = 3
_HEAD = {"embedding layer": "/embedding_dense", "exponent": "/global_pool/",
         "classifier": _CLASSIFIER}  # fmt: skip


class Pretrained(NamedTuple):
    """Weights of the checkpoint `source`, by the original's names; `values` gives those of some.

    `network` are fields of `ModelConfig` that they need and their shapes do not show; `class_names`
    names the outputs of the classifier, if anything does.
    """

    source: str
    shapes: Shapes
    values: Callable[[list[str]], dict[str, np.ndarray]]
    network: Mapping[str, Any] = types.MappingProxyType({})
    class_names: tuple[str, ...] = ()


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
    in its folders `best` and `periodical`), or weights of Keras, torchvision or timm; RunError is
    raised for anything else.
    """
    try:
        if sources.is_foreign(path):
            return of_weights(sources.read(path))
        prefix = checkpoints.resolve_prefix(paths.absolute(path))
        if original_checkpoint.is_object_based(prefix):
            return _of_this_program(prefix)
        return of_weights(original_checkpoint.read(prefix))
    except RunError as error:
        raise RunError(f"--pretrained_model_checkpoint_path={path}: {error}") from error


def of_weights(weights: sources.Weights) -> Pretrained:
    """Returns weights of the original, Keras, torchvision or timm as those to start from."""
    return Pretrained(weights.prefix, weights.shapes, weights.values, weights.network)


def _of_this_program(prefix: str) -> Pretrained:
    """Opens a checkpoint of a MODEL_DIR, whose config.json says what it is a checkpoint of."""
    model_dir = from_run.folder_of(prefix)
    config = configuration.load(model_dir)
    network = network_for_inference(config.model, input_shape(config))
    checkpoints.restore_network(network, model_dir, prefix)
    variables = original_variable_names(network)
    return Pretrained(
        prefix,
        mapping.shapes_of(variables),
        lambda names: {name: variables[name].numpy() for name in names},
        from_run.architecture(config.model),
        config.data.class_names,
    )


def restore(
    network: tf.keras.Model,
    config: ModelConfig,
    pretrained: Pretrained,
    *,
    trainable_only: bool = False,
    restore_classifier: bool = True,
    class_names: Sequence[str] = (),
) -> Restored:
    """Gives a new network the weights of another one.

    Everything but classifier and embedding layer must correspond exactly. These two are taken
    over where they have the same shapes; the classifier only if `restore_classifier`, and, where
    both networks have class names, if these are the same, in whatever order. With
    `trainable_only`, the original's way, neither is, nor are batch-norm statistics.

    Raises:
      RunError: another architecture; what differs is listed with the likely cause.
    """
    variables = original_variable_names(network)
    wanted = mapping.shapes_of(variables)
    found = _with_head_of(wanted, pretrained.shapes)
    mapping.require_match(pretrained.source, found, wanted, config, shown=_SHOWN)
    _note_differences(pretrained, config)
    names, why = list(variables), []
    order = _order_of(class_names, pretrained.class_names)
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
            elif mark == _CLASSIFIER and order is None:
                reason = f" of other classes ({differences(pretrained.class_names, class_names)})"
        if reason:
            names = [name for name in names if mark not in name]
            why.append(f"the {part}{reason}")
    for name, value in pretrained.values(names).items():
        variables[name].assign(value[..., order] if order and _CLASSIFIER in name else value)
    if order and any(_CLASSIFIER in name for name in names):
        print("note: the classifier is put into the order of the classes here", file=sys.stderr)
    kept = set(names)
    fresh = [name for name in variables if name not in kept]
    return Restored(pretrained.source, names, fresh, why)


def _order_of(here: Sequence[str], there: Sequence[str]) -> list[int] | None:
    """Returns which of the checkpoint's classes each class is; None if they are others.

    It is empty where the order is the same, or nothing says what they are.
    """
    if not here or not there or tuple(here) == tuple(there):
        return []
    found = match(there, here)
    return list(found) if found and sorted(found) == list(range(len(there))) else None


def _note_differences(pretrained: Pretrained, config: ModelConfig) -> None:
    """Says in what the network differs from the weights' own, although all shapes are the same."""
    differing = [
        f"{field}={getattr(config, field)!r}, not {value!r}"
        for field, value in pretrained.network.items()
        if getattr(config, field) != value and config.architecture == "resnet"
    ]
    if differing:
        print(
            f"note: the weights of {pretrained.source} are of a network that differs in what no "
            f"weight shows: {'; '.join(differing)}",
            file=sys.stderr,
        )


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
