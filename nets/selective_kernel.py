"""Selective kernel unit: two receptive fields, and attention that chooses between them.

Li et al., "Selective Kernel Networks" (arXiv:1903.06586); the form with one 3x3 convolution of
doubled channels is that of arXiv:2001.06268, section 3.1.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.conv_norm import PACKAGE, batch_norm, convolution


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class SelectiveKernel(tf.keras.layers.Layer):
    """A 3x3 convolution to twice the channels whose halves compete, channel by channel.

    Input [N, H, W, C_in], output [N, ceil(H / strides), ceil(W / strides), filters]:
    convolution, batch norm, ReLU; global mean of the sum of both halves; 1x1 to
    max(filters / reduction, min_width), batch norm, ReLU; 1x1 to 2 * filters; softmax across the
    two halves, in float32; weighted sum. No ReLU follows.

    It replaces a plain 3x3 convolution and costs twice its multiplications, 9 C_in filters H W
    more, which is nearly all; the attention itself is small.
    """

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
        """Makes the layer.

        Args:
            filters: Output channels.
            strides: Stride of the 3x3 convolution.
            reduction: Divides `filters` for the width of the attention.
            min_width: Least width of the attention.
            momentum: Of both batch norms.
            epsilon: Of both batch norms.
            conv_name: Original name of the 3x3 convolution, which lies outside this scope.
            norm_name: Original name of its batch norm.
            **kwargs: Of `tf.keras.layers.Layer`; `name` is the original scope of the attention.
        """
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.reduction = reduction
        self.min_width = min_width
        self.momentum = momentum
        self.epsilon = epsilon
        self.conv_name = conv_name
        self.norm_name = norm_name
        dtype = self.dtype_policy
        width = max(filters // reduction, min_width)
        inner = f"{self.name}."
        self.conv = convolution(2 * filters, 3, strides, name=conv_name, dtype=dtype)
        self.norm = batch_norm(momentum, epsilon, name=norm_name, dtype=dtype)
        self.squeeze = convolution(width, 1, name=f"{inner}sk_fc_1", dtype=dtype)
        self.squeeze_norm = batch_norm(
            momentum, epsilon, name=f"{inner}batch_normalization", dtype=dtype
        )
        self.excite = convolution(2 * filters, 1, name=f"{inner}sk_fc_2", dtype=dtype)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Convolves `inputs` and mixes the two halves."""
        features = self.conv(inputs)
        features = self.norm(features, training=training)
        features = tf.nn.relu(features)
        logits = self._attention_logits(features, training)
        first, second = tf.split(features, 2, axis=-1)
        weight = self._first_weight(logits)
        return weight * first + (1.0 - weight) * second

    def _attention_logits(self, features: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Logits [N, 1, 1, 2 * filters] of the two halves of `features`."""
        # The mean comes before the sum: the same numbers, and one pass less over the large map.
        pooled = tf.reduce_mean(features, axis=[1, 2], keepdims=True)
        first, second = tf.split(pooled, 2, axis=-1)
        hidden = self.squeeze(first + second)
        hidden = self.squeeze_norm(hidden, training=training)
        hidden = tf.nn.relu(hidden)
        return self.excite(hidden)

    def _first_weight(self, logits: tf.Tensor) -> tf.Tensor:
        """Weight [N, 1, 1, filters] of the first half; the second half has the rest of 1."""
        first, second = tf.split(tf.cast(logits, tf.float32), 2, axis=-1)
        # A softmax of two is the logistic function of their difference.
        return tf.cast(tf.sigmoid(first - second), logits.dtype)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns [N, ceil(H / strides), ceil(W / strides), filters]."""
        shape = self.conv.compute_output_shape(input_shape)
        return tf.TensorShape([*shape[:-1], self.filters])

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "reduction": self.reduction,
            "min_width": self.min_width,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "conv_name": self.conv_name,
            "norm_name": self.norm_name,
        }
