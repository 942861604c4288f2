"""Folders, tar and zip archives behind one face: names and where each file's bytes lie.

Nothing is unpacked. A file in a tar or zip archive is read at its offset, also inside a tar
within a tar. A compressed tar can only be read forwards; the writer inflates such an archive as
one hidden file beside the shards for as long as it works (see `inflate.py`).

Names out of an archive become names of images and never paths to write to; all the same an
archive with a name that points out of itself is refused. What is missing, damaged or cannot be read
ends in a `DatasetError` that names it.
"""

import contextlib
import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources import pictures
from datasets.sources.archive_source import GzipTarSource, RangeSource, ZipSource, exactly
from datasets.sources.items import BytesSource, FileSource, Source

EXTENSIONS = (".tar", ".tar.gz", ".tgz", ".zip")

# What labels come in, and how large such a file may be, in bytes.
_LISTS = (".txt", ".csv", ".mat")
_LARGEST_LIST = 1 << 24
_SHOWN_NAMES = 5

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, gzip.BadGzipFile)


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
        """Whether there is such a file."""
        return name in self._files

    def names(self, start: str = "", end: str = "") -> list[str]:
        """Sorted names that start and end so."""
        return sorted(name for name in self._files if name.startswith(start) and name.endswith(end))

    def source(self, name: str) -> Source:
        """Where the bytes of the file `name` are; `DatasetError` where there is none."""
        if name not in self._files:
            raise DatasetError(
                f"{self.where} lacks the file {name}; is it whole? Fetch or unpack it again"
            )
        return self._files[name]

    def read(self, name: str) -> bytes:
        """The file's bytes; `DatasetError` where there is no such file, or it cannot be read."""
        try:
            return self.source(name).read()
        except OSError as error:
            reason = error.strerror or error
            raise DatasetError(f"{name} in {self.where} cannot be read: {reason}") from error

    def lines(self, name: str) -> list[str]:
        """The lines of a text file, without white space around them and without empty ones."""
        try:
            text = self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DatasetError(f"{name} in {self.where} is no UTF-8 text: {error}") from error
        return [line.strip() for line in text.splitlines() if line.strip()]

    def table(self, name: str, columns: int) -> list[list[str]]:
        """The words of each line; the last column takes the rest of its line."""
        lines = self.lines(name)
        rows = [line.split(maxsplit=columns - 1) for line in lines]
        for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
            if len(row) != columns:
                raise DatasetError(
                    f"line {number} of {name} in {self.where} is {line!r}; {columns} words are "
                    "needed"
                )
        return rows

    def below(self, folder: str) -> "Tree":
        """The part of the tree below `folder`; "" is the whole."""
        if not folder:
            return self
        start = folder.rstrip("/") + "/"
        files = {name.removeprefix(start): self._files[name] for name in self.names(start)}
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
        return rooted(open_archive(raw_dir), marker)
    for folder in ("", *folders, *archives):
        root = os.path.join(raw_dir, folder)
        if os.path.exists(os.path.join(root, marker)):
            return open_folder(root)
    for name in archives:
        for extension in EXTENSIONS:
            path = os.path.join(raw_dir, name + extension)
            if os.path.isfile(path):
                return rooted(open_archive(path), marker)
    wanted = " or ".join(f"{name}{{{','.join(EXTENSIONS)}}}" for name in archives)
    raise DatasetError(
        f"--raw_dir={raw_dir} holds neither {marker} nor an archive {wanted}; it holds: "
        f"{command_line.shown(sorted(os.listdir(raw_dir)), _SHOWN_NAMES)}"
    )


def check_raw_dir(raw_dir: str) -> None:
    """Raises `DatasetError` when `raw_dir` is not there."""
    if not os.path.exists(raw_dir):
        raise DatasetError(f"--raw_dir={raw_dir} does not exist")


def rooted(tree: Tree, marker: str) -> Tree:
    """The part of the tree below the shallowest folder that holds the file `marker`."""
    root = tree.folder_of(marker)
    if root is None:
        raise DatasetError(
            f"{tree.where} holds no {marker}; it holds: "
            f"{command_line.shown(tree.names(), _SHOWN_NAMES)}. Is it another data set, or cut off?"
        )
    return tree.below(root)


def open_folder(path: str) -> Tree:
    """All files below the folder `path` but hidden ones and junk; links to folders are followed."""

    def refuse(error: OSError) -> None:
        # A folder that cannot be read would be left out without a word.
        raise error

    files: dict[str, Source] = {}
    # Where each folder and those above it really are: a link may lead back up.
    above: dict[str, frozenset[str]] = {path: frozenset()}
    for directory, folders, names in os.walk(path, onerror=refuse, followlinks=True):
        chain = above.pop(directory) | {os.path.realpath(directory)}
        folders[:] = sorted(
            name
            for name in folders
            if not pictures.is_junk(name)
            and os.path.realpath(os.path.join(directory, name)) not in chain
        )
        above.update({os.path.join(directory, name): chain for name in folders})
        relative = os.path.relpath(directory, path).replace(os.sep, "/")
        start = "" if relative == "." else relative + "/"
        for name in names:
            if not pictures.is_junk(name):
                files[start + name] = FileSource(os.path.join(directory, name))
    return Tree(path, files)


def open_files(path: str, names: Sequence[str]) -> Tree:
    """Those of the files `names` in the folder `path` that are there."""
    paths = {name: os.path.join(path, name) for name in names}
    return Tree(path, {n: FileSource(place) for n, place in paths.items() if os.path.isfile(place)})


def open_archive(path: str) -> Tree:
    """The files of a tar, compressed tar or zip archive.

    Links, devices and hidden files are left out; macOS packs a "._a.jpg" beside each "a.jpg".

    Raises:
        DatasetError: No such archive, a damaged one, or one with a name that points out of it.
    """
    stamp = FileSource(path).fingerprint()
    with explained(path):
        if zipfile.is_zipfile(path):
            files = {name: file for name, file in _zip_files(path, stamp) if not _hidden(name)}
            return Tree(path, files)
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        files = {}
        opener = gzip.open if packed else open
        with opener(path, "rb") as file:
            for name, offset, size in tar_members(file, path):
                if _hidden(name):
                    continue
                if not packed:
                    files[name] = RangeSource(path, offset, size, stamp)
                elif name.endswith(_LISTS) and size <= _LARGEST_LIST:
                    # Kept: to read it later would mean to inflate all before it again.
                    file.seek(offset)
                    files[name] = BytesSource(exactly(file, size, path))
                else:
                    files[name] = GzipTarSource(path, offset, size, stamp)
        return Tree(path, files)


def open_inner_tar(outer: RangeSource, name: str) -> Tree:
    """The files of the uncompressed tar `name` inside another, at `outer`; see `open_archive`."""
    where = f"{outer.path}/{name}"
    files = {}
    end = outer.offset + outer.size
    with explained(where), open(outer.path, "rb") as file:
        file.seek(outer.offset)
        for member, offset, size in tar_members(file, where):
            if offset + size > end:
                raise tarfile.ReadError("its end is missing")
            if not _hidden(member):
                files[member] = RangeSource(outer.path, offset, size, outer.stamp)
    return Tree(where, files)


def _hidden(name: str) -> bool:
    """Whether `open_folder` would leave the file out, had it come out of its archive."""
    return any(map(pictures.is_junk, name.split("/")))


@contextlib.contextmanager
def explained(where: str) -> Iterator[None]:
    """Turns what a damaged or unreadable archive raises into a `DatasetError` that names it."""
    try:
        yield
    except _DAMAGED as error:
        raise DatasetError(
            f"archive {where} is damaged or cut off ({error}); fetch it again"
        ) from error
    except OSError as error:
        raise DatasetError(f"archive {where} cannot be read: {error.strerror or error}") from error


def tar_members(file: IO[bytes], where: str) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each plain file of the tar archive that begins where `file` is."""
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
            if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
                continue
            if member.flag_bits & 1:
                raise DatasetError(f"{name} in {path} is encrypted; unpack it first")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DatasetError(
                    f"{name} in {path} is packed by method {member.compress_type}; unpack it first"
                )
            sizes = (member.header_offset, member.compress_size, member.file_size)
            yield name, ZipSource(path, *sizes, member.compress_type, member.CRC, stamp)


def safe_name(name: str, where: str) -> str:
    """Returns `name` without a leading "./"; refuses one that leads out of the archive."""
    parts = name.replace("\\", "/").split("/")
    drive = len(parts[0]) == 2 and parts[0].endswith(":")
    if name.startswith(("/", "\\")) or drive or ".." in parts or "\0" in name:
        raise DatasetError(
            f"archive {where} has a file {name!r}, which points out of the archive; it is refused "
            "as a whole"
        )
    return "/".join(part for part in parts if part not in ("", "."))
