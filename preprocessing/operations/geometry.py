"""AutoAugment's geometric operations on uint8 images: index maps and slices, no interpolation.

Rotation and shearing take the nearest source pixel, whose index depends on the argument and the
size only. The maps are computed once in NumPy, with the float32 rounding of TensorFlow's projective
transform, and an image is then one gather of 3-byte pixels: six to eight times as fast.

All images are uint8 [H, W, 3] with static H and W. What comes from outside is grey 128.
"""

import math

import numpy as np
import tensorflow as tf

from preprocessing.operations.levels import FILL


def rotation_map(degrees: float, height: int, width: int) -> np.ndarray:
    """Returns the source index of each pixel under a counterclockwise rotation about the centre.

    Like all index maps: int32 [height * width], height * width standing for a pixel outside.
    """
    angle = np.float32(degrees) * np.float32(math.pi / 180.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    x_offset = (right - (cosine * right - sine * bottom)) / np.float32(2)
    y_offset = (bottom - (sine * right + cosine * bottom)) / np.float32(2)
    return _affine_map([cosine, -sine, x_offset, sine, cosine, y_offset], height, width)


def shear_x_map(tangent: float, height: int, width: int) -> np.ndarray:
    """Returns the source index of each pixel: row y is moved left by tangent * y."""
    return _affine_map([1.0, tangent, 0.0, 0.0, 1.0, 0.0], height, width)


def shear_y_map(tangent: float, height: int, width: int) -> np.ndarray:
    """Returns the source index of each pixel: column x is moved up by tangent * x."""
    return _affine_map([1.0, 0.0, 0.0, tangent, 1.0, 0.0], height, width)


def translation_x_map(pixels: float, height: int, width: int) -> np.ndarray:
    """Returns the source index of each pixel: every row is moved left by whole pixels."""
    return _affine_map([1.0, 0.0, _whole(pixels), 0.0, 1.0, 0.0], height, width)


def translation_y_map(pixels: float, height: int, width: int) -> np.ndarray:
    """Returns the source index of each pixel: every column is moved up by whole pixels."""
    return _affine_map([1.0, 0.0, 0.0, 0.0, 1.0, _whole(pixels)], height, width)


def compose_maps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the index map that does what `first` and then `second` do, pixel for pixel."""
    return np.append(first, np.int32(len(first)))[second]


def remap(image: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    """Builds an image from the pixels that an index map names, see `rotation_map`."""
    pixels = tf.reshape(image, [-1, 3])
    with_outside = tf.concat([pixels, tf.fill([1, 3], tf.constant(FILL, tf.uint8))], axis=0)
    return tf.reshape(tf.gather_nd(with_outside, indices[:, tf.newaxis]), image.shape)


def translate(image: tf.Tensor, pixels: tf.Tensor, axis: int) -> tf.Tensor:
    """Moves an image by whole pixels, by copying two slices.

    Up (axis 0) or to the left (axis 1); the other way if `pixels` is negative.
    """
    size = image.shape[axis]
    pixels = tf.clip_by_value(tf.cast(tf.round(pixels), tf.int32), -size, size)
    # How many lines come in, or go out, where the index is 0.
    entering = tf.maximum(-pixels, 0)
    leaving = tf.maximum(pixels, 0)
    grey = _grey(image)
    if axis == 0:
        parts = [grey[:entering], image[leaving : size - entering], grey[:leaving]]
    else:
        parts = [grey[:, :entering], image[:, leaving : size - entering], grey[:, :leaving]]
    return tf.ensure_shape(tf.concat(parts, axis=axis), image.shape)


def cutout(
    image: tf.Tensor, half_side: tf.Tensor, centre_y: tf.Tensor, centre_x: tf.Tensor
) -> tf.Tensor:
    """Paints a square grey (DeVries and Taylor, arXiv 1708.04552), cut off at the edges.

    All in pixels; the centre is int32.
    """
    height, width, _ = image.shape
    half = tf.cast(half_side, tf.int32)
    top, bottom = tf.maximum(centre_y - half, 0), tf.minimum(centre_y + half, height)
    left, right = tf.maximum(centre_x - half, 0), tf.minimum(centre_x + half, width)
    band = image[top:bottom]
    painted = _grey(image)[top:bottom, left:right]
    band = tf.concat([band[:, :left], painted, band[:, right:]], axis=1)
    return tf.ensure_shape(tf.concat([image[:top], band, image[bottom:]], axis=0), image.shape)


def _grey(image: tf.Tensor) -> tf.Tensor:
    """Returns a constant image of the same shape, all `FILL`."""
    return tf.constant(np.full(image.shape.as_list(), FILL, np.uint8))


def _whole(pixels: float) -> float:
    """Rounds a translation as `translate` does: float32, halves to even."""
    return float(np.round(np.float32(pixels)))


def _affine_map(matrix: list[float], height: int, width: int) -> np.ndarray:
    """Computes an index map from the six numbers of an affine transform of output coordinates.

    The order of the operations and their float32 rounding are those of TensorFlow's
    ImageProjectiveTransformV3; so is rounding halves away from zero.
    """
    a0, a1, a2, b0, b1, b2 = np.asarray(matrix, np.float32)
    x = np.arange(width, dtype=np.float32)[np.newaxis, :]
    y = np.arange(height, dtype=np.float32)[:, np.newaxis]
    source_x = _round_half_away(a0 * x + a1 * y + a2)
    source_y = _round_half_away(b0 * x + b1 * y + b2)
    inside = (source_x >= 0) & (source_x < width) & (source_y >= 0) & (source_y < height)
    indices = np.where(inside, source_y * width + source_x, height * width)
    return indices.astype(np.int32).reshape(-1)


def _round_half_away(values: np.ndarray) -> np.ndarray:
    """Rounds float32 to whole numbers, halves away from zero; float64 keeps the sum exact."""
    values = values.astype(np.float64)
    return np.copysign(np.floor(np.abs(values) + 0.5), values)
