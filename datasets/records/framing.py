"""The frames of a TFRecord file, walked with seeks: where each record lies, and is the file whole.

A record is: length (uint64, little endian), masked CRC-32C of those 8 bytes (uint32),
the data, masked CRC-32C of the data (uint32). The walk reads 16 bytes of each record and
jumps over the rest; the data's own checksum is TensorFlow's to check when it reads.
"""

import dataclasses
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from datasets.errors import DatasetError

HEADER_BYTES, FOOTER_BYTES = 12, 4
_GZIP = b"\x1f\x8b"
_MASK_DELTA = 0xA282EAD8
# Castagnoli's polynomial, bits reversed.
_POLYNOMIAL = 0x82F63B78


def _entry(byte: int) -> int:
    crc = byte
    for _ in range(8):
        crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc


TABLE = tuple(map(_entry, range(256)))


def crc32c(data: Iterable[Any], table: Any = TABLE) -> Any:
    """CRC-32C (Castagnoli) of `data`; meant for short strings, it is plain Python.

    Args:
        data: Bytes, or an int64 tensor of rank 0 for each byte.
        table: `TABLE`, as an int64 tensor where `data` are tensors.

    Returns:
        An int, or an int64 tensor of rank 0.
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) % 256] ^ (crc // 256)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: Iterable[Any], table: Any = TABLE) -> Any:
    """CRC-32C as TFRecord stores it: rotated right by 15 bits, plus a constant; see `crc32c`."""
    crc = crc32c(data, table)
    rotated = crc // 2**15 + crc % 2**15 * 2**17
    return (rotated + _MASK_DELTA) % 2**32


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Where one record lies: where its frame begins, and the size of its data in bytes.

    `checksum` is the masked CRC-32C of the data, as stored behind it; `damage` says in words what
    is wrong with the frame, if anything is.
    """

    start: int
    size: int
    checksum: int
    damage: str = ""

    @property
    def offset(self) -> int:
        """Where the data begins in the file."""
        return self.start + HEADER_BYTES

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.offset + self.size + FOOTER_BYTES


def frames(path: str) -> Iterator[Frame]:
    """The frame of each record of the file at `path`, local or remote.

    A record begins where the one before it ends, so a broken frame is the last that is found. A
    record whose data was changed in place is not noticed: its checksum is not compared here.
    """
    size = file_size(path)
    start = 0
    with _open(path) as file:
        header = file.read(HEADER_BYTES)
        while start < size:
            frame = _frame(start, header, size)
            if frame.damage:
                yield frame
                return
            file.seek(frame.end - FOOTER_BYTES)
            behind = file.read(FOOTER_BYTES + HEADER_BYTES)
            (checksum,) = struct.unpack("<I", behind[:FOOTER_BYTES])
            yield dataclasses.replace(frame, checksum=checksum)
            start, header = frame.end, behind[FOOTER_BYTES:]


def _frame(start: int, header: bytes, file_bytes: int) -> Frame:
    """The frame that begins with `header`; its checksum is not known yet."""
    if len(header) < HEADER_BYTES:
        return Frame(start, 0, 0, f"cut off inside a length, at byte {file_bytes}")
    length, checksum = struct.unpack("<QI", header)
    if masked_crc32c(header[:8]) != checksum:
        return Frame(start, 0, 0, f"broken length at byte {start}; nothing behind it can be read")
    frame = Frame(start, length, 0)
    if frame.end > file_bytes:
        return dataclasses.replace(frame, damage=f"cut off inside the data, at byte {file_bytes}")
    return frame


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


def count_records(path: str) -> tuple[int, str]:
    """Number of records before the first broken frame, and in words what is wrong there, if any."""
    count = 0
    for frame in frames(path):
        if not frame.damage:
            count += 1
        elif frame.damage.startswith("broken"):
            return count, (
                f"{path}: no TFRecord record at byte {frame.start} of {file_size(path)} (after "
                f"{count} records): the checksum of its length is wrong. The file is damaged, "
                "compressed, or no TFRecord file; convert the data again"
            )
        else:
            return count, (
                f"{path}: cut off in the middle: it ends at byte {file_size(path)}, inside the "
                f"record that starts at byte {frame.start} ({count} whole records before it). "
                "Copy it again or convert the data again"
            )
    return count, ""


def refuse_compressed(path: str) -> None:
    """Raises `DatasetError` where the file at `path` begins as a gzip file, not as a record."""
    with _open(path) as file:
        header = file.read(HEADER_BYTES)
    if header.startswith(_GZIP) and _frame(0, header, 2**64).damage.startswith("broken"):
        raise DatasetError(
            f"{path} is gzip-compressed; TFRecords are read uncompressed: gunzip it first"
        )
