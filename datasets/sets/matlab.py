"""Reads MATLAB files of version 5 to 7, in which some data sets publish their labels.

Numbers, text, cells and structs, compressed or not; no objects, no sparse or complex arrays. The
format is described in MathWorks' "MAT-File Format" (R2019b), chapter 1.
"""

import math
import struct
import zlib
from typing import Any

import numpy as np

from datasets.errors import DatasetError

_HEADER_BYTES = 128
_MATRIX = 14
_COMPRESSED = 15
# Type of stored numbers by code; 16 to 18 are UTF-8, UTF-16 and UTF-32.
_STORED = dict(enumerate(("i1", "u1", "i2", "u2", "i4", "u4", "f4"), 1))
_STORED |= {9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2", 18: "u4"}
# Type of a numeric array by its class; the numbers may be stored in a smaller one.
_CLASSES = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), 6))
_CELL, _STRUCT, _CHAR = 1, 2, 4
_COMPLEX = 0x0800


def load_mat(path: str) -> dict[str, Any]:
    """Reads every variable of the MATLAB file at `path`; see `read_mat`."""
    try:
        with open(path, "rb") as file:
            return read_mat(file.read(), path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def read_mat(data: bytes, where: str) -> dict[str, Any]:
    """Reads every variable of a MATLAB file.

    Args:
        data: The file.
        where: Its name, for messages.

    Returns:
        By name: numeric arrays as NumPy arrays of their MATLAB shape, text as str, cells as a
        list and structs as a list of dicts (both in MATLAB's order, down the columns).

    Raises:
        DatasetError: Another version, damaged, or of a kind that is not read.
    """
    if data.startswith(b"MATLAB 7.3"):
        raise DatasetError(f"{where} is a MATLAB 7.3 file; save it with -v7 to have it read here")
    endian = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if endian is None:
        raise DatasetError(f"{where} is no MATLAB file of version 5 to 7")
    try:
        return _Reader(endian, where).variables(data[_HEADER_BYTES:])
    except (struct.error, zlib.error, ValueError, IndexError, RecursionError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{where} is damaged or cut off: {error}") from error


class _Reader:
    """Walks elements: a tag of type and size, then the data."""

    def __init__(self, endian: str, where: str):
        self._endian = endian
        self._where = where

    def variables(self, data: bytes) -> dict[str, Any]:
        found = {}
        position = 0
        while position < len(data):
            kind, body, position = self._element(data, position)
            if kind == _COMPRESSED:
                kind, body, _ = self._element(zlib.decompress(body), 0)
            if kind == _MATRIX:
                name, value = self._matrix(body)
                found[name] = value
        return found

    def _element(self, data: bytes, position: int) -> tuple[int, bytes, int]:
        """Type and data of the element at `position`, and where the next one begins."""
        kind, size = struct.unpack_from(self._endian + "II", data, position)
        if kind >> 16:
            # A small element: its size beside its type, its data in the tag.
            return kind & 0xFFFF, data[position + 4 : position + 4 + (kind >> 16)], position + 8
        start = position + 8
        end = start + size
        if end > len(data):
            raise ValueError(f"an element of {size} bytes at byte {position} of {len(data)}")
        # All but compressed elements are padded to eight bytes.
        following = end if kind == _COMPRESSED else end + -end % 8
        return kind, data[start:end], following

    def _numbers(self, data: bytes, position: int) -> tuple[np.ndarray, int]:
        kind, body, position = self._element(data, position)
        if kind not in _STORED:
            raise ValueError(f"numbers of type {kind}")
        return np.frombuffer(body, self._endian + _STORED[kind]), position

    def _matrix(self, data: bytes) -> tuple[str, Any]:
        if not data:
            return "", np.zeros((0, 0))
        flags, position = self._numbers(data, 0)
        shape, position = self._numbers(data, position)
        name, position = self._numbers(data, position)
        kind = int(flags[0]) & 0xFF
        if int(flags[0]) & _COMPLEX:
            raise DatasetError(f"{self._where} holds complex numbers, which are not read")
        shape = tuple(int(side) for side in shape)
        return name.tobytes().decode("ascii"), self._value(kind, shape, data, position)

    def _value(self, kind: int, shape: tuple[int, ...], data: bytes, position: int) -> Any:
        count = math.prod(shape)
        if kind == _CELL:
            return self._matrices(count, data, position)[0]
        if kind == _STRUCT:
            return self._structs(count, data, position)
        if kind != _CHAR and kind not in _CLASSES:
            raise DatasetError(f"{self._where} holds arrays of class {kind}, which are not read")
        if kind == _CHAR:
            stored, body, _ = self._element(data, position)
            return self._text(stored, body)
        numbers, _ = self._numbers(data, position)
        return numbers.astype(_CLASSES[kind]).reshape(shape, order="F")

    def _text(self, stored: int, body: bytes) -> str:
        """One row of text; the characters of several rows come down the columns."""
        order = "le" if self._endian == "<" else "be"
        wide = {4: f"utf-16-{order}", 17: f"utf-16-{order}", 18: f"utf-32-{order}", 16: "utf-8"}
        return body.decode(wide.get(stored, "latin-1"))

    def _matrices(self, count: int, data: bytes, position: int) -> tuple[list[Any], int]:
        values = []
        for _ in range(count):
            kind, body, position = self._element(data, position)
            if kind != _MATRIX:
                raise ValueError(f"an element of type {kind} where an array must be")
            values.append(self._matrix(body)[1])
        return values, position

    def _structs(self, count: int, data: bytes, position: int) -> list[dict[str, Any]]:
        length, position = self._numbers(data, position)
        _, names, position = self._element(data, position)
        width = int(length[0])
        fields = [
            names[start : start + width].split(b"\0")[0].decode("ascii")
            for start in range(0, len(names), width)
        ]
        values, _ = self._matrices(count * len(fields), data, position)
        return [
            dict(zip(fields, values[start : start + len(fields)], strict=True))
            for start in range(0, len(values), len(fields) or 1)
        ]
