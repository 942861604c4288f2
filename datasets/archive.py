"""Folders, tar and zip archives behind one face: names and where each file's bytes lie.

Nothing is unpacked. A file in a tar or zip archive is read at its offset, also inside a tar
within a tar. A compressed tar can only be read forwards; the writer inflates such an archive as
one hidden file beside the shards for as long as it works (see `inflated`).

Names out of an archive become names of images and never paths to write to; all the same an
archive with a name that points out of itself is refused.
"""

import contextlib
import dataclasses
import functools
import gzip
import io
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO

from datasets import disk
from datasets.errors import DatasetError
from datasets.items import BytesSource, FileSource, Item, Source

EXTENSIONS = (".tar", ".tar.gz", ".tgz", ".zip")

# What labels come in, and how large such a file may be, in bytes.
_LISTS = (".txt", ".csv", ".mat")
_LARGEST_LIST = 1 << 24

_ZIP_LOCAL_HEADER = struct.Struct("<4s22xHH")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, gzip.BadGzipFile)


@dataclasses.dataclass(frozen=True, slots=True)
class RangeSource:
    """Bytes in the middle of a file, such as a file inside an uncompressed tar archive.

    Attributes:
        path: The archive.
        offset: Where the bytes begin.
        size: How many there are.
        stamp: Size and time of the archive.
    """

    path: str
    offset: int
    size: int
    stamp: str = ""

    def read(self) -> bytes:
        """Returns the bytes."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            return _exactly(file, self.size, self.path)

    def fingerprint(self) -> str:
        """Changes with the archive, or when the file lies elsewhere in it."""
        return f"{self.stamp}:{self.offset}:{self.size}"


@dataclasses.dataclass(frozen=True, slots=True)
class GzipTarSource:
    """A file inside a compressed tar archive; offsets count inflated bytes.

    Reading in order is fast, reading backwards starts over: see `inflated`.
    """

    path: str
    offset: int
    size: int
    stamp: str = ""

    def read(self) -> bytes:
        """Returns the bytes of the file."""
        file = _gzip_reader(self.path, self.stamp)
        try:
            file.seek(self.offset)
            return _exactly(file, self.size, self.path)
        except (EOFError, zlib.error) as error:
            raise OSError(f"archive {self.path} is damaged: {error}") from error

    def fingerprint(self) -> str:
        """Changes with the archive, or when the file lies elsewhere in it."""
        return f"{self.stamp}:{self.offset}:{self.size}"


@dataclasses.dataclass(frozen=True, slots=True)
class ZipSource:
    """A file inside a zip archive.

    Attributes:
        path: The archive.
        offset: Where the file's local header begins.
        packed: Bytes in the archive.
        size: Bytes of the file.
        method: How it is packed: 0 stored, 8 deflated.
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
            header = _exactly(file, _ZIP_LOCAL_HEADER.size, self.path)
            magic, name_size, extra_size = _ZIP_LOCAL_HEADER.unpack(header)
            if magic != b"PK\x03\x04":
                raise OSError(f"archive {self.path} is damaged at byte {self.offset}")
            file.seek(name_size + extra_size, os.SEEK_CUR)
            data = _exactly(file, self.packed, self.path)
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


class Tree:
    """Files by name, wherever they lie.

    Attributes:
        where: The folder or archive, for messages.
    """

    def __init__(self, where: str, files: Mapping[str, Source]):
        """Takes the files; names are relative, with slashes."""
        self.where = where
        self._files = files

    def __contains__(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return name in self._files

    def names(self, start: str = "", end: str = "") -> list[str]:
        """Sorted names that start and end so."""
        return sorted(name for name in self._files if name.startswith(start) and name.endswith(end))

    def source(self, name: str) -> Source:
        """Where the bytes of the file `name` are.

        Raises:
            DatasetError: There is no such file.
        """
        if name not in self._files:
            raise DatasetError(
                f"{self.where} lacks the file {name}; is it whole? Fetch or unpack it again"
            )
        return self._files[name]

    def read(self, name: str) -> bytes:
        """The file's bytes.

        Raises:
            DatasetError: There is no such file, or it cannot be read.
        """
        try:
            return self.source(name).read()
        except OSError as error:
            reason = error.strerror or error
            raise DatasetError(f"{name} in {self.where} cannot be read: {reason}") from error

    def lines(self, name: str) -> list[str]:
        """The lines of a text file, without white space around them and without empty ones.

        Raises:
            DatasetError: There is no such file, or it is no text.
        """
        try:
            text = self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DatasetError(f"{name} in {self.where} is no UTF-8 text: {error}") from error
        return [line.strip() for line in text.splitlines() if line.strip()]

    def table(self, name: str, columns: int) -> list[list[str]]:
        """The words of each line; the last column takes the rest of its line.

        Raises:
            DatasetError: A line has fewer words.
        """
        rows = []
        for number, line in enumerate(self.lines(name), 1):
            row = line.split(maxsplit=columns - 1)
            if len(row) != columns:
                raise DatasetError(
                    f"line {number} of {name} in {self.where} is {line!r}; {columns} words are "
                    "needed"
                )
            rows.append(row)
        return rows

    def below(self, folder: str) -> "Tree":
        """The part of the tree below `folder`; "" is the whole."""
        if not folder:
            return self
        start = folder.rstrip("/") + "/"
        files = {
            name[len(start) :]: source
            for name, source in self._files.items()
            if name.startswith(start)
        }
        return Tree(f"{self.where}/{folder}", files)

    def folder_of(self, marker: str) -> str | None:
        """The shallowest folder that holds the file `marker`; None when none does."""
        ends = [name for name in self._files if name == marker or name.endswith("/" + marker)]
        if not ends:
            return None
        shallowest = min(ends, key=lambda name: (name.count("/"), name))
        return shallowest[: -len(marker)].rstrip("/")


def find(raw_dir: str, marker: str, archives: Sequence[str], folders: Sequence[str] = ()) -> Tree:
    """The tree that a data set is published as: unpacked in `raw_dir`, or as an archive there.

    Args:
        raw_dir: Folder that holds the archive or what came out of it, or the archive itself.
        marker: A file that the data set holds; its folder becomes the root of the tree.
        archives: Names of the archive, without extension.
        folders: Where in `raw_dir` the unpacked files may be.

    Raises:
        DatasetError: Nothing of the sort is there.
    """
    check_raw_dir(raw_dir)
    if os.path.isfile(raw_dir):
        return _rooted(open_archive(raw_dir), marker)
    for folder in ("", *folders, *archives):
        root = os.path.join(raw_dir, folder)
        if os.path.exists(os.path.join(root, marker)):
            return open_folder(root)
    for name in archives:
        for extension in EXTENSIONS:
            path = os.path.join(raw_dir, name + extension)
            if os.path.isfile(path):
                return _rooted(open_archive(path), marker)
    wanted = " or ".join(f"{name}{{{','.join(EXTENSIONS)}}}" for name in archives)
    raise DatasetError(
        f"--raw_dir={raw_dir} holds neither {marker} nor an archive {wanted}; it holds: "
        f"{_shown(sorted(os.listdir(raw_dir)))}"
    )


def check_raw_dir(raw_dir: str) -> None:
    """Raises `DatasetError` when `raw_dir` is not there."""
    if not os.path.exists(raw_dir):
        raise DatasetError(f"--raw_dir={raw_dir} does not exist")


def _rooted(tree: Tree, marker: str) -> Tree:
    root = tree.folder_of(marker)
    if root is None:
        raise DatasetError(
            f"{tree.where} holds no {marker}; it holds: {_shown(tree.names())}. Is it another "
            "data set, or cut off?"
        )
    return tree.below(root)


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(names[:5]) or "nothing") + more


def open_folder(path: str) -> Tree:
    """All files below the folder `path` but hidden ones."""
    files: dict[str, Source] = {}
    for directory, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(directory, path).replace(os.sep, "/")
        start = "" if relative == "." else relative + "/"
        for name in names:
            if not name.startswith("."):
                files[start + name] = FileSource(os.path.join(directory, name))
    return Tree(path, files)


def open_archive(path: str) -> Tree:
    """The files of a tar, compressed tar or zip archive; links and devices are left out.

    Raises:
        DatasetError: No such archive, a damaged one, or one with a name that points out of it.
    """
    stamp = FileSource(path).fingerprint()
    with _explained(path):
        if zipfile.is_zipfile(path):
            return Tree(path, dict(_zip_files(path, stamp)))
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        files = {}
        with contextlib.ExitStack() as stack:
            opener = gzip.open if packed else open
            file = stack.enter_context(opener(path, "rb"))
            for name, offset, size in tar_members(file, path):
                if not packed:
                    files[name] = RangeSource(path, offset, size, stamp)
                elif name.endswith(_LISTS) and size <= _LARGEST_LIST:
                    # Kept: to read it later would mean to inflate all before it again.
                    file.seek(offset)
                    files[name] = BytesSource(_exactly(file, size, path))
                else:
                    files[name] = GzipTarSource(path, offset, size, stamp)
        return Tree(path, files)


def open_inner_tar(outer: RangeSource, name: str) -> Tree:
    """The files of an uncompressed tar that lies inside another.

    Args:
        outer: Where it lies.
        name: Its name, for messages.

    Raises:
        DatasetError: It is damaged, or has a name that points out of it.
    """
    where = f"{outer.path}/{name}"
    files = {}
    with _explained(where), open(outer.path, "rb") as file:
        window = _Window(file, outer.offset, outer.size)
        for member, offset, size in tar_members(window, where):
            files[member] = RangeSource(outer.path, outer.offset + offset, size, outer.stamp)
    return Tree(where, files)


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DatasetError(
            f"archive {where} is damaged or cut off ({error}); fetch it again"
        ) from error
    except OSError as error:
        raise DatasetError(f"archive {where} cannot be read: {error.strerror or error}") from error


def tar_members(file: IO[bytes], where: str) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each plain file of the tar archive in `file`.

    Raises:
        DatasetError: A name points out of the archive, or a file is stored with holes.
        tarfile.TarError: No tar archive, or a damaged one.
    """
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            name = safe_name(member.name, where)
            if member.issparse():
                raise DatasetError(f"{name} in {where} is stored with holes; unpack it first")
            if member.isreg():
                yield name, member.offset_data, member.size
            # It keeps every header otherwise: gigabytes for a million files.
            archive.members = []
        # A cut through a header looks like the end to it; the end is a block of zeros.
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end is missing")


def _zip_files(path: str, stamp: str) -> Iterator[tuple[str, Source]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = safe_name(member.filename, path)
            if member.is_dir():
                continue
            if member.flag_bits & 1:
                raise DatasetError(f"{name} in {path} is encrypted; unpack it first")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DatasetError(
                    f"{name} in {path} is packed by method {member.compress_type}; unpack it first"
                )
            yield (
                name,
                ZipSource(
                    path,
                    member.header_offset,
                    member.compress_size,
                    member.file_size,
                    member.compress_type,
                    member.CRC,
                    stamp,
                ),
            )


def safe_name(name: str, where: str) -> str:
    """Returns `name` without a leading "./".

    Raises:
        DatasetError: The name is absolute or leads out of the archive.
    """
    parts = name.replace("\\", "/").split("/")
    drive = len(parts[0]) == 2 and parts[0].endswith(":")
    if name.startswith(("/", "\\")) or drive or ".." in parts or "\0" in name:
        raise DatasetError(
            f"archive {where} has a file {name!r}, which points out of the archive; it is refused "
            "as a whole"
        )
    return "/".join(part for part in parts if part not in ("", "."))


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int):
        self._file = file
        self._start = start
        self._size = size
        self._position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        size = left if size is None or size < 0 else min(size, left)
        self._file.seek(self._start + self._position)
        data = self._file.read(size)
        self._position += len(data)
        return data


def _exactly(file: IO[bytes], size: int, path: str) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise OSError(f"archive {path} is cut off")
    return data


@functools.lru_cache(maxsize=1)
def _gzip_reader(path: str, stamp: str) -> gzip.GzipFile:
    # The stamp is there to have another file of that name opened anew.
    return gzip.open(path, "rb")


def compressed_archives(items: Iterable[Item]) -> list[str]:
    """Paths of the compressed tar archives that hold images of `items`."""
    return sorted({item.source.path for item in items if isinstance(item.source, GzipTarSource)})


def inflate(path: str, output: str) -> None:
    """Writes what the compressed archive `path` inflates to, itself an archive, to `output`.

    Raises:
        DatasetError: The archive is damaged, or there is no room.
    """
    with _explained(path), disk.removed_on_failure(output), gzip.open(path, "rb") as source:
        try:
            target = open(output, "wb")
        except OSError as error:
            raise disk.write_error(error, output) from error
        with target:
            while chunk := source.read(1 << 20):
                try:
                    target.write(chunk)
                except OSError as error:
                    raise disk.write_error(error, output) from error


def room_for(paths: Iterable[str], directory: str) -> tuple[int, int]:
    """Bytes that the archives take up, which their contents exceed little; and bytes free."""
    return sum(os.path.getsize(path) for path in paths), shutil.disk_usage(directory).free


def inflated(items: Sequence[Item], tars: Mapping[str, str]) -> list[Item]:
    """The same items, read from inflated archives.

    Args:
        items: Items, of any source.
        tars: Inflated archive by compressed archive.
    """
    moved = []
    for item in items:
        source = item.source
        if isinstance(source, GzipTarSource):
            tar = RangeSource(tars[source.path], source.offset, source.size, source.stamp)
            item = dataclasses.replace(item, source=tar)
        moved.append(item)
    return moved
