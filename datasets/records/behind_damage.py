"""What follows a damaged record in its file, inside of tf.data.

TensorFlow's reader gives a file up at the first wrong checksum. Where that is the checksum of a
record's data, its length still says where the next record begins; behind a broken length nothing
can be found. `datasets.records.salvage` does the same outside of tf.data.
"""

import tensorflow as tf

from datasets.records import framing

_LENGTH_BYTES, _HEADER_BYTES, _FOOTER_BYTES = 8, 12, 4
_FRAME_BYTES = _HEADER_BYTES + _FOOTER_BYTES
# Where nothing can be read any more.
_NOWHERE = -1


def read_on(file: tf.Tensor, unreadable: bytes) -> tf.data.Dataset:
    """Records from the first damaged one on, as far as there are lengths to go by.

    Each is looked up by itself, and the whole file is held in memory meanwhile. In a file of 2 GiB
    or more, whose length TensorFlow cannot tell, nothing behind the first damage is found.

    Args:
        file: string [], path of a TFRecord file, local or remote.
        unreadable: Stands for a damaged record.

    Returns:
        Endless dataset of string []: `unreadable` for a damaged record, and behind the last one
        that can be found.
    """
    good = tf.data.TFRecordDataset(file).ignore_errors()
    first = good.reduce(
        tf.constant(0, tf.int64),
        lambda position, record: position + _FRAME_BYTES + _length64(record),
    )

    lost = tf.data.Dataset.from_tensors(unreadable)
    # To walk over its lengths: every dataset that can begin at an offset reads all before it.
    content = tf.io.read_file(file)

    def at(position: tf.Tensor) -> tf.data.Dataset:
        records = _records_from(file, tf.maximum(position, 0))
        wanted = tf.where(position == _NOWHERE, tf.constant(0, tf.int64), 1)
        return records.take(wanted).ignore_errors().concatenate(lost).take(1)

    places = tf.data.Dataset.range(tf.int64.max).scan(
        first, lambda position, _: (_behind(content, position), position)
    )
    return places.flat_map(at)


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
    whole = (position != _NOWHERE) & (position <= size - _HEADER_BYTES)
    header = tf.strings.substr(content, tf.where(whole, position, 0), _HEADER_BYTES)
    header = tf.where(whole, header, bytes(_HEADER_BYTES))
    length = tf.io.decode_raw(tf.strings.substr(header, 0, _LENGTH_BYTES), tf.int64)[0]
    checksum = tf.io.decode_raw(tf.strings.substr(header, _LENGTH_BYTES, 4), tf.int32)[0]
    whole &= tf.cast(checksum, tf.int64) % 2**32 == _masked_crc32c(header)
    return tf.where(whole, position + _FRAME_BYTES + length, _NOWHERE)


def _masked_crc32c(header: tf.Tensor) -> tf.Tensor:
    """`framing.masked_crc32c` of the length in `header`, int64."""
    table = tf.constant(framing.TABLE, tf.int64)
    mask = tf.constant(0xFFFFFFFF, tf.int64)
    octets = tf.cast(tf.io.decode_raw(header, tf.uint8), tf.int64)
    crc = mask
    for index in range(_LENGTH_BYTES):
        entry = table[tf.bitwise.bitwise_xor(crc % 256, octets[index])]
        crc = tf.bitwise.bitwise_xor(crc // 256, entry)
    crc = tf.bitwise.bitwise_xor(crc, mask)
    rotated = crc // 2**15 + crc % 2**15 * 2**17
    return (rotated + framing.MASK_DELTA) % 2**32


def _length64(record: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.length(record), tf.int64)
