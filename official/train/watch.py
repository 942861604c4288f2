"""Ends a training from beside it.

While a step runs or waits for images the main thread is inside of TensorFlow, where neither a
signal handler of Python nor an exception gets in. Here a thread of its own hears signals and looks
at the clock, and what it cannot hand over to the main thread it does: the process is ended, never
while a checkpoint is being written.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator

import tensorflow as tf

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_FIRST_NOTICE, _NEXT_NOTICE = 30.0, 60.0
_SAVING_SECONDS = 120.0
# `timeout` and some launchers send one signal to a process and again to its group.
_SAME_SIGNAL_SECONDS = 1.0


class Watch(tf.keras.callbacks.Callback):
    """Hears SIGTERM and Ctrl-C, and notices when the data service delivers no more.

    The first signal is for `stopped_by`, the second ends the process with status 128 + its number.
    With a data service a step may never end: then the process tells that it waits, and ends with
    status 1 after `patience` seconds, or `grace` seconds (or two steps, if those are longer) where
    a signal asked for the end. Without one, a step in progress is always waited for.

    Must be the first callback: between the end of a step and the begin of the next one others do
    as they like.

    Attributes:
      stopped_by: name of the signal that asked for the end; None: nobody did.
      saving: lock to be held while files are written that must be whole.
    """

    def __init__(self, service: str = "", patience: float = 600.0, grace: float = 20.0):
        """Watches a training that reads from the data service at `service`; "": from none."""
        super().__init__()
        self.stopped_by: str | None = None
        self.saving = threading.Lock()
        self._service = service
        self._patience = patience
        self._grace = grace
        self._since: float | None = None  # When the step in progress began.
        self._last_step = 0.0
        self._asked_at = 0.0
        self._notice = _FIRST_NOTICE

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watches the body: making the input, which is taken for a part of the first step, and fit.

        Signals are heard in the main thread only, as everywhere in Python.
        """
        woken, wake = socket.socketpair()
        woken.settimeout(0.5)
        wake.setblocking(False)
        previous, descriptor = {}, -1
        if threading.current_thread() is threading.main_thread():
            # The interpreter writes the number there at once, wherever the main thread is.
            descriptor = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            previous = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        listener = threading.Thread(target=self._listen, args=(woken,), daemon=True)
        self.on_train_batch_begin(0)
        listener.start()
        try:
            yield
        finally:
            self._step_ends()
            for number, handler in previous.items():
                signal.signal(number, handler or signal.SIG_DFL)
            if previous:
                signal.set_wakeup_fd(descriptor)
            wake.close()
            listener.join()
            woken.close()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts the step's clock, unless it runs since the input was made."""
        with self.saving:
            if self._since is None:
                self._since = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops the step's clock."""
        self._step_ends()

    def _step_ends(self) -> None:
        """Nothing is waited for until the next step begins."""
        with self.saving:
            if self._since is not None:
                self._last_step = time.monotonic() - self._since
            self._since, self._notice = None, _FIRST_NOTICE

    def _listen(self, woken: socket.socket) -> None:
        """Takes signals and looks at the clock until the other end is closed."""
        while True:
            with contextlib.suppress(TimeoutError):
                received = woken.recv(64)
                if not received:
                    return
                for number in received:
                    if number in _SIGNALS:
                        self._take(signal.Signals(number))
            if self._service:
                self._look()

    def _take(self, number: signal.Signals) -> None:
        """Remembers the first signal; a second one, a second later or more, ends the process."""
        if self.stopped_by is not None:
            if time.monotonic() - self._asked_at < _SAME_SIGNAL_SECONDS:
                return
            self.saving.acquire(timeout=_SAVING_SECONDS)
            _end(f"{number.name} after {self.stopped_by}: ended at once", 128 + number)
        self.stopped_by, self._asked_at = number.name, time.monotonic()
        _say(f"\n{number.name}: saving after this step ... (a second one ends the run at once)")

    def _look(self) -> None:
        """Tells that the data service is waited for, or ends the process."""
        # With the lock no step can end, and thus no checkpoint begin, while the process is ended.
        with self.saving:
            if self._since is None:
                return
            waited = time.monotonic() - self._since
            place = f"the data service at {self._service}"
            if self.stopped_by and waited > max(self._grace, 2 * self._last_step):
                _end(
                    f"error: stopped by {self.stopped_by} while waiting for {place}; no checkpoint "
                    "was added, and the same command goes on from the newest one.",
                    1,
                )
            if waited > self._patience:
                _end(
                    "error: no training step has ended within --data_service_patience="
                    f"{self._patience:g} s: {place} gives no images. See that its dispatcher and "
                    "at least one worker run and can be reached from here; the same command goes "
                    "on from the newest checkpoint.",
                    1,
                )
            if waited > self._notice:
                self._notice = waited + _NEXT_NOTICE
                _say(
                    f"\nno training step has ended for {waited:.0f} s: waiting for {place}, or "
                    "for a long step. Do its dispatcher and a worker run? This run ends after "
                    f"--data_service_patience={self._patience:g} s."
                )


def _say(text: str) -> None:
    """Prints to standard error; where nobody reads any more the watch goes on."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def _end(text: str, status: int) -> None:
    """Ends the process: a thread that is inside of TensorFlow can be ended in no other way."""
    try:
        _say(text)
        sys.stdout.flush()
    finally:
        os._exit(status)
