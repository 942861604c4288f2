"""Average pooling as the original pads it, and the generalised mean over a whole map.

GeM: Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation"
(arXiv:1711.02512), equation 3.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer, fixed_arguments
from nets.layers.convolution import fixed_pads

_SMALLEST = 1e-6
_LARGEST = 1e12


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FixedPaddingAveragePooling2D(Layer):
    """Average pooling whose padded zeros count in the mean when it is strided.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), C]. Stride 1 is SAME,
    whose mean leaves the padding out. Costs pool_size**2 additions per output value.
    """

    arguments = ("pool_size", "strides")

    def __init__(self, pool_size: int, strides: int, **kwargs: Any) -> None:
        """Makes the layer."""
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.strides = strides

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools `inputs`."""
        if self.strides == 1:
            return tf.nn.avg_pool2d(inputs, self.pool_size, 1, "SAME")
        pads = [list(self._pads(size)) for size in inputs.shape[1:3]]
        if any(any(pad) for pad in pads):
            inputs = tf.pad(inputs, [[0, 0], *pads, [0, 0]])
        return tf.nn.avg_pool2d(inputs, self.pool_size, self.strides, "VALID")

    def _pads(self, size: int | None) -> tuple[int, int]:
        """Zeros around an axis, without those that no window reaches."""
        before, after = fixed_pads(self.pool_size)
        if size is not None:
            outputs = (size + before + after - self.pool_size) // self.strides
            after = max(0, outputs * self.strides + self.pool_size - before - size)
        return before, after


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class GeneralizedMeanPooling(Layer):
    """Generalised mean over the map: (mean of x**p)**(1/p), [N, H, W, C] -> float32 [N, C].

    p = 1 is the mean, a large p nears the maximum. Values are held within [1e-6, 1e12] first, in
    float32 under any policy. One power per value.
    """

    arguments = ("power", "learnable")

    def __init__(self, power: float = 3.0, learnable: bool = False, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            power: The exponent p, above 0.
            learnable: p is a trainable float32 scalar that starts at `power`; a p that training
                makes smaller than 1e-6 counts as 1e-6.
            **kwargs: Of `tf.keras.layers.Layer`.

        Raises:
            ValueError: The exponent is 0 or less, or `autocast=True` with a learnable one.
        """
        if learnable:
            # Neither the map nor the exponent is made less precise on the way in.
            kwargs = fixed_arguments(self, kwargs, autocast=False)
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
                dtype=tf.float32,
                experimental_autocast=False,
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
