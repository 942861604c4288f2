"""Records that training cannot use: skipped inside tf.data, and every one of them counted.

`Dataset.ignore_errors` alone loses the count, and on data of which nothing is good it never
returns. Here each record is numbered before the work on it and the gaps are counted behind it; and
now and then a marker runs along that cannot fail, so that a stream in which everything fails can be
told from a slow one. Per image that costs some 20 microseconds.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

# One marker behind so many records. It costs as much as a blank result of the function.
MARKER_EVERY = 64
_MARKER_POSITION = -1

# How the error of a stream begins of which (almost) nothing is good.
NONE_LEFT = "almost no record can be used"

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


def map_batch_and_skip(
    records: tf.data.Dataset,
    function: Callable[[Any], Any],
    signature: Any,
    batch_size: int,
    give_up_after: int,
) -> tf.data.Dataset:
    """Maps in parallel and in order, leaves out what `function` fails on, and makes batches.

    The count is exact whatever the number of threads: it is the number of records between one good
    record and the next. Records that are skipped at the end of a finite dataset are not counted.

    Args:
        records: An element is what `function` takes. Errors of its own must not come.
        function: From a record to a structure of tensors; any TensorFlow error skips the record.
        signature: Structure of `tf.TensorSpec` with static shapes, of what `function` returns.
        batch_size: Good records in a batch.
        give_up_after: Number of records read in vain or for one batch (to some 64), after which
            the stream ends with an InvalidArgumentError.

    Returns:
        Dataset of (batch, skipped int64 [n]): before example i of the batch, `skipped[i]` records
        were left out. n is `batch_size`, but at the end of finite records less.
    """

    def attempt(position: tf.Tensor, record: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        is_marker = tf.equal(position, _MARKER_POSITION)
        result = tf.cond(is_marker, lambda: _blank(signature), lambda: function(record))
        return tf.cast(is_marker, tf.int64), position, result

    done = (
        _with_markers(records)
        .map(attempt, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .ignore_errors()
    )
    # Markers gather in windows of their own. TensorFlow runs no function for a key that is an
    # element's component, which is what makes this cheaper than a filter or a scan.
    markers = -(-give_up_after // MARKER_EVERY)

    def by_key(key: tf.Tensor, of_good: int, of_markers: int) -> tf.Tensor:
        return tf.where(key > 0, tf.constant(of_markers, tf.int64), of_good)

    windows = done.group_by_window(
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
        [
            f"{NONE_LEFT}: records read without getting one batch together:",
            records_per_window,
        ],
    )
    with tf.control_dependencies([goes_on]):
        before = tf.concat([last[tf.newaxis], positions[:-1]], axis=0)
    return (tf.where(is_good, positions[-1], last), in_vain), (
        is_good,
        batch,
        positions - before - 1,
    )


def assert_whole_image(encoded: tf.Tensor, filename: tf.Tensor | str) -> tf.Tensor:
    """Returns `encoded`, or stops when there are no bytes or a JPEG that was cut off.

    A training crop decodes no more of a JPEG than its window, so a missing end would be noticed in
    some passes only. A JPEG that does not end in its end marker is therefore decoded in full.

    Args:
        encoded: string [].
        filename: string [], whose image it is, for the message.

    Raises:
        tf.errors.InvalidArgumentError: Empty, or a JPEG that cannot be decoded to its end.
    """
    size = tf.strings.length(encoded)
    there = tf.debugging.Assert(size > 4, ["no image in the record, or no whole one:", filename])
    with tf.control_dependencies([] if there is None else [there]):
        is_cut = tf.logical_and(
            tf.equal(tf.strings.substr(encoded, 0, 3), _JPEG_START),
            tf.not_equal(tf.strings.substr(encoded, -2, 2), _JPEG_END),
        )
    pixels = tf.cond(
        is_cut,
        lambda: tf.size(tf.io.decode_jpeg(encoded, channels=3)),
        lambda: tf.constant(1),
    )
    with tf.control_dependencies([pixels]):
        return tf.identity(encoded)
