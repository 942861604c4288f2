"""Small files of a run, written whole or not at all, on any file system TensorFlow knows."""

import contextlib
import errno
import json
import os
import time
from typing import Any

import tensorflow as tf

from official.run import paths
from official.run.errors import RunError


def write_bytes(path: str, data: bytes) -> None:
    """Writes `data` to `path` through a temporary neighbour, so that no half-written file stays.

    The folder is made if need be. On a local disk the file has its name only when all of it is on
    the disk, so that it survives a power cut.

    Raises:
      OSError or tf.errors.OpError: the write failed; `path` is as it was before.
    """
    tf.io.gfile.makedirs(os.path.dirname(path) or ".")
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with tf.io.gfile.GFile(temporary, "wb") as handle:
            handle.write(data)
        paths.sync(temporary)
        tf.io.gfile.rename(temporary, path, overwrite=True)
        paths.sync(os.path.dirname(path) or ".")
    except BaseException:
        with contextlib.suppress(OSError, tf.errors.OpError):
            tf.io.gfile.remove(temporary)
        raise


def write_text(path: str, text: str) -> None:
    """Writes `text` as UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: str, value: Any) -> None:
    """Writes `value` as indented JSON; see `write_text`."""
    write_text(path, as_json(value))


def as_json(value: Any) -> str:
    """Returns `value` as indented JSON."""
    return json.dumps(value, indent=2, sort_keys=False) + "\n"


def read_text(path: str) -> str:
    """Returns the content of a text file."""
    with tf.io.gfile.GFile(path, "r") as handle:
        return handle.read()


def read_json(path: str) -> Any:
    """Returns the value of a JSON file; raises RunError where it is none."""
    return _parse(path, read_text(path), "")


def _parse(path: str, text: str, where: str) -> Any:
    """Returns the value of JSON text; raises RunError where it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise RunError(f"{path} is damaged: {where}no JSON ({error}).") from error


def read_json_lines(path: str) -> list[dict[str, Any]]:
    """Returns the records of a file that holds one JSON object a line; none if it is missing.

    A last line that a crash left unfinished does not count.

    Raises:
      RunError: another line is no JSON.
    """
    if not tf.io.gfile.exists(path):
        return []
    text = read_text(path)
    lines = enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1)
    return [_parse(path, line, f"line {number} is ") for number, line in lines if line.strip()]


def drop_torn_line(path: str) -> None:
    """Removes the end of a last line that a crash left unfinished; no file is no error."""
    text = read_text(path) if tf.io.gfile.exists(path) else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(path, whole)


def append_json_line(path: str, record: dict[str, Any]) -> None:
    """Adds one JSON object as a line at the end of `path`.

    Raises:
      OSError or tf.errors.OpError: the write failed; on a local disk `path` is as it was before.
    """
    line = json.dumps(record) + "\n"
    if not paths.is_local(path):
        with tf.io.gfile.GFile(path, "a") as handle:
            handle.write(line)
        return
    with open(path, "ab", buffering=0) as handle:
        size = handle.tell()
        try:
            # One call, so that lines of two processes do not mix.
            if handle.write(line.encode()) != len(line.encode()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            os.fsync(handle.fileno())
        except OSError as error:
            handle.truncate(size)
            raise OSError(error.errno, error.strerror, path) from error


def now() -> str:
    """Returns the time with its zone, as ISO 8601 has it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def forget_after(path: str, step: int) -> list[dict[str, Any]]:
    """Drops the lines of a file of JSON lines that belong to steps after `step`.

    A resumed run does those steps again.

    Returns:
      The lines that stay; none if the file is missing.
    """
    drop_torn_line(path)
    lines = read_json_lines(path)
    kept = [line for line in lines if line["step"] <= step]
    if len(kept) != len(lines):
        write_text(path, "".join(f"{json.dumps(line)}\n" for line in kept))
    return kept
