"""Grad-CAM: where in an image a network sees what speaks for a class (1610.02391)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nets import endpoints


def grad_cam(
    network: tf.keras.Model, layer: str = "stage4"
) -> Callable[[tf.Tensor, tf.Tensor], np.ndarray]:
    """Returns the function that draws the maps of a network.

    The gradient of a class's logit, averaged over the places of the map of `layer`, says how much
    each channel speaks for the class; the map is the sum of the channels with these weights, where
    it is positive. It costs one pass through the network, and one back through the classifier.

    Args:
      network: from images [N, H, W, 3] to logits, with endpoints `layer` and `logits`.
      layer: the endpoint whose map is taken, [N, h, w, C].

    Returns:
      From images [N, H, W, 3] and classes, integer [N], to float32 [N, h, w] in 0 to 1, whose
      largest value is 1; all 0 where nothing speaks for the class.
    """
    outputs = endpoints(network).output
    below = tf.keras.Model(network.input, outputs[layer])
    above = tf.keras.Model(outputs[layer], outputs["logits"])

    def draw(images: tf.Tensor, classes: tf.Tensor) -> np.ndarray:
        maps = below(images, training=False)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(maps)
            logits = tf.gather(above(maps, training=False), classes, batch_dims=1)
        weights = tf.reduce_mean(tape.gradient(logits, maps), axis=(1, 2), keepdims=True)
        found = tf.cast(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)), tf.float32)
        return tf.math.divide_no_nan(found, tf.reduce_max(found, (1, 2), keepdims=True)).numpy()

    return draw
