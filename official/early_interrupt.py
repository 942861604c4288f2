"""Ctrl-C while a command still imports what it needs: one line, not the trace of an import.

It imports nothing that takes time, so that it can come first.
"""

import os
import signal
import sys
import threading
from types import FrameType

from tensorflow_start import command_of


def guard() -> None:
    """From now on Ctrl-C ends this process with one line and status 130, if it is a command's.

    An exception would not do: modules that are half imported turn it into others. Where Ctrl-C is
    ignored, as in the background of a script, it stays so.
    """
    if (
        command_of(sys.orig_argv) is None
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        return
    # Standard error may be held back during an import.
    standard_error = os.dup(2)

    def end(number: int, _: FrameType | None) -> None:
        os.write(standard_error, b"\ninterrupted\n")
        os._exit(128 + number)

    signal.signal(signal.SIGINT, end)
