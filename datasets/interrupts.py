"""Signals that end a command: Ctrl-C, and those of a scheduler or a terminal that goes away."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """A signal asked this process to end; the status is that of a shell, 128 + signal."""


def die_at_once() -> None:
    """Has Ctrl-C end the process without a word, for as long as it only imports modules."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Has the signals raise `Interrupted` in the body, so that half-written files are removed.

    A signal that is ignored, such as SIGHUP under nohup, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, frame: Any) -> None:
    raise Interrupted(128 + number)
