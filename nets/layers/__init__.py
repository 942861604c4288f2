"""One technique a file, as Keras layers; here what they share."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Under which Keras registers every layer and network of this wing, for files that name them.
PACKAGE = "assembled_cnn"


class Layer(tf.keras.layers.Layer):
    """A Keras layer that is made anew from its `arguments`, attributes of the same names."""

    arguments: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


def fixed_arguments(
    layer: tf.keras.layers.Layer, given: dict[str, Any], **fixed: Any
) -> dict[str, Any]:
    """Adds arguments that a layer inherits and has no choice of to those that it was given.

    Raises:
        ValueError: One of the fixed ones is given and has another value.
    """
    for name, value in fixed.items():
        wanted = given.get(name)
        # Keras takes one number for both axes, and JSON makes lists of pairs.
        same = [None, value, list(value), value[0]] if isinstance(value, tuple) else [None, value]
        if wanted not in same:
            raise ValueError(
                f"{type(layer).__name__}: {name}={wanted!r} is impossible; this layer has "
                f"{value!r} only, leave the argument out"
            )
    return {**given, **fixed}


def size_of(tensor: tf.Tensor, axis: int) -> Any:
    """Size of an axis: a number where it is known, else a scalar tensor."""
    size = tensor.shape[axis]
    return tf.shape(tensor)[axis] if size is None else size
