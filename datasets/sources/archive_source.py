"""Where the bytes of a file inside an archive are; small, and sent to worker processes as it is."""

import dataclasses
import functools
import gzip
import os
import struct
import zipfile
import zlib
from typing import IO

_ZIP_LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclasses.dataclass(frozen=True, slots=True)
class RangeSource:
    """Bytes in the middle of a file, such as a file inside an uncompressed tar archive.

    `stamp` is size and time of the archive.
    """

    path: str
    offset: int
    size: int
    stamp: str = ""

    def read(self) -> bytes:
        """Returns the bytes."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            return exactly(file, self.size, self.path)

    def fingerprint(self) -> str:
        """Changes with the archive, or when the file lies elsewhere in it."""
        return f"{self.stamp}:{self.offset}:{self.size}"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class GzipTarSource(RangeSource):
    """A file inside a compressed tar archive; offsets count inflated bytes.

    Reading in order is fast, reading backwards starts over: see `inflate.py`.
    """

    def read(self) -> bytes:
        """Returns the bytes of the file."""
        file = _gzip_reader(self.path, self.stamp)
        try:
            file.seek(self.offset)
            return exactly(file, self.size, self.path)
        except (EOFError, zlib.error) as error:
            raise OSError(f"archive {self.path} is damaged: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class ZipSource:
    """A file inside a zip archive.

    Attributes:
        path: The archive.
        offset: Where the file's local header begins.
        packed: Bytes in the archive.
        size: Bytes of the file.
        method: 0 stored, 8 deflated.
        checksum: CRC-32 of the file.
        stamp: Size and time of the archive.
    """

    path: str
    offset: int
    packed: int
    size: int
    method: int
    checksum: int
    stamp: str = ""

    def read(self) -> bytes:
        """Returns the bytes of the file."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            header = exactly(file, _ZIP_LOCAL_HEADER.size, self.path)
            magic, name_size, extra_size = _ZIP_LOCAL_HEADER.unpack(header)
            if magic != b"PK\x03\x04":
                raise OSError(f"archive {self.path} is damaged at byte {self.offset}")
            file.seek(name_size + extra_size, os.SEEK_CUR)
            data = exactly(file, self.packed, self.path)
        if self.method == zipfile.ZIP_DEFLATED:
            try:
                data = zlib.decompressobj(-15).decompress(data, self.size + 1)
            except zlib.error as error:
                raise OSError(f"archive {self.path} is damaged: {error}") from error
        if len(data) != self.size or zlib.crc32(data) != self.checksum:
            raise OSError(f"archive {self.path} is damaged: a checksum is wrong")
        return data

    def fingerprint(self) -> str:
        """Changes with the archive, or with the file's checksum."""
        return f"{self.stamp}:{self.checksum}:{self.size}"


def exactly(file: IO[bytes], size: int, path: str) -> bytes:
    """The next `size` bytes of `file`; OSError where it ends before."""
    data = file.read(size)
    if len(data) < size:
        raise OSError(f"archive {path} is cut off")
    return data


@functools.lru_cache(maxsize=1)
def _gzip_reader(path: str, stamp: str) -> gzip.GzipFile:
    # The stamp is there to have another file of that name opened anew.
    return gzip.open(path, "rb")
