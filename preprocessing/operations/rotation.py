"""Rotation of a training image by a few degrees, as the paper's CUB-200-2011 experiments have it.

Unlike AutoAugment's Rotate (nearest pixel, 0 to 30 degrees) it interpolates and takes any angle.
"""

import math

import tensorflow as tf

from preprocessing.operations.levels import FILL


def rotate(image: tf.Tensor, degrees: tf.Tensor, fill: float = FILL) -> tf.Tensor:
    """Rotates float32 [H, W, C] counterclockwise about its centre, bilinearly.

    `fill` is the value of what comes from outside.
    """
    angle = degrees * (math.pi / 180.0)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    shape = tf.cast(tf.shape(image), tf.float32)
    bottom, right = shape[0] - 1.0, shape[1] - 1.0
    x_offset = (right - (cosine * right - sine * bottom)) / 2.0
    y_offset = (bottom - (sine * right + cosine * bottom)) / 2.0
    return affine(image, [cosine, -sine, x_offset, sine, cosine, y_offset], fill)


def affine(image: tf.Tensor, matrix: list[float | tf.Tensor], fill: float) -> tf.Tensor:
    """Samples float32 [H, W, C] bilinearly at affinely transformed places.

    With the matrix a0, a1, a2, b0, b1, b2 pixel (x, y) of the result is taken from
    (a0 x + a1 y + a2, b0 x + b1 y + b2).
    """
    row = tf.stack([tf.cast(value, tf.float32) for value in (*matrix, 0.0, 0.0)])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[tf.newaxis],
        transforms=row[tf.newaxis],
        output_shape=tf.shape(image)[:2],
        fill_value=float(fill),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[0]
    return tf.ensure_shape(moved, image.shape)
