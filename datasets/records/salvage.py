"""Every record of a TFRecord file, also of a damaged one: what can be read, and what is wrong.

TensorFlow's reader stops at the first damage. Where only the data of a record was changed, the
next one can still be found; behind a broken length nothing can.
"""

import dataclasses
import struct
from collections.abc import Iterator

import tensorflow as tf

from datasets.records import framing

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        offset: Where its data begins in the file.
        size: Bytes of its data, as the frame says.
        checksum: Masked CRC-32C of its data, as stored behind it.
        data: Its data; None when that is damaged.
        damage: What is wrong, in words; empty when nothing is.
    """

    offset: int
    size: int
    checksum: int
    data: bytes | None
    damage: str = ""


def read(path: str) -> Iterator[Record]:
    """Reads every record of the local file at `path` and compares all checksums.

    A file that is cut off or has a broken length yields one damaged record for all that follows.
    """
    found = frames(path)
    good = tf.data.TFRecordDataset(path).as_numpy_iterator()
    # TensorFlow compares checksums fast, and is trusted until it finds one wrong.
    with open(path, "rb") as file:
        for frame in found:
            if frame.damage:
                yield frame
                return
            data = _next(good) if good is not None else None
            if data is None:
                good = None
                data = _checked(file, frame)
            damage = "" if data is not None else "the checksum of the data is wrong"
            yield dataclasses.replace(frame, data=data, damage=damage)


def _next(records: Iterator[bytes]) -> bytes | None:
    try:
        return next(records, None)
    except tf.errors.OpError:
        return None


def _checked(file, frame: Record) -> bytes | None:
    """The data of a record, or None when its checksum is wrong; in Python, so slow."""
    file.seek(frame.offset)
    data = file.read(frame.size)
    return data if framing.masked_crc32c(data) == frame.checksum else None


def frames(path: str) -> Iterator[Record]:
    """The frame of each record, without its data: quick, nothing but lengths is read."""
    size = framing.file_size(path)
    position = 0
    with open(path, "rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(_HEADER.size)
            start = position + _HEADER.size
            if len(header) < _HEADER.size:
                yield Record(start, 0, 0, None, f"cut off inside a length, at byte {size}")
                return
            length, checksum = _HEADER.unpack(header)
            if framing.masked_crc32c(header[:8]) != checksum:
                damage = f"broken length at byte {position}; nothing behind it can be read"
                yield Record(start, 0, 0, None, damage)
                return
            end = start + length
            if end + _FOOTER.size > size:
                yield Record(start, length, 0, None, f"cut off inside the data, at byte {size}")
                return
            file.seek(end)
            (stored,) = _FOOTER.unpack(file.read(_FOOTER.size))
            yield Record(start, length, stored, None)
            position = end + _FOOTER.size
