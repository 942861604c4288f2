"""Examples that cannot be made are left out inside tf.data, and every one of them is counted.

`Dataset.ignore_errors` alone loses the count, and on data of which nothing is good it never
returns. Here each record is numbered before the work on it, and the gaps between the numbers are
counted behind it. Now and then a marker runs along that cannot fail, so that a stream in which
everything fails can be told from a slow one. Per image that costs some 20 microseconds.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

# One marker behind so many records. It costs as much as a blank result of the function.
MARKER_EVERY = 64
_MARKER_POSITION = -1

# How the error of a stream begins of which (almost) nothing is good.
NONE_LEFT = "almost no record can be used"


def prepare(
    records: tf.data.Dataset, function: Callable[[Any], Any], signature: Any
) -> tf.data.Dataset:
    """Maps in parallel and in order, and leaves out what `function` fails on.

    Any TensorFlow error skips the record, but `records` must raise none of their own. `signature`
    is the structure of `tf.TensorSpec`, with static shapes, of what `function` returns. The result
    is for `batch_and_count`: (is a marker int64 [], number of the record int64 [], example).
    """

    def attempt(position: tf.Tensor, record: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        is_marker = tf.equal(position, _MARKER_POSITION)
        result = tf.cond(is_marker, lambda: _blank(signature), lambda: function(record))
        return tf.cast(is_marker, tf.int64), position, result

    attempts = _with_markers(records).map(
        attempt, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return attempts.ignore_errors()


def batch_and_count(
    examples: tf.data.Dataset, batch_size: int, give_up_after: int
) -> tf.data.Dataset:
    """Makes batches, and says how many records are missing before each example.

    The count is exact whatever the number of threads. Records that are skipped at the end of a
    finite dataset are not counted.

    Args:
      examples: of `prepare`.
      batch_size: examples in a batch.
      give_up_after: number of records read in vain or for one batch (to some 64), after which the
        stream ends with an InvalidArgumentError.

    Returns:
      Dataset of (batch, skipped int64 [n]): before example i of the batch, `skipped[i]` records
      were left out. n is `batch_size`, but at the end of finite records less.
    """
    # Markers gather in windows of their own. TensorFlow runs no function for a key that is an
    # element's component, which is what makes this cheaper than a filter or a scan.
    markers = -(-give_up_after // MARKER_EVERY)

    def by_key(key: tf.Tensor, of_good: int, of_markers: int) -> tf.Tensor:
        return tf.where(key > 0, tf.constant(of_markers, tf.int64), of_good)

    windows = examples.group_by_window(
        key_func=lambda key, position, result: key,
        reduce_func=lambda key, window: window.take(by_key(key, batch_size, 1)).batch(batch_size),
        window_size_func=lambda key: by_key(key, batch_size, markers),
    )
    state = (tf.constant(-1, tf.int64), tf.constant(0, tf.int64))
    counted = windows.scan(state, lambda *args: _count_gaps(*args, markers * MARKER_EVERY))
    good = counted.filter(lambda is_good, batch, skipped: is_good)
    return good.map(lambda is_good, batch, skipped: (batch, skipped))


def _with_markers(records: tf.data.Dataset) -> tf.data.Dataset:
    """Returns (position, record), with a blank record of `_MARKER_POSITION` now and then."""
    blank = (tf.constant(_MARKER_POSITION, tf.int64), _blank(records.element_spec))
    markers = tf.data.Dataset.from_tensors(blank).repeat()
    turns = tf.constant([0] * MARKER_EVERY + [1], tf.int64)
    choice = tf.data.Dataset.from_tensor_slices(turns).repeat()
    return tf.data.Dataset.choose_from_datasets([records.enumerate(), markers], choice)


def _blank(signature: Any) -> Any:
    """Returns zeros and empty strings of that structure."""
    return tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), signature)


def _count_gaps(
    state: tuple[tf.Tensor, tf.Tensor],
    window: tuple[tf.Tensor, tf.Tensor, Any],
    records_per_window: int,
) -> tuple[tuple[tf.Tensor, tf.Tensor], tuple[tf.Tensor, Any, tf.Tensor]]:
    """Returns the next state and (is a batch, batch, records skipped before each example).

    The state is the position of the last good record, and the windows of markers since the last
    batch. A second window in a row: so many records have gone by without a batch.
    """
    last, in_vain = state
    keys, positions, batch = window
    is_good = tf.equal(keys[0], 0)
    in_vain = tf.where(is_good, tf.constant(0, tf.int64), in_vain + 1)
    goes_on = tf.debugging.Assert(
        in_vain < 2,
        [f"{NONE_LEFT}: records read without getting one batch together:", records_per_window],
    )
    with tf.control_dependencies([goes_on]):
        before = tf.concat([last[tf.newaxis], positions[:-1]], axis=0)
    return (tf.where(is_good, positions[-1], last), in_vain), (
        is_good,
        batch,
        positions - before - 1,
    )
