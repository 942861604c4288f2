"""Files that appear whole or not at all, and a full disk put in words."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator

from datasets.errors import DatasetError

# EFBIG: the file size limit of the process or the file system.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_error(error: OSError, path: str) -> DatasetError:
    """What to raise when writing `path` failed with `error`."""
    if error.errno in _FULL:
        return disk_full_error(path, error.strerror)
    return DatasetError(f"{path} cannot be written: {error.strerror or error}")


def disk_full_error(path: str, detail: str) -> DatasetError:
    """What to raise when there was no room for `path`."""
    where = os.path.dirname(path) or "."
    return DatasetError(
        f"no disk space left while writing {path} ({detail}). Free some space in {where} or "
        "choose another output directory, then run the same command again: finished shards "
        "are kept"
    )


def sync_directory(path: str) -> None:
    """Makes renames inside the directory `path` survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(temporary: str, final: str) -> None:
    """Flushes the whole file `temporary` to disk and gives it its final name."""
    with open(temporary, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, final)
    sync_directory(os.path.dirname(final) or ".")


def for_tensorflow(path: str) -> bytes:
    """The path as TensorFlow takes it where it is no UTF-8 text."""
    return path.encode("utf-8", "surrogateescape")


def temporary_name(final: str) -> str:
    """Name for `final` while it is being written: same directory, hidden from `train-*`."""
    directory, name = os.path.split(final)
    return os.path.join(directory, f".{name}.tmp")


@contextlib.contextmanager
def removed_on_failure(path: str) -> Iterator[None]:
    """Removes the file `path`, if it is there, when the body raises."""
    try:
        yield
    except BaseException:
        # Whatever hinders this is less than what happened before.
        with contextlib.suppress(OSError):
            os.remove(path)
        raise


def write_atomically(path: str, data: bytes) -> None:
    """Writes `data` to `path`; the name appears only when the file is whole."""
    temporary = temporary_name(path)
    with removed_on_failure(temporary):
        try:
            with open(temporary, "wb") as file:
                file.write(data)
            publish(temporary, path)
        except OSError as error:
            raise write_error(error, path) from error


def make_directory(path: str) -> None:
    """Makes the directory `path` and its parents, if they are not there."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"directory {path} cannot be made: {error.strerror}") from error


def summarise(path: str) -> tuple[int, str]:
    """Size and SHA-256 of the file at `path`."""
    summary = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            summary.update(chunk)
            size += len(chunk)
    return size, summary.hexdigest()
