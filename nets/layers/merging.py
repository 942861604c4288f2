"""Sums of two branches whose maps may differ in size by a row or a column, or by a factor of 2."""

from __future__ import annotations

import tensorflow as tf

from nets.layers.conv_norm import PACKAGE
from nets.layers.shapes import crop_to_smaller, size_of


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
        size = [2 * size_of(coarse, 1), 2 * size_of(coarse, 2)]
        doubled = tf.image.resize(coarse, size, "nearest")
        fine, doubled = crop_to_smaller(fine, doubled)
        return fine + doubled
