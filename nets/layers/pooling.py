"""From the last feature map to one vector per picture, in float32.

GeM: Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation"
(arXiv:1711.02512), equation 3.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers.conv_norm import PACKAGE

_SMALLEST = 1e-6
_LARGEST = 1e12


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class GlobalMeanPooling(tf.keras.layers.Layer):
    """Mean over the map: [N, H, W, C] -> float32 [N, C]. One addition per value."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Averages `inputs` in float32."""
        return tf.reduce_mean(tf.cast(inputs, tf.float32), axis=[1, 2])


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class GeneralizedMeanPooling(tf.keras.layers.Layer):
    """Generalised mean over the map: (mean of x**p)**(1/p), [N, H, W, C] -> float32 [N, C].

    p = 1 is the mean, a large p nears the maximum. Values are held within [1e-6, 1e12] first, in
    float32 under any policy. One power per value.
    """

    def __init__(self, power: float = 3.0, learnable: bool = False, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            power: The exponent p, above 0.
            learnable: p is a trainable float32 scalar that starts at `power`; a p that training
                makes smaller than 1e-6 counts as 1e-6.
            **kwargs: Of `tf.keras.layers.Layer`. A learnable p makes the layer float32.

        Raises:
            ValueError: The exponent is 0 or less.
        """
        if learnable:
            kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if power <= 0:
            raise ValueError(f"GeneralizedMeanPooling: power={power!r} must be above 0")
        self.power = power
        self.learnable = learnable
        self.exponent = None
        if learnable:
            self.exponent = self.add_weight(
                name="exponent",
                shape=(),
                initializer=tf.keras.initializers.Constant(power),
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools `inputs` in float32."""
        power = self.power
        if self.exponent is not None:
            power = tf.maximum(self.exponent, _SMALLEST)
        values = tf.clip_by_value(tf.cast(inputs, tf.float32), _SMALLEST, _LARGEST)
        total = tf.reduce_sum(tf.pow(values, power), axis=[1, 2])
        total = tf.maximum(total, _SMALLEST)
        cells = tf.cast(tf.reduce_prod(tf.shape(inputs)[1:3]), tf.float32)
        return tf.pow(cells, -1.0 / power) * tf.pow(total, 1.0 / power)

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {**super().get_config(), "power": self.power, "learnable": self.learnable}


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FlattenPooling(tf.keras.layers.Layer):
    """No pooling: [N, H, W, C] -> float32 [N, H * W * C]; the map's size must be fixed."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Flattens `inputs`.

        Raises:
            ValueError: The size of the map is not known when the model is built.
        """
        if inputs.shape[1] is None or inputs.shape[2] is None:
            raise ValueError(
                "pool_type='flatten' needs a fixed picture size: give build_model an input_shape "
                f"such as (224, 224, 3); the map that arrives is {inputs.shape}"
            )
        size = inputs.shape[1] * inputs.shape[2] * inputs.shape[3]
        return tf.reshape(tf.cast(inputs, tf.float32), [-1, size])
