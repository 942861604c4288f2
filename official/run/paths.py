"""Paths as people give them: `~`, relative, by way of links, in object storage, with brackets."""

import contextlib
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator, Mapping

import tensorflow as tf

# TensorFlow takes a path with one of these for a pattern wherever it restores something.
_SIGNS = re.compile(r"[*?\[\\]")


def is_local(path: str) -> bool:
    """Whether a path is one of this machine's file system, and not such as gs://bucket/run."""
    return "://" not in path


def absolute(path: str) -> str:
    """Returns a path that means the same from every working directory; `~` is the home folder."""
    path = os.fspath(path)
    return os.path.abspath(os.path.expanduser(path)) if path and is_local(path) else path


def within(inner: str, outer: str) -> bool:
    """Whether the path `inner` is the folder `outer` or lies in it, also by way of links."""
    if not (is_local(inner) and is_local(outer)):
        return f"{inner.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")
    start = pathlib.Path(os.path.realpath(absolute(inner)))
    end = os.path.realpath(absolute(outer))
    for folder in (start, *start.parents):
        with contextlib.suppress(OSError):
            if str(folder) == end or os.path.samefile(folder, end):
                return True
    return False


def has_signs(path: str) -> bool:
    """Whether TensorFlow would take a path for a pattern."""
    return bool(_SIGNS.search(path))


@contextlib.contextmanager
def renamed(paths: Mapping[str, str]) -> Iterator[str]:
    """Gives files or folders other names while the body runs.

    Args:
      paths: the path behind each name.

    Yields:
      A temporary folder that has the names: links, or copies of files in object storage.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, path in paths.items():
            if is_local(path):
                os.symlink(absolute(path), os.path.join(folder, name))
            else:
                tf.io.gfile.copy(path, os.path.join(folder, name))
        yield folder


@contextlib.contextmanager
def plain_folder(path: str) -> Iterator[str]:
    """Yields a name of the folder `path` that TensorFlow takes for no pattern."""
    if not (has_signs(path) and is_local(path)):
        yield path
        return
    with renamed({"model": path}) as folder:
        yield os.path.join(folder, "model")


def list_names(folder: str) -> list[str]:
    """Returns the names in a folder, in order; none if it is not there."""
    if not tf.io.gfile.isdir(folder):
        return []
    return sorted(name.rstrip("/") for name in tf.io.gfile.listdir(folder))


def make_folder(folder: str) -> list[str]:
    """Makes a folder with its parents; returns those that were not there, innermost first."""
    made, place = [], folder.rstrip("/") or folder
    while place and not tf.io.gfile.exists(place):
        made.append(place)
        place = os.path.dirname(place)
    tf.io.gfile.makedirs(folder)
    return made


def sync(path: str) -> None:
    """Waits until a local file, or the names in a local folder, are on the disk."""
    if not is_local(path):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
