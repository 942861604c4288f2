"""Ten-crop evaluation (Krizhevsky et al., 2012, section 4.1): corners, centre, all mirrored."""

import tensorflow as tf

from preprocessing.crops import resize


def ten_crop(image: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts the four corners and the centre out of [H, W, C], and mirrors the five.

    Returns:
        Tensor of shape [10, size, size, C]: top left, top right, bottom left, bottom right,
        centre; then the same five mirrored left to right. The order is the original's.
    """
    shape = tf.shape(image)
    bottom, right = shape[0] - size, shape[1] - size
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    crops = [tf.slice(image, [top, left, 0], [size, size, -1]) for top, left in corners]
    crops.append(resize.central_crop(image, size, size))
    five = tf.stack(crops)
    ten = tf.concat([five, tf.reverse(five, axis=[2])], axis=0)
    ten.set_shape([10, size, size, image.shape[-1]])
    return ten
