"""A shortcut without parameters: it leaves out cells and adds channels of zeros."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class ZeroPadShortcut(Layer):
    """Every `strides`-th row and column, and zeros behind the channels that there are.

    Option A of He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385),
    section 3.3. [N, H, W, C] to [N, ceil(H / strides), ceil(W / strides), filters]. Costs nothing.
    """

    arguments = ("filters", "strides")

    def __init__(self, filters: int, strides: int, **kwargs: Any) -> None:
        """Makes the layer for that many channels, at least those that come in."""
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Leaves out cells and adds zeros."""
        x = x[:, :: self.strides, :: self.strides]
        return tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, self.filters - x.shape[-1]]])
