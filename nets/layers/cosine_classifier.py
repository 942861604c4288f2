"""A classifier of directions: the cosines between an embedding and a vector for each class.

Cosine softmax (Zhai and Wu, 1811.12649: "normalised softmax", without a bias), and the layer of
ArcFace (Deng et al., 1801.07698), whose margin belongs to the loss, which alone knows the labels.
It costs what a dense layer costs.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class CosineClassifier(Layer):
    """`scale * cos(x, w_c)` for each class c: float32 [N, D] to float32 [N, C].

    Both sides are normalised to length 1; there is no bias. A vector of zeros has the cosine 0 with
    everything.

    Attributes:
        units: Number of classes, C.
        scale: What the cosines, which lie between -1 and 1, are multiplied by.
    """

    arguments = ("units", "scale")

    def __init__(self, units: int, scale: float, **kwargs: Any) -> None:
        """Makes the layer."""
        super().__init__(**kwargs)
        self.units = units
        self.scale = scale

    def build(self, input_shape: tf.TensorShape) -> None:
        """Makes the kernel, [D, C], whose columns are the classes."""
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight("kernel", shape, initializer="glorot_uniform")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the scaled cosines."""
        directions = tf.math.l2_normalize(inputs, axis=-1)
        classes = tf.math.l2_normalize(self.kernel, axis=0)
        return self.scale * tf.matmul(directions, classes)

    def compute_output_shape(self, input_shape: tf.TensorShape) -> tuple[int | None, int]:
        """Returns [N, C]."""
        return (*input_shape[:-1], self.units)
