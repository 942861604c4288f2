"""Arguments that a layer inherits and has no choice of."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def fixed_arguments(
    layer: tf.keras.layers.Layer, given: dict[str, Any], **fixed: Any
) -> dict[str, Any]:
    """Adds arguments whose value is fixed to those that a layer was given.

    Args:
        layer: Whose class the message names.
        given: Keyword arguments of its caller.
        **fixed: The only value of each argument.

    Returns:
        All of them.

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
