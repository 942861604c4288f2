"""Shows how a training gets on."""

import json
import math
import sys
import time

import tensorflow as tf
import tqdm


class Times(tf.train.experimental.PythonState):
    """How long the epoch in progress has taken so far, over all starts; part of a checkpoint.

    Attributes:
      seconds: of all its steps; evaluations and the time between two starts do not count.
      timed_seconds, timed_steps: without the first step of each start, which makes the graph.
    """

    def __init__(self):
        """Starts an epoch."""
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Starts another epoch."""
        self.seconds, self.timed_seconds, self.timed_steps = 0.0, 0.0, 0

    def serialize(self) -> str:
        """Returns the numbers as JSON."""
        return json.dumps([self.seconds, self.timed_seconds, self.timed_steps])

    def deserialize(self, value: bytes) -> None:
        """Takes what `serialize` returned."""
        self.seconds, self.timed_seconds, self.timed_steps = json.loads(value)

    def add(self, seconds: float, timed: bool) -> None:
        """Adds a step."""
        self.seconds += seconds
        if timed:
            self.timed_seconds += seconds
            self.timed_steps += 1

    @property
    def steps_per_second(self) -> float | None:
        """Rate of the epoch; None while there is no step but a first one."""
        return self.timed_steps / max(self.timed_seconds, 1e-9) if self.timed_steps else None


class Progress(tf.keras.callbacks.Callback):
    """A bar over all steps (loss, rate, images/s, time left) and one line per epoch.

    Attributes:
      times: of the epoch in progress.
    """

    def __init__(self, batch_size: int, steps_per_epoch: int, epochs: int, times: Times):
        """Shows steps up to `epochs * steps_per_epoch`; an unfinished epoch has `times` already."""
        super().__init__()
        self.times = times
        self._batch_size = batch_size
        self._steps_per_epoch = steps_per_epoch
        self._epochs = epochs
        self._bar: tqdm.tqdm | None = None
        self._last = 0.0  # When the last step or the last evaluation ended.
        self._first = True  # The next step is the first of a fit.

    @property
    def images_per_second(self) -> float | None:
        """Rate of the epoch so far, over all starts."""
        rate = self.times.steps_per_second
        return None if rate is None else rate * self._batch_size

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Opens the bar; where standard error is no terminal it stays away from the log."""
        self._bar = tqdm.tqdm(
            total=self._epochs * self._steps_per_epoch,
            initial=self._step(),
            unit="step",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
            leave=False,
            smoothing=0.1,
        )
        self._first = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the epoch's clock, or goes on with that of an unfinished epoch."""
        if self._step() == epoch * self._steps_per_epoch:
            self.times.reset()
        self._last = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Moves the bar."""
        now = time.monotonic()
        self.times.add(now - self._last, timed=not self._first)
        self._last, self._first = now, False
        rate = self.images_per_second
        self._bar.set_postfix_str(
            f"loss {logs['loss']:.3f}, lr {logs['learning_rate']:.4g}"
            + (f", {rate:.0f} images/s" if rate else ""),
            refresh=False,
        )
        self._bar.update()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Goes on with the clock, which an evaluation stops."""
        self._last = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the epoch's line."""
        logs = logs or {}
        words = [f"epoch {epoch + 1}/{self._epochs}", f"loss {logs['loss']:.4f}"]
        if "top1" in logs:
            words.append(f"training top-1 {100 * logs['top1']:.2f} %")
        if "val_images" in logs:
            share = logs["val_correct_top1"] / max(1, logs["val_images"])
            words.append(f"validation top-1 {100 * share:.2f} % of {int(logs['val_images'])}")
            if not math.isfinite(logs["val_cross_entropy"]):
                words.append("(not all logits are finite)")
        if logs.get("skipped_steps"):
            words.append(
                f"{logs['skipped_steps']:.0f} steps skipped (fp16 overflow), loss scale "
                f"{logs['loss_scale']:g}"
            )
        rate = self.images_per_second
        if rate:
            left = self._epochs * self._steps_per_epoch - self._step()
            words.append(f"{rate:.0f} images/s")
            words.append(f"{_clock(left * self._batch_size / rate)} left")
        self._bar.write("  ".join(words), file=sys.stderr)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        self._bar.close()

    def _step(self) -> int:
        """Returns the updates done."""
        return int(self.model.optimizer.iterations.numpy())


def _clock(seconds: float) -> str:
    """Returns a time as h:mm:ss."""
    whole = int(round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
