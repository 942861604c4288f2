"""Imports TensorFlow without the notes that its C++ side writes while it starts."""

import os
import re
import sys
import tempfile

# Said by every GPU build of 2.15 when it is imported, as an error, which it is not: level 2 keeps
# errors, so these are taken out by name.
_FALSE_ALARM = re.compile(rb"Unable to register cu(DNN|FFT|BLAS) factory")


def import_tensorflow() -> None:
    """Imports TensorFlow; a setting of TF_CPP_MIN_LOG_LEVEL by the user shows everything it allows.

    What else is written to standard error meanwhile comes out when the import is over, also where
    it fails.
    """
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


def without_false_alarms(text: bytes) -> bytes:
    """Returns `text` without the lines that every GPU build writes when it starts."""
    return b"".join(
        line for line in text.splitlines(keepends=True) if not _FALSE_ALARM.search(line)
    )
