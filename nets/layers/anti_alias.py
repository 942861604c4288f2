"""Anti-aliased down-sampling: blur, then subsample.

Zhang, "Making Convolutional Networks Shift-Invariant Again" (arXiv:1904.11486), section 3.2. The
paper of this repository (arXiv:2001.06268, section 3.1) uses it at the strided convolutions, with
a 3x3 filter.

A network can be blurred at three places, each of which `anti_alias_type` of its configuration
switches on by its name; `LayerBuilder.strides_at` shares out the stride there:

    max    the first max-pool runs at stride 1, then the blur subsamples
    sconv  the strided convolution of a block (or its selective kernel) runs at stride 1; batch
           norm and ReLU follow, then the blur subsamples
    proj   the blur subsamples the input of a projection shortcut, then its 1x1 runs at stride 1
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer, size_of

PLACES = ("max", "proj", "sconv")


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class BlurPool2D(Layer):
    """Blurs each channel with a binomial filter, then keeps every `strides`-th row and column.

    Input [N, H, W, C], output [N, (H + 2p - f) // s + 1, (W + 2p - f) // s + 1, C] where f is the
    filter size, s the stride and p = (f - 1) // 2 the REFLECT padding of every side. The filter is
    the outer product of row f - 1 of Pascal's triangle with itself, divided by its sum: a
    constant, not a variable.

    The filter is separable, and each half is a multiplication with a band matrix [H_out, H] that
    holds padding and stride too. On a CPU this takes a third of the time of a depthwise
    convolution, forward and backward, although it multiplies more (H_out H W C + H_out W_out W C
    against f f H_out W_out C): the matrix product runs at full speed and nothing is padded.
    """

    arguments = ("filter_size", "strides")

    def __init__(self, filter_size: int = 3, strides: int = 2, **kwargs: Any) -> None:
        """Makes the layer; a filter of width 1 only subsamples.

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
        channels = inputs.shape[-1]
        height, width = (size_of(inputs, axis) for axis in (1, 2))
        rows = blur_matrix(height, self.filter_size, self.strides, inputs.dtype)
        columns = blur_matrix(width, self.filter_size, self.strides, inputs.dtype)
        flat = tf.reshape(inputs, [-1, height, width * channels])
        flat = tf.matmul(rows, flat)
        flat = tf.reshape(flat, [-1, width, channels])
        flat = tf.matmul(columns, flat)
        return tf.reshape(flat, [-1, size_of(rows, 0), size_of(columns, 0), channels])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns the shape of the output; unknown sizes stay unknown."""
        batch, height, width, channels = tf.TensorShape(input_shape).as_list()
        rows, columns = (
            None if size is None else output_size(size, self.filter_size, self.strides)
            for size in (height, width)
        )
        return tf.TensorShape([batch, rows, columns, channels])


def binomial(size: int) -> list[int]:
    """Row `size - 1` of Pascal's triangle: 3 gives [1, 2, 1]."""
    return [math.comb(size - 1, k) for k in range(size)]


def output_size(size: Any, filter_size: int, strides: int) -> Any:
    """Size of an axis after the blur, at least 1; a number or a scalar tensor, as `size` is."""
    if filter_size == 1:
        return -(-size // strides)
    padded = size + 2 * ((filter_size - 1) // 2)
    cells = (padded - filter_size) // strides + 1
    return max(cells, 1) if isinstance(size, int) else tf.maximum(cells, 1)


def blur_matrix(size: Any, filter_size: int, strides: int, dtype: tf.DType) -> tf.Tensor:
    """The matrix that blurs and subsamples an axis: mirror padding, filter and stride in one.

    [output_size(size, filter_size, strides), size]; every row adds up to 1. Axes shorter than the
    padding are mirrored again and again; a single cell is repeated.
    """
    row = binomial(filter_size)
    weights = tf.constant([value / sum(row) for value in row], dtype)
    starts = strides * tf.range(output_size(size, filter_size, strides))
    offsets = tf.range(filter_size) - (filter_size - 1) // 2
    cells = _mirrored(starts[:, tf.newaxis] + offsets, size)
    return tf.reduce_sum(tf.one_hot(cells, size, dtype=dtype) * weights[:, tf.newaxis], axis=1)


def _mirrored(positions: tf.Tensor, size: Any) -> tf.Tensor:
    """Maps positions outside of [0, size) inside, mirrored at the first and at the last cell."""
    period = tf.maximum(2 * (size - 1), 1)
    inside = tf.math.floormod(positions, period)
    inside = tf.minimum(inside, period - inside)
    return tf.minimum(inside, size - 1)
