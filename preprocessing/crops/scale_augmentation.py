"""Scale augmentation: the shorter side drawn from a range, then a random square.

Simonyan and Zisserman (arXiv 1409.1556, section 3.1) and ResNet (arXiv 1512.03385, section 3.4),
there with shorter sides of 256 to 480 pixels and squares of 224.
"""

from collections.abc import Callable

import tensorflow as tf

from preprocessing import seeds


def window_chooser(
    seed: tf.Tensor, size: int, shorter_range: tuple[int, int]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function from an image's shape to the window that becomes the training square.

    Were the whole image resized to the drawn shorter side s, the square would be `size` pixels;
    in the image as it is the window has size / s of the shorter side, rounded to whole pixels.
    Only the window is decoded and resized, so that large s cost nothing. s is in `shorter_range`,
    both ends included, and not below `size`.

    Returns:
        Function from int32 [3] (height, width, channels) to int32 [4] (top, left, height, width).
    """
    scale, top, left = tf.unstack(seeds.uniform(seed, 3), num=3)
    low, high = shorter_range
    shorter = low + tf.floor(scale * (high - low + 1))

    def choose(shape: tf.Tensor) -> tf.Tensor:
        sides = tf.cast(shape[:2], tf.float32)
        side = tf.maximum(tf.round(tf.reduce_min(sides) * size / shorter), 1.0)
        corner = tf.floor(tf.stack([top, left]) * (sides - side + 1.0))
        return tf.cast(tf.concat([corner, [side, side]], axis=0), tf.int32)

    return choose
