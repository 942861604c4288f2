"""The names that a model's variables have in the original's TensorFlow 1 checkpoints.

A layer gets its original name when it is made, from a `ScopeNamer` that counts as TensorFlow 1
did: within one scope the second `conv2d` is `conv2d_1`. Keras forbids slashes in some uses of a
layer name, so layers carry the name with dots (`stage1.big1.conv2d_3`); the checkpoint's name is
`resnet_model/stage1/big1/conv2d_3/kernel`.
"""

from __future__ import annotations

import tensorflow as tf

ROOT = "resnet_model"
_SEPARATOR = "."
_LEAVES = {
    tf.keras.layers.Conv2D: ("kernel", "bias"),
    tf.keras.layers.Dense: ("kernel", "bias"),
    tf.keras.layers.BatchNormalization: ("gamma", "beta", "moving_mean", "moving_variance"),
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


def original_variable_names(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Maps the original's checkpoint names to the variables of a model.

    Args:
        model: A model that `build_model` made, or a loaded copy of one.

    Returns:
        Name without `:0` -> variable, in the order of `model.weights`. The state of DropBlock
        (keep probability, step) is no part of it: the original stored none.
    """
    named = {}
    for layer in model.submodules:
        for leaf in _leaves_of(layer):
            variable = getattr(layer, leaf, None)
            if variable is not None:
                path = layer.name.replace(_SEPARATOR, "/")
                named[variable.ref()] = f"{ROOT}/{path}/{leaf}"
    names = {}
    for variable in model.weights:
        name = named.get(variable.ref())
        if name is not None:
            names[name] = variable
    return names


def _leaves_of(layer: tf.Module) -> tuple[str, ...]:
    """Names of the variables that a layer of this kind may own."""
    for kind, leaves in _LEAVES.items():
        if isinstance(layer, kind):
            return leaves
    return ()
