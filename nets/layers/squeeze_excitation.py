"""Squeeze-and-excitation: one gate per channel, computed from the whole map.

Hu et al., "Squeeze-and-Excitation Networks" (arXiv:1709.01507), figure 3.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer
from nets.layers.convolution import convolution


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class SqueezeExcitation(Layer):
    """Global mean, 1x1 to C / ratio, ReLU, 1x1 to C, sigmoid; the gate multiplies the input.

    Input and output [N, H, W, C]. Both 1x1 convolutions are without bias unless asked for; the
    sigmoid is float32 under any policy. Costs 2 C**2 / ratio multiplications per image and two
    passes over the map.
    """

    arguments = ("ratio", "use_bias")

    def __init__(self, ratio: int = 16, use_bias: bool = False, **kwargs: Any) -> None:
        """Makes the layer; `name` is the original scope."""
        super().__init__(**kwargs)
        self.ratio = ratio
        self.use_bias = use_bias

    def build(self, input_shape: Any) -> None:
        """Makes the two convolutions for the channels of the input.

        Raises:
            ValueError: Fewer channels than `ratio`.
        """
        channels = tf.TensorShape(input_shape)[-1]
        if channels < self.ratio:
            raise ValueError(
                f"SqueezeExcitation: ratio={self.ratio} is more than the {channels} channels"
            )
        options = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        inner = f"{self.name}.seblock_dense"
        self.squeeze = convolution(channels // self.ratio, 1, name=f"{inner}_1", **options)
        self.excite = convolution(channels, 1, name=f"{inner}_2", **options)
        # The scopes keep the two kernels apart in an HDF5 file.
        with tf.name_scope(self.squeeze.name):
            self.squeeze.build([None, 1, 1, channels])
        with tf.name_scope(self.excite.name):
            self.excite.build([None, 1, 1, channels // self.ratio])
        super().build(input_shape)

    @property
    def parts(self) -> tuple[tf.keras.layers.Layer, ...]:
        """The inner layers in the order in which the original makes their variables."""
        return self.squeeze, self.excite

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Gates the channels of `inputs`."""
        gate = tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)
        gate = self.squeeze(gate)
        gate = tf.nn.relu(gate)
        gate = self.excite(gate)
        gate = tf.sigmoid(tf.cast(gate, tf.float32))
        return inputs * tf.cast(gate, inputs.dtype)
