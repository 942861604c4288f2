"""Every record of a TFRecord file, also of a damaged one: what can be read, and what is lost.

TensorFlow's reader gives a file up at the first wrong checksum. Where that is the checksum of a
record's data, its length still says where the next record begins, and reading goes on there.
Behind a broken length nothing can be found.

`read_or` does it inside tf.data, as a graph that can be written and sent to another process;
`read` does it in Python, and says in words what is wrong.
"""

from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from datasets import disk
from datasets.records import framing

# Where nothing can be read any more.
_NOWHERE = -1


class Record(NamedTuple):
    """One record: where it lies, its data (None when damaged), and in words what is wrong."""

    frame: framing.Frame
    data: bytes | None
    damage: str = ""


def read(path: str) -> Iterator[Record]:
    """Reads every record of the file at `path` and compares all checksums.

    A file that is cut off or has a broken length yields one damaged record for all that follows.
    """
    name = disk.for_tensorflow(path)
    records = tf.data.TFRecordDataset([name]).as_numpy_iterator()
    for frame in framing.frames(path):
        if frame.damage:
            yield Record(frame, None, frame.damage)
            return
        try:
            yield Record(frame, next(records))
        except tf.errors.OpError:
            yield Record(frame, None, "the checksum of the data is wrong")
            place = tf.data.Dataset.from_tensors((name, tf.constant(frame.end, tf.int64)))
            records = place.flat_map(_records_from).as_numpy_iterator()


def read_or(file: tf.Tensor, unreadable: bytes) -> tf.data.Dataset:
    """Every record of a file, with `unreadable` in the place of those that cannot be read.

    A whole file costs one look at its first record. From the first damaged record on, each is
    looked up by itself, and the whole file is held in memory meanwhile. In a file of 2 GiB or more,
    whose length TensorFlow cannot tell, nothing behind the first damage is found.

    Args:
        file: string [], path of a TFRecord file, local or remote. One that cannot be opened has no
            record that can be read.
        unreadable: Stands for a damaged record.

    Returns:
        Dataset of string []. It has no end: behind the last record that can be found there is
        `unreadable` again and again.
    """
    good = _whole(file)
    # A dataset of its own, so that nothing of it happens in a whole file.
    rest = tf.data.Dataset.from_tensors(file).flat_map(lambda file: _rest(file, unreadable))
    return good.concatenate(rest)


def _rest(file: tf.Tensor, unreadable: bytes) -> tf.data.Dataset:
    """The records from the first damaged one on; see `read_or`."""
    first = _whole(file).reduce(
        tf.constant(0, tf.int64),
        lambda position, record: position + _frame_bytes(_length64(record)),
    )
    lost = tf.data.Dataset.from_tensors(unreadable)

    def at(position: tf.Tensor) -> tf.data.Dataset:
        records = _records_from(file, tf.maximum(position, 0))
        wanted = tf.where(position == _NOWHERE, tf.constant(0, tf.int64), 1)
        return records.take(wanted).ignore_errors().concatenate(lost).take(1)

    def places(content: tf.Tensor) -> tf.data.Dataset:
        found = tf.data.Dataset.range(tf.int64.max).scan(
            first, lambda position, _: (_behind(content, position), position)
        )
        return found.flat_map(at)

    # To walk over its lengths: every dataset that can begin at an offset reads all before it.
    content = tf.data.Dataset.from_tensors(file).map(tf.io.read_file).ignore_errors()
    # Behind a file that cannot be read, and only there.
    return content.flat_map(places).concatenate(lost.repeat())


def _whole(file: tf.Tensor) -> tf.data.Dataset:
    """The records up to the first damaged one; none of a file that cannot be opened.

    Such a file fails again at each try, and `ignore_errors` would try for ever. The mapping of a
    single element fails once.
    """
    opened = tf.data.Dataset.from_tensors(file).map(
        lambda file: tf.data.TFRecordDataset(file).take(1).reduce(0, lambda count, _: count + 1)
    )
    records = opened.ignore_errors().flat_map(lambda _: tf.data.TFRecordDataset(file))
    return records.ignore_errors()


def _records_from(file: tf.Tensor, position: tf.Tensor) -> tf.data.Dataset:
    """The records from a byte on.

    `tf.data.TFRecordDataset` takes no offsets in 2.15, and the operation that does cannot be
    written into a graph there, so this must be called where a dataset makes another one: in
    `flat_map`, not in `reduce`.
    """
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=[file], compression_type="", buffer_size=0, byte_offsets=[position]
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))


def _behind(content: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """Where the record behind the one at `position` begins, or `_NOWHERE`."""
    size = _length64(content)
    whole = (position != _NOWHERE) & (position <= size - framing.HEADER_BYTES)
    header = tf.strings.substr(content, tf.where(whole, position, 0), framing.HEADER_BYTES)
    header = tf.where(whole, header, bytes(framing.HEADER_BYTES))
    length = tf.io.decode_raw(tf.strings.substr(header, 0, 8), tf.int64)[0]
    checksum = tf.io.decode_raw(tf.strings.substr(header, 8, 4), tf.int32)[0]
    octets = tf.cast(tf.io.decode_raw(tf.strings.substr(header, 0, 8), tf.uint8), tf.int64)
    table = tf.constant(framing.TABLE, tf.int64)
    right = framing.masked_crc32c([octets[index] for index in range(8)], table)
    whole &= tf.cast(checksum, tf.int64) % 2**32 == right
    return tf.where(whole, position + _frame_bytes(length), _NOWHERE)


def _frame_bytes(length: tf.Tensor) -> tf.Tensor:
    return length + framing.HEADER_BYTES + framing.FOOTER_BYTES


def _length64(record: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.length(record), tf.int64)
