"""Sum of two branches whose maps may differ in size by a row or a column, or by a factor."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer, size_of


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class UpsampleAdd(Layer):
    """Sum of a fine map and a coarse one that is made larger by repeating its cells.

    Chen et al., "Big-Little Net" (arXiv:1807.03848), section 3.1. Called on `[fine, coarse]`,
    [N, H, W, C] and [N, h, w, C]; gives [N, min(H, scale * h), min(W, scale * w), C]: the larger
    of the two maps loses its last rows and columns. With scale 1 that is all it does. Costs one
    addition per value.
    """

    arguments = ("scale",)

    def __init__(self, scale: int = 2, **kwargs: Any) -> None:
        """Makes the layer.

        Raises:
            ValueError: The scale is below 1.
        """
        super().__init__(**kwargs)
        if scale < 1:
            raise ValueError(f"UpsampleAdd: scale={scale!r} must be 1 or more")
        self.scale = scale

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Adds the enlarged second input to the first."""
        fine, coarse = inputs
        if self.scale > 1:
            size = [self.scale * size_of(coarse, axis) for axis in (1, 2)]
            coarse = tf.image.resize(coarse, size, "nearest")
        sizes = list(zip(fine.shape[1:3], coarse.shape[1:3], strict=True))
        if all(one is not None and one == other for one, other in sizes):
            return fine + coarse
        if any(None in pair for pair in sizes):
            height, width = tf.unstack(tf.minimum(tf.shape(fine)[1:3], tf.shape(coarse)[1:3]))
        else:
            height, width = (min(pair) for pair in sizes)
        return fine[:, :height, :width] + coarse[:, :height, :width]
