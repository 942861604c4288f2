"""Sums of two branches whose maps may differ in size by a row or a column, or by a factor of 2."""

from __future__ import annotations

import tensorflow as tf

from nets.conv_norm import PACKAGE


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class CroppedAdd(tf.keras.layers.Layer):
    """Sum of two maps; the larger one loses its last rows and columns.

    Called on `[first, second]`, [N, H, W, C] and [N, H', W', C]; gives
    [N, min(H, H'), min(W, W'), C].
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Adds the two inputs."""
        first, second = crop_to_smaller(*inputs)
        return first + second


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class UpsampleAdd(tf.keras.layers.Layer):
    """Sum of a fine map and a coarse one that is doubled by repeating its cells.

    Chen et al., "Big-Little Net" (arXiv:1807.03848), section 3.1. Called on `[fine, coarse]`,
    [N, H, W, C] and [N, ceil(H / 2), ceil(W / 2), C]; gives [N, H, W, C]. At odd sizes the
    doubled map is one larger and is cropped. Costs one addition per value.
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Adds the doubled second input to the first."""
        fine, coarse = inputs
        doubled = tf.repeat(tf.repeat(coarse, 2, axis=1), 2, axis=2)
        fine, doubled = crop_to_smaller(fine, doubled)
        return fine + doubled


def crop_to_smaller(first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the bottom and right of the larger of two maps, axis by axis.

    Args:
        first: [N, H, W, C].
        second: [N, H', W', C'].

    Returns:
        Both, at min(H, H') x min(W, W'). Where static sizes agree nothing is computed.
    """
    sizes = list(zip(first.shape[1:3], second.shape[1:3], strict=True))
    if all(one is not None and one == other for one, other in sizes):
        return first, second
    if all(one is not None and other is not None for one, other in sizes):
        height, width = (min(pair) for pair in sizes)
    else:
        smaller = tf.minimum(tf.shape(first)[1:3], tf.shape(second)[1:3])
        height, width = smaller[0], smaller[1]
    return first[:, :height, :width], second[:, :height, :width]
