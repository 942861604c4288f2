"""The `inception_*` types: values in [0, 1], colour shifts in training, no mean subtracted."""

import tensorflow as tf

from preprocessing.crops import resize

AREA_RANGE = (0.1, 1.0)
ASPECT_RATIO_RANGE = (3.0 / 4.0, 4.0 / 3.0)
_CENTRAL_SHARE = 0.875
_BRIGHTNESS = 32.0 / 255.0
_CHROMA = 0.1


def to_unit_range(image: tf.Tensor) -> tf.Tensor:
    """Returns uint8 [H, W, 3] as float32 in [0, 1]."""
    return tf.image.convert_image_dtype(image, tf.float32)


def shift_colours(image: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Shifts brightness by up to 32 / 255 and the two chroma components by up to 0.1.

    The image is float32 [H, W, 3] in [0, 1], before and after; draws are 3, uniform in [0, 1).
    """
    luma, blue, red = tf.unstack((2.0 * draws - 1.0) * [_BRIGHTNESS, _CHROMA, _CHROMA], num=3)
    # The inverse YCbCr matrix of JPEG (ITU-T T.871).
    green = luma - 0.344136 * blue - 0.714136 * red
    shift = tf.stack([luma + 1.402 * red, green, luma + 1.772 * blue])
    return tf.clip_by_value(image + shift, 0.0, 1.0)


def eval_square(image: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts the central 87.5 % of both sides and squeezes them into a square.

    uint8 [H, W, 3] to float32 [size, size, 3] in [0, 1].
    """
    central = tf.image.central_crop(to_unit_range(image), _CENTRAL_SHARE)
    return tf.ensure_shape(resize.tf1_bilinear_resize(central, size, size), [size, size, 3])
