"""The names that a model's variables have in the original's TensorFlow 1 checkpoints.

A layer gets its original name when it is made, from a `ScopeNamer` that counts as TensorFlow 1
did: within one scope the second `conv2d` is `conv2d_1`. Keras forbids slashes in some uses of a
layer name, so layers carry the name with dots (`stage1.big1.conv2d_3`); the checkpoint's name is
`resnet_model/stage1/big1/conv2d_3/kernel`.
"""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from nets.layers.pooling import GeneralizedMeanPooling

ROOT = "resnet_model"
MOBILENET_ROOT = "mobilenet_model"
_SEPARATOR = "."
_LEAVES = {
    tf.keras.layers.DepthwiseConv2D: ("depthwise_kernel", "bias"),
    tf.keras.layers.Conv2D: ("kernel", "bias"),
    tf.keras.layers.Conv1D: ("kernel", "bias"),
    tf.keras.layers.Dense: ("kernel", "bias"),
    tf.keras.layers.BatchNormalization: ("gamma", "beta", "moving_mean", "moving_variance"),
    GeneralizedMeanPooling: ("exponent",),
}


class ScopeNamer:
    """Hands out unique names within one scope, as a TensorFlow 1 variable scope did."""

    def __init__(self, path: str = "") -> None:
        """Starts a scope.

        Args:
            path: Dotted name of the scope; empty is the root of the model.
        """
        self.path = path
        self._counts: dict[str, int] = {}

    def unique(self, kind: str) -> str:
        """Returns `kind` the first time, then `kind_1`, `kind_2`, ..., with the scope in front."""
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        name = f"{kind}_{count}" if count else kind
        return f"{self.path}{_SEPARATOR}{name}" if self.path else name

    def scope(self, kind: str) -> ScopeNamer:
        """Opens a new scope inside this one; its name is unique too.

        Args:
            kind: Wanted name; may hold dots (`stage0.pool`).

        Returns:
            The namer of the new scope.
        """
        return ScopeNamer(self.unique(kind))


def root_of(architecture: str) -> str:
    """The scope that a network's variables are in; also the name of its Keras model."""
    return MOBILENET_ROOT if architecture == "mobilenet_v1" else ROOT


def original_name(root: str, path: str, leaf: str) -> str:
    """The checkpoint's name of the variable `leaf` of the layer of that dotted name."""
    return f"{root}/{path.replace(_SEPARATOR, '/')}/{leaf}"


def original_variable_names(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Maps the original's checkpoint names to the variables of a model.

    What the original lacks (the 3x3 + 5x5 selective kernel, efficient channel attention, a learnt
    pooling exponent, MobileNet-V1) has names made by the same rules.

    Args:
        model: A model that `build_model` made, a loaded copy of one, or a part of one.

    Returns:
        Name without `:0` -> variable, in the order in which the original makes them. The state of
        DropBlock (keep probability, step) is no part of it: the original stored none.
    """
    root = MOBILENET_ROOT if model.name == MOBILENET_ROOT else ROOT
    wanted = {variable.ref() for variable in model.weights}
    names = {}
    for layer in _layers_as_built(model):
        for part in getattr(layer, "parts", (layer,)):
            for leaf in _leaves_of(part):
                variable = getattr(part, leaf, None)
                if variable is not None and variable.ref() in wanted:
                    names[original_name(root, part.name, leaf)] = variable
    return names


def _layers_as_built(model: tf.keras.Model) -> Iterator[tf.keras.layers.Layer]:
    """The layers of a functional model in the order in which they were made.

    Keras sorts them by depth. Where two branches meet, the one that is listed last was made first:
    a block makes its shortcut before its branch, a stage of Big-Little its big branch before its
    little one.
    """
    members = {id(layer) for layer in model.layers}
    done: set[int] = set()
    for last in reversed(model.layers):
        waiting = [(last, False)]
        while waiting:
            layer, expanded = waiting.pop()
            if expanded:
                yield layer
            elif id(layer) not in done:
                done.add(id(layer))
                waiting.append((layer, True))
                waiting.extend(
                    (parent, False) for parent in _parents(layer) if id(parent) in members
                )


def _parents(layer: tf.keras.layers.Layer) -> list[tf.keras.layers.Layer]:
    """The layers whose outputs a layer takes, as listed where it was called."""
    return (
        [node.layer for node in layer.inbound_nodes[0].parent_nodes] if layer.inbound_nodes else []
    )


def _leaves_of(layer: tf.Module) -> tuple[str, ...]:
    """Names of the variables that a layer of this kind may own."""
    for kind, leaves in _LEAVES.items():
        if isinstance(layer, kind):
            return leaves
    return ()
