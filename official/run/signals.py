"""What asks a command to end: SIGTERM, Ctrl-C, a closed terminal, a scheduler's SIGUSR1.

The status is 128 + the number of the signal, as a shell has it of a process that a signal ended:
129 SIGHUP, 130 SIGINT, 138 SIGUSR1 (Linux), 143 SIGTERM. So whoever started the command can tell
it from a failure (1), and start it again.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class InterruptedBySignal(KeyboardInterrupt):
    """Somebody asked the command to end; raised where the main thread is.

    Attributes:
      number: of the signal.
    """

    def __init__(self, number: signal.Signals):
        """Takes the signal."""
        super().__init__(number.name)
        self.number = number


@contextlib.contextmanager
def listening(
    hear: Callable[[signal.Signals], None],
    look: Callable[[], None],
    handler: Callable[[int, FrameType | None], None] = lambda *_: None,
) -> Iterator[None]:
    """Hears signals while the body runs, also while the main thread is inside of TensorFlow.

    A thread of its own calls `hear` for each signal at once, and `look` twice a second. `handler`
    is called in the main thread, when it comes back to Python. A signal that is ignored, as under
    `nohup`, stays so. Outside of the main thread none is heard, as everywhere in Python.
    """
    woken, wake = socket.socketpair()
    woken.settimeout(0.5)
    wake.setblocking(False)
    previous, descriptor = {}, -1
    if threading.current_thread() is threading.main_thread():
        # The interpreter writes the number there at once, wherever the main thread is.
        descriptor = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, handler)

    def listen() -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                received = woken.recv(64)
                if not received:
                    return
                for number in received:
                    if number in previous:
                        hear(signal.Signals(number))
            look()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before or signal.SIG_DFL)
        if previous:
            signal.set_wakeup_fd(descriptor)
        wake.close()
        listener.join()
        woken.close()


@contextlib.contextmanager
def interrupting(tidy_seconds: float = 10.0) -> Iterator[None]:
    """Makes `InterruptedBySignal` of the first signal in the body.

    Where the body has not ended `tidy_seconds` later, since the main thread is inside of
    TensorFlow, and at a second signal, the process ends with the signal's status.
    """
    asked: list[tuple[signal.Signals, float]] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        # Only once: what is tidied up must not be interrupted.
        signal.signal(number, lambda *_: None)
        if len(asked) <= 1:
            raise InterruptedBySignal(signal.Signals(number))

    def hear(number: signal.Signals) -> None:
        if asked and time.monotonic() - asked[0][1] > 1.0:
            end(f"\n{number.name} after {asked[0][0].name}: ended at once", 128 + number)
        asked.append((number, time.monotonic()))

    def look() -> None:
        if asked and time.monotonic() - asked[0][1] > tidy_seconds:
            end(f"\nstopped by {asked[0][0].name}", 128 + asked[0][0])

    with listening(hear, look, interrupt):
        yield


def say(text: str) -> None:
    """Prints to standard error; where nobody reads any more the program goes on."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def end(text: str, status: int) -> None:
    """Ends the process: a thread that is inside of TensorFlow can be ended in no other way."""
    try:
        say(text)
        sys.stdout.flush()
    finally:
        os._exit(status)
