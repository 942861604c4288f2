"""Ends a training from beside it.

While a step runs or waits for images the main thread is inside of TensorFlow, where neither a
signal handler of Python nor an exception gets in. Here a thread of its own hears signals and looks
at the clock, and what it cannot hand over to the main thread it does: the process is ended, never
while a checkpoint is being written.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

import tensorflow as tf

from official.run import signals
from official.run.errors import stopped

_FIRST_NOTICE, _NEXT_NOTICE = 30.0, 60.0
_SAVING_SECONDS = 120.0
# `timeout` and some launchers send one signal to a process and again to its group.
_SAME_SIGNAL_SECONDS = 1.0
# So many times the longest step so far is a long step still.
_LONG_STEP, _HOPELESS_STEP = 3, 10


class Watch(tf.keras.callbacks.Callback):
    """Hears what asks for the end, and notices a step that does not end.

    A step is an update, or a batch of an evaluation. One that does not end is told of after half a
    minute, or three times the longest step so far; after `patience` seconds, or ten times the
    longest step, the process ends with status 1. The first signal is for `stopped_by`; where the
    step in progress does not end within `grace` seconds, or twice the longest, the process ends
    with the signal's status (`official.run.signals`). A second signal ends it at once.

    Must be the first callback: between the end of a step and the begin of the next one others do
    as they like.

    Attributes:
      stopped_by: name of the signal that asked for the end; None: nobody did.
      saving: lock to be held while files are written that must be whole.
    """

    def __init__(self, place: str, patience: float = 1800.0, grace: float = 20.0, hint: str = ""):
        """Watches a training whose images come from `place`; `hint` is what to look at there."""
        super().__init__()
        self.stopped_by: str | None = None
        self.saving = threading.Lock()
        self._place = place
        self._patience = patience
        self._grace = grace
        self._hint = f" {hint}" if hint else ""
        self._since: float | None = None  # When the step in progress began.
        self._longest = 0.0
        self._first = True
        self._asked_at = 0.0
        self._notice = 0.0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watches the body: making the input, which is taken for a part of the first step, and fit.

        Signals are heard in the main thread only, as everywhere in Python.
        """
        self._first = True
        self._step_begins()
        try:
            with signals.listening(self._take, self._look):
                yield
        finally:
            self._since = None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts the step's clock, unless it runs since the input was made."""
        self._step_begins()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops the step's clock."""
        self._step_ends()

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts the clock of a batch that is scored."""
        self._step_begins()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops the clock; ends the run if somebody asked for it: its checkpoint is saved."""
        self._step_ends()
        if self.stopped_by is not None:
            raise stopped(
                self.stopped_by,
                "in an evaluation; the checkpoint is saved, and the same command does the "
                "evaluation again and goes on.",
            )

    def _step_begins(self) -> None:
        with self.saving:
            if self._since is None:
                self._since = time.monotonic()

    def _step_ends(self) -> None:
        """Nothing is waited for until the next step begins."""
        with self.saving:
            # The first one makes the graph, and takes longer than any other.
            if self._since is not None and not self._first:
                self._longest = max(self._longest, time.monotonic() - self._since)
            self._since, self._notice, self._first = None, 0.0, False

    def _take(self, number: signal.Signals) -> None:
        """Remembers the first signal; a second one, a second later or more, ends the process."""
        if self.stopped_by is not None:
            if time.monotonic() - self._asked_at < _SAME_SIGNAL_SECONDS:
                return
            self.saving.acquire(timeout=_SAVING_SECONDS)
            signals.end(f"{number.name} after {self.stopped_by}: ended at once", 128 + number)
        self.stopped_by, self._asked_at = number.name, time.monotonic()
        signals.say(
            f"\n{number.name}: saving after this step ... (a second one ends the run at once)"
        )

    def _look(self) -> None:
        """Tells that something is waited for, or ends the process."""
        # With the lock no step can end, and thus no checkpoint begin, while the process is ended.
        if not self.saving.acquire(timeout=0.1):
            return
        try:
            if self._since is not None:
                self._judge(time.monotonic() - self._since)
        finally:
            self.saving.release()

    def _judge(self, waited: float) -> None:
        """Decides about a step that has taken `waited` seconds so far."""
        if self.stopped_by and waited > max(self._grace, 2 * self._longest):
            signals.end(
                f"error: stopped by {self.stopped_by} while waiting for {self._place}; no "
                "checkpoint was added, and the same command goes on from the newest one.",
                128 + signal.Signals[self.stopped_by],
            )
        patience = max(self._patience, _HOPELESS_STEP * self._longest)
        if waited > patience:
            signals.end(
                f"error: no step has ended within {patience:.0f} s (--patience="
                f"{self._patience:g}): {self._place} gives no images.{self._hint} The same "
                "command goes on from the newest checkpoint.",
                1,
            )
        if waited > max(self._notice, _FIRST_NOTICE, _LONG_STEP * self._longest):
            self._notice = waited + _NEXT_NOTICE
            signals.say(
                f"\nno step has ended for {waited:.0f} s: waiting for {self._place}, or for a "
                f"long step.{self._hint} This run ends after {patience:.0f} s (--patience)."
            )
