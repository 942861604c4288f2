"""Efficient channel attention: a gate per channel from its neighbours, without reduction.

Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks"
(arXiv:1910.03151), section 3.2 and figure 2.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer

_GAMMA = 2
_B = 1


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class EfficientChannelAttention(Layer):
    """Global mean, a convolution over the channels, sigmoid; the gate multiplies the input.

    Input and output [N, H, W, C]. The convolution has one filter without bias, pads with zeros and
    is `kernel_size` wide; the sigmoid is float32 under any policy. Costs kernel_size * C
    multiplications per image and two passes over the map.
    """

    arguments = ("kernel_size",)

    def __init__(self, kernel_size: int = 0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            kernel_size: Odd width of the convolution; 0: `adaptive_size` of the channels.
            **kwargs: Of `tf.keras.layers.Layer`.

        Raises:
            ValueError: The width is even or negative.
        """
        super().__init__(**kwargs)
        if kernel_size < 0 or (kernel_size and kernel_size % 2 == 0):
            raise ValueError(
                f"EfficientChannelAttention: kernel_size={kernel_size!r} must be odd, or 0"
            )
        self.kernel_size = kernel_size

    def build(self, input_shape: Any) -> None:
        """Makes the convolution for the channels of the input."""
        channels = tf.TensorShape(input_shape)[-1]
        self.excite = tf.keras.layers.Conv1D(
            1,
            self.kernel_size or adaptive_size(channels),
            padding="same",
            use_bias=False,
            kernel_initializer=tf.keras.initializers.VarianceScaling(mode="fan_in"),
            name=f"{self.name}.ecablock_conv",
            dtype=self.dtype_policy,
        )
        with tf.name_scope(self.excite.name):
            self.excite.build([None, channels, 1])
        super().build(input_shape)

    @property
    def parts(self) -> tuple[tf.keras.layers.Layer, ...]:
        """The inner layer."""
        return (self.excite,)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Gates the channels of `inputs`."""
        channels = inputs.shape[-1]
        gate = tf.reduce_mean(inputs, axis=[1, 2])
        gate = self.excite(gate[:, :, tf.newaxis])
        gate = tf.reshape(gate, [-1, 1, 1, channels])
        gate = tf.sigmoid(tf.cast(gate, tf.float32))
        return inputs * tf.cast(gate, inputs.dtype)


def adaptive_size(channels: int) -> int:
    """Width of the convolution for that many channels, equation 12: (log2 C + 1) / 2, odd."""
    width = int(abs((math.log2(channels) + _B) / _GAMMA))
    return width if width % 2 else width + 1
