"""A batch that goes through the network in pieces, for want of memory; one update for all."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def sum_of_pieces(
    function: Callable[..., Any], batch: tuple[Any, ...], pieces: int, zeros: Callable[[], Any]
) -> Any:
    """Returns the sum of what `function` gives for each piece of a batch, one after the other.

    Args:
      function: of one piece; returns a nest of tensors.
      batch: its arguments, nests of tensors [N, ...].
      pieces: so many of equal size; N must be a multiple. 1: `function(*batch)`.
      zeros: makes a nest of zeros of the shapes and types that `function` returns.
    """
    if pieces == 1:
        return function(*batch)

    def add(number: tf.Tensor, total: Any) -> tuple[tf.Tensor, Any]:
        def piece(rows: tf.Tensor) -> tf.Tensor:
            size = tf.shape(rows)[0] // pieces
            return rows[number * size : (number + 1) * size]

        found = function(*tf.nest.map_structure(piece, batch))
        return number + 1, tf.nest.map_structure(tf.add, total, found)

    _, total = tf.while_loop(
        lambda number, total: number < pieces, add, (0, zeros()), parallel_iterations=1
    )
    return total
