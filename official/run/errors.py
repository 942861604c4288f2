"""The one exception that a run ends with, and TensorFlow's errors in one line."""

import contextlib
import re
import signal
from collections.abc import Iterator

import tensorflow as tf

# What TensorFlow raises for a full or failing disk, unreadable records or broken images.
_DATA_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
)
_DISK_WORDS = ("no space left", "file too large", "disk quota", "enospc")
_ASSERTED = "asserted: "


class RunError(ValueError):
    """A run that cannot go on: the message names the value, its origin and what would be right.

    Attributes:
      status: what the command exits with; 1 unless the run was `stopped`.
    """

    status = 1


def stopped(signal_name: str, what: str) -> RunError:
    """Returns the error of a run that a signal such as `SIGTERM` ended, with a status of its own.

    `what` says where it ended and what was kept; see `official.run.signals` for the status.
    """
    error = RunError(f"stopped by {signal_name} {what}")
    error.status = 128 + signal.Signals[signal_name]
    return error


@contextlib.contextmanager
def refusals(where: str = "") -> Iterator[None]:
    """Makes a RunError of a ValueError of the body, with which configurations refuse values.

    The message begins with `where`.
    """
    try:
        yield
    except ValueError as error:
        raise RunError(f"{where}{error}") from error


def explain(error: tf.errors.OpError | OSError) -> str:
    """Returns one line for an error of TensorFlow or the system, without the graph's inside."""
    if isinstance(error, OSError):
        text = short(error)
    else:
        text = _first_cause(str(error.message or error))
    if isinstance(error, tf.errors.ResourceExhaustedError) and "allocat" in text.lower():
        return f"out of memory: {text}. Try a smaller --batch_size or --image_size."
    if any(word in text.lower() for word in _DISK_WORDS):
        return f"the disk is full or its quota is used up; nothing half-written was kept: {text}"
    if isinstance(error, OSError):
        return text
    if isinstance(error, _DATA_ERRORS):
        return f"the data could not be read: {text}"
    return f"TensorFlow stopped: {text}"


def _first_cause(text: str) -> str:
    """Returns the part of a TensorFlow message that says what happened."""
    noise = re.compile(
        r"^(Graph execution error|Detected at node|File |\[\[|\d+ root error|Original stack|"
        r"\d+ (successful|derived)|\(\d+\) (?![A-Z_]+:)|<)"
    )
    # What an assertion says where there is no graph: a line for each value.
    text = re.sub(r"^Expected '[^']*' to be true\. Summarized data: ", _ASSERTED, text)
    if text.startswith(_ASSERTED):
        values = text.removeprefix(_ASSERTED).splitlines()
        return " ".join(re.sub(r"^b(['\"])(.*)\1$", r"\2", value.strip()) for value in values)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not noise.match(line)]
    cause = lines[0] if lines else "unknown cause"
    cause = re.sub(r"^\(\d+\) [A-Z_]+:\s*", "", cause)
    cause = re.sub(r"\{\{[^}]*\}\}\s*", "", cause)
    cause = re.sub(r"\s*\[Op:\w+\].*$", "", cause).strip()
    # Of a tf.data service; its workers fetch from a server of their own.
    cause = re.sub(r"^(Failed to get (an )?element(, [^:]*| from worker \S+)?: )+", "", cause)
    if cause.startswith("assertion failed: "):
        cause = re.sub(r"[\[\]]", "", cause.removeprefix("assertion failed: "))
    return cause


def short(error: BaseException) -> str:
    """Returns the first line of an error, without the operation that met it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = re.sub(r"\{\{[^}]*\}\}\s*", "", str(getattr(error, "message", None) or error)).strip()
    text = re.sub(r"\s*\[Op:\w+\].*", "", text)
    return text.splitlines()[0] if text else type(error).__name__
