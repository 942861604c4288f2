"""Anti-aliased down-sampling: blur, then subsample.

Zhang, "Making Convolutional Networks Shift-Invariant Again" (arXiv:1904.11486), section 3.2. The
paper of this repository (arXiv:2001.06268, section 3.1) uses it at the strided convolutions, with
a 3x3 filter.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from nets.conv_norm import PACKAGE


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class BlurPool2D(tf.keras.layers.Layer):
    """Blurs each channel with a binomial filter, then keeps every `strides`-th row and column.

    Input [N, H, W, C], output [N, (H + 2p - f) // s + 1, (W + 2p - f) // s + 1, C] where f is the
    filter size, s the stride and p = (f - 1) // 2 the REFLECT padding of every side. The filter is
    the outer product of row f - 1 of Pascal's triangle with itself, divided by its sum: a
    constant, not a variable. Costs f * f multiplications per output value.
    """

    def __init__(self, filter_size: int = 3, strides: int = 2, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            filter_size: Width of the filter, 1 to 7. Width 1 only subsamples.
            strides: Stride of both axes.
            **kwargs: Of `tf.keras.layers.Layer`.

        Raises:
            ValueError: The filter size or the stride is impossible.
        """
        super().__init__(**kwargs)
        if not 1 <= filter_size <= 7:
            raise ValueError(f"BlurPool2D: filter_size={filter_size!r} must be 1 to 7")
        if strides < 1:
            raise ValueError(f"BlurPool2D: strides={strides!r} must be 1 or more")
        self.filter_size = filter_size
        self.strides = strides

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Blurs and subsamples `inputs`."""
        if self.filter_size == 1:
            return inputs[:, :: self.strides, :: self.strides]
        padded = reflect_pad(inputs, (self.filter_size - 1) // 2)
        kernel = self._kernel(inputs.shape[-1], inputs.dtype)
        strides = [1, self.strides, self.strides, 1]
        return tf.nn.depthwise_conv2d(padded, kernel, strides, "VALID")

    def _kernel(self, channels: int, dtype: tf.DType) -> tf.Tensor:
        """The filter of every channel, [f, f, channels, 1]."""
        row = binomial(self.filter_size)
        total = sum(row) ** 2
        square = [[above * beside / total for beside in row] for above in row]
        kernel = tf.constant(square, dtype)[:, :, tf.newaxis, tf.newaxis]
        return tf.tile(kernel, [1, 1, channels, 1])

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {
            **super().get_config(),
            "filter_size": self.filter_size,
            "strides": self.strides,
        }


def binomial(size: int) -> list[int]:
    """Row `size - 1` of Pascal's triangle: 3 gives [1, 2, 1]."""
    return [math.comb(size - 1, k) for k in range(size)]


def reflect_pad(inputs: tf.Tensor, pad: int) -> tf.Tensor:
    """Pads height and width by mirroring, the border itself not repeated.

    A map smaller than the padding is mirrored again and again (TensorFlow's own operation refuses
    it); a map of one cell is repeated.

    Args:
        inputs: [N, H, W, C].
        pad: Cells on every side.

    Returns:
        [N, H + 2 pad, W + 2 pad, C].
    """
    if pad == 0:
        return inputs
    sizes = inputs.shape[1:3].as_list()
    # Inputs of 32 pixels and more never reach a strided layer with one cell: one mirror is enough
    # for the 3x3 filter, even where the size is known at run time only.
    enough = all(pad == 1 if size is None else size > pad for size in sizes)
    if enough:
        return tf.pad(inputs, [[0, 0], [pad, pad], [pad, pad], [0, 0]], "REFLECT")
    dynamic = tf.shape(inputs)
    for axis in (1, 2):
        inputs = tf.gather(inputs, _mirrored(dynamic[axis], pad), axis=axis)
    return inputs


def _mirrored(size: tf.Tensor, pad: int) -> tf.Tensor:
    """Indices that mirror an axis of `size` cells by `pad` on both ends."""
    period = tf.maximum(2 * (size - 1), 1)
    index = tf.math.floormod(tf.range(-pad, size + pad), period)
    return tf.minimum(index, period - index) * tf.cast(size > 1, index.dtype)
