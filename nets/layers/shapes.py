"""Sizes of feature maps: known when the graph is built, or only when it runs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def size_of(tensor: tf.Tensor, axis: int) -> Any:
    """Size of an axis: a number where it is known, else a scalar tensor."""
    size = tensor.shape[axis]
    return tf.shape(tensor)[axis] if size is None else size


def crop_to_smaller(first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the bottom and right of the larger of two maps, axis by axis.

    Args:
        first: [N, H, W, C].
        second: [N, H', W', C'].

    Returns:
        Both, at min(H, H') x min(W, W'). Where static sizes agree nothing is computed.
    """
    sizes = list(zip(first.shape[1:3], second.shape[1:3], strict=True))
    if all(one is not None and one == other for one, other in sizes):
        return first, second
    if all(one is not None and other is not None for one, other in sizes):
        height, width = (min(pair) for pair in sizes)
    else:
        smaller = tf.minimum(tf.shape(first)[1:3], tf.shape(second)[1:3])
        height, width = smaller[0], smaller[1]
    return first[:, :height, :width], second[:, :height, :width]
