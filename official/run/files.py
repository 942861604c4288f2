"""Small files of a run, written whole or not at all, on any file system TensorFlow knows."""

import json
import os
import time
from typing import Any

import tensorflow as tf


def write_bytes(path: str, data: bytes) -> None:
    """Writes `data` to `path` through a temporary neighbour, so that no half-written file stays.

    The folder is made if need be.

    Raises:
      OSError or tf.errors.OpError: the write failed; `path` is as it was before.
    """
    tf.io.gfile.makedirs(os.path.dirname(path) or ".")
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with tf.io.gfile.GFile(temporary, "wb") as handle:
            handle.write(data)
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
        raise


def write_text(path: str, text: str) -> None:
    """Writes `text` as UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: str, value: Any) -> None:
    """Writes `value` as indented JSON; see `write_text`."""
    write_text(path, json.dumps(value, indent=2, sort_keys=False) + "\n")


def read_text(path: str) -> str:
    """Returns the content of a text file."""
    with tf.io.gfile.GFile(path, "r") as handle:
        return handle.read()


def read_json(path: str) -> Any:
    """Returns the value of a JSON file."""
    return json.loads(read_text(path))


def read_json_lines(path: str) -> list[dict[str, Any]]:
    """Returns the records of a file that holds one JSON object a line; none if it is missing."""
    if not tf.io.gfile.exists(path):
        return []
    return [json.loads(line) for line in read_text(path).splitlines() if line.strip()]


def drop_torn_line(path: str) -> None:
    """Removes the end of a last line that a crash left unfinished; no file is no error."""
    text = read_text(path) if tf.io.gfile.exists(path) else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(path, whole)


def append_json_line(path: str, record: dict[str, Any]) -> None:
    """Adds one JSON object as a line at the end of `path`."""
    with tf.io.gfile.GFile(path, "a") as handle:
        handle.write(json.dumps(record) + "\n")


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
