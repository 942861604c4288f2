"""The `reid` types (retrieval): the whole image squeezed into a square, no aspect kept."""

import tensorflow as tf

from preprocessing import seeds
from preprocessing.crops import resize

_SQUARE = 256


def train_square(image: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Squeezes an image into a square, half of the time by way of a random crop.

    Either the image is resized to `size` at once, or to 256 and a random square of `size` is cut:
    uint8 [H, W, 3] to float32 [size, size, 3], grey levels 0 to 255.
    """
    choice, top, left = tf.unstack(seeds.uniform(seed, 3), num=3)
    places = float(_SQUARE - size + 1)

    def cropped() -> tf.Tensor:
        square = resize.tf1_bilinear_resize(image, _SQUARE, _SQUARE)
        corner = [tf.cast(top * places, tf.int32), tf.cast(left * places, tf.int32), 0]
        return tf.slice(square, corner, [size, size, 3])

    def squeezed() -> tf.Tensor:
        return resize.tf1_bilinear_resize(image, size, size)

    return tf.cond(choice < 0.5, cropped, squeezed)
