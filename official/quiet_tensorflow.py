"""Imports TensorFlow without the notes that its C++ side writes while it starts.

Training asks for the oneDNN kernels: TensorFlow takes them by itself only on CPUs with AVX-512 VNNI
and the like, and on others they make a step up to a third shorter (docs/performance.md). They are
chosen once, at the import; TF_ENABLE_ONEDNN_OPTS in the environment decides otherwise. A GPU is not
affected.
"""

import os
import re
import sys
import tempfile
from collections.abc import Sequence

_PACKAGE = "official"
# What setup.py installs.
_SCRIPT = "assembled-cnn"
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

# Said by every GPU build of 2.15 when it is imported, as an error, which it is not: level 2 keeps
# errors, so these are taken out by name.
_FALSE_ALARM = re.compile(rb"Unable to register cu(DNN|FFT|BLAS) factory")


def import_tensorflow() -> None:
    """Imports TensorFlow; a setting of TF_CPP_MIN_LOG_LEVEL by the user shows everything it allows.

    What else is written to standard error meanwhile comes out when the import is over, also where
    it fails.
    """
    if command_of(sys.orig_argv) == "train":
        os.environ.update(environment(training=True))
    if "tensorflow" in sys.modules or "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    # Read once, at the import: no notes on CPU features and missing CUDA libraries.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    sys.stderr.flush()
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        finally:
            sys.stderr.flush()
            os.dup2(standard_error, 2)
            os.close(standard_error)
            held.seek(0)
            os.write(2, without_false_alarms(held.read()))


def command_of(arguments: Sequence[str]) -> str | None:
    """Returns which command of this program a command line, as in `sys.orig_argv`, runs.

    Returns:
      `train` for `python -m official.train ...`, `python -m official train ...` and
      `assembled-cnn train ...`; "" where the commands are to be listed; None for other programs.
    """
    words = iter(arguments[1:])
    for word in words:
        if word in ("-W", "-X"):
            next(words, None)
        elif word == "-c":
            return None
        elif word.startswith("-m"):
            program = word[2:] or next(words, "")
            break
        elif not word.startswith("-"):
            program = os.path.basename(word)
            break
    else:
        return None
    if program not in (_PACKAGE, _SCRIPT):
        name = program.removeprefix(f"{_PACKAGE}.")
        return name if name != program else None
    first = next(words, "")
    return "" if first in ("", "-h", "--help", "help") else first


def environment(training: bool) -> dict[str, str]:
    """Returns the environment for a process that trains, or does not: this one's, with oneDNN."""
    kernels = {_ONEDNN: "1"} if training else {}
    return {**kernels, **os.environ}


def without_false_alarms(text: bytes) -> bytes:
    """Returns `text` without the lines that every GPU build writes when it starts."""
    return b"".join(
        line for line in text.splitlines(keepends=True) if not _FALSE_ALARM.search(line)
    )
