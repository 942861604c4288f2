"""Selective kernel unit: two receptive fields, and attention that chooses between them.

Li et al., "Selective Kernel Networks" (arXiv:1903.06586), section 3.1; the form with one 3x3
convolution of doubled channels is that of arXiv:2001.06268, section 3.1.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer
from nets.layers.batch_norm import batch_norm
from nets.layers.convolution import convolution


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class SelectiveKernelFusion(Layer):
    """Attention that weighs two maps, channel by channel, and adds them up.

    Called on `[first, second]`, both [N, H, W, filters]; gives [N, H, W, filters]: global mean of
    their sum; 1x1 to max(filters / reduction, min_width), batch norm, ReLU; 1x1 to 2 * filters;
    softmax across the two maps, in float32; weighted sum. No ReLU follows. It costs
    3 * filters * width multiplications per image and two passes over the maps.
    """

    arguments = ("filters", "reduction", "min_width", "momentum", "epsilon")

    def __init__(
        self,
        filters: int,
        reduction: int = 2,
        min_width: int = 32,
        momentum: float = 0.997,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        """Makes the layer.

        Args:
            filters: Channels of either map.
            reduction: Divides `filters` for the width of the attention.
            min_width: Least width of the attention.
            momentum: Of every batch norm.
            epsilon: Of every batch norm.
            **kwargs: Of `tf.keras.layers.Layer`; `name` is the original scope of the attention.
        """
        super().__init__(**kwargs)
        self.filters = filters
        self.reduction = reduction
        self.min_width = min_width
        self.momentum = momentum
        self.epsilon = epsilon
        dtype = self.dtype_policy
        width = max(filters // reduction, min_width)
        inner = f"{self.name}."
        self.squeeze = convolution(width, 1, name=f"{inner}sk_fc_1", dtype=dtype)
        self.squeeze_norm = batch_norm(
            momentum, epsilon, name=f"{inner}batch_normalization", dtype=dtype
        )
        self.excite = convolution(2 * filters, 1, name=f"{inner}sk_fc_2", dtype=dtype)

    @property
    def parts(self) -> tuple[tf.keras.layers.Layer, ...]:
        """The inner layers in the order in which the original makes their variables."""
        return self.squeeze, self.squeeze_norm, self.excite

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Mixes the two maps."""
        first, second = inputs
        # The means come before the sum: the same numbers, and one pass less over the large maps.
        pooled = [tf.reduce_mean(half, axis=[1, 2], keepdims=True) for half in (first, second)]
        weight = self._first_weight(tf.add_n(pooled), training)
        return weight * first + (1.0 - weight) * second

    def _first_weight(self, pooled: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Weight [N, 1, 1, filters] of the first map; the second one has the rest of 1."""
        hidden = self.squeeze(pooled)
        hidden = self.squeeze_norm(hidden, training=training)
        hidden = tf.nn.relu(hidden)
        logits = self.excite(hidden)
        first, second = tf.split(tf.cast(logits, tf.float32), 2, axis=-1)
        # A softmax of two is the logistic function of their difference.
        return tf.cast(tf.sigmoid(first - second), logits.dtype)


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class SelectiveKernel(SelectiveKernelFusion):
    """A 3x3 convolution to twice the channels whose halves compete, channel by channel.

    Input [N, H, W, C_in], output [N, ceil(H / strides), ceil(W / strides), filters]: convolution,
    batch norm, ReLU; then `SelectiveKernelFusion` of the two halves of its channels.

    It replaces a plain 3x3 convolution and costs twice its multiplications, 9 C_in filters H W
    more, which is nearly all; the attention itself is small.
    """

    arguments = (*SelectiveKernelFusion.arguments, "strides", "conv_name", "norm_name")

    def __init__(
        self,
        filters: int,
        strides: int = 1,
        reduction: int = 2,
        min_width: int = 32,
        momentum: float = 0.997,
        epsilon: float = 1e-5,
        conv_name: str = "conv2d",
        norm_name: str = "batch_normalization",
        **kwargs: Any,
    ) -> None:
        """Makes the layer as `SelectiveKernelFusion`, with a convolution of that stride.

        `conv_name` and `norm_name` are original names, which lie outside the attention's scope.
        """
        super().__init__(filters, reduction, min_width, momentum, epsilon, **kwargs)
        self.strides = strides
        self.conv_name = conv_name
        self.norm_name = norm_name
        dtype = self.dtype_policy
        self.conv = convolution(2 * filters, 3, strides, name=conv_name, dtype=dtype)
        self.norm = batch_norm(momentum, epsilon, name=norm_name, dtype=dtype)

    @property
    def parts(self) -> tuple[tf.keras.layers.Layer, ...]:
        """The inner layers in the order in which the original makes their variables."""
        return self.conv, self.norm, *super().parts

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Convolves `inputs` and mixes the two halves."""
        features = self.conv(inputs)
        features = self.norm(features, training=training)
        features = tf.nn.relu(features)
        # The mean of both halves at once, for the same reason.
        pooled = tf.reduce_mean(features, axis=[1, 2], keepdims=True)
        weight = self._first_weight(tf.add_n(tf.split(pooled, 2, axis=-1)), training)
        first, second = tf.split(features, 2, axis=-1)
        return weight * first + (1.0 - weight) * second

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns [N, ceil(H / strides), ceil(W / strides), filters]."""
        shape = self.conv.compute_output_shape(input_shape)
        return tf.TensorShape([*shape[:-1], self.filters])
