"""The frame of a TFRecord file, walked with seeks: how many records, and is it whole.

A record is: length (uint64, little endian), masked CRC-32C of those 8 bytes (uint32),
the data, masked CRC-32C of the data (uint32). The walk reads 12 bytes of each record and
jumps over the rest; the data's own checksum is TensorFlow's to check when it reads.
"""

import os
import struct

import tensorflow as tf

from datasets.errors import DatasetError

_HEADER = struct.Struct("<QI")
_DATA_CRC_BYTES = 4
_GZIP = b"\x1f\x8b"
MASK_DELTA = 0xA282EAD8
# Castagnoli's polynomial, bits reversed.
_POLYNOMIAL = 0x82F63B78


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


TABLE = _make_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) of `data`; meant for short strings, it is plain Python."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """CRC-32C as TFRecord stores it: rotated right by 15 bits, plus a constant."""
    crc = crc32c(data)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    return (rotated + MASK_DELTA) & 0xFFFFFFFF


def _open(path: str):
    # Python's own files seek without reading; gfile is for gs:// and the like.
    if "://" in path:
        return tf.io.gfile.GFile(path, "rb")
    return open(path, "rb")


def file_size(path: str) -> int:
    """Bytes of the file at `path`, local or remote."""
    if "://" in path:
        return tf.io.gfile.stat(path).length
    return os.stat(path).st_size


def count_records(path: str) -> int:
    """Number of records in the TFRecord file at `path`.

    Raises:
        DatasetError: The file ends inside a record, or a length's checksum is wrong.
    """
    count, damage = count_whole_records(path)
    if damage:
        raise DatasetError(damage)
    return count


def count_whole_records(path: str) -> tuple[int, str]:
    """Number of records before the first broken frame, and what is wrong there.

    A record begins where the one before it ends, so nothing can be found behind a broken frame.
    A record whose data was changed in place is not noticed: its checksum is not read here.

    Returns:
        The count, and the damage in words, empty if there is none.
    """
    size = file_size(path)
    position = 0
    count = 0
    with _open(path) as file:
        while position < size:
            file.seek(position)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return count, _cut_off(path, count, position, size)
            length, crc = _HEADER.unpack(header)
            if masked_crc32c(header[:8]) != crc:
                return count, (
                    f"{path}: no TFRecord record at byte {position} of {size} (after {count} "
                    "records): the checksum of its length is wrong. The file is damaged, "
                    "compressed, or no TFRecord file; convert the data again"
                )
            end = position + _HEADER.size + length + _DATA_CRC_BYTES
            if end > size:
                return count, _cut_off(path, count, position, size)
            position = end
            count += 1
    return count, ""


def refuse_compressed(path: str) -> None:
    """Stops where the file at `path` begins as a gzip file, and not as a record.

    Raises:
      DatasetError: it does.
    """
    with _open(path) as file:
        header = file.read(_HEADER.size)
    if header.startswith(_GZIP) and len(header) == _HEADER.size:
        if masked_crc32c(header[:8]) != _HEADER.unpack(header)[1]:
            raise DatasetError(
                f"{path} is gzip-compressed; TFRecords are read uncompressed: gunzip it first"
            )


def _cut_off(path: str, count: int, position: int, size: int) -> str:
    return (
        f"{path}: cut off in the middle: it ends at byte {size}, inside the record that starts "
        f"at byte {position} ({count} whole records before it). Copy it again or convert the "
        "data again"
    )
