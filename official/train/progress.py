"""Shows how a training gets on."""

import sys
import time

import tensorflow as tf
import tqdm


class Progress(tf.keras.callbacks.Callback):
    """A bar over all steps (loss, rate, images/s, time left) and one line per epoch."""

    def __init__(self, batch_size: int, steps_per_epoch: int, epochs: int, first_step: int):
        """Shows steps `first_step` to `epochs * steps_per_epoch`."""
        super().__init__()
        self._batch_size = batch_size
        self._epochs = epochs
        self._total = epochs * steps_per_epoch
        self._done = first_step
        self._bar: tqdm.tqdm | None = None
        self._epoch_start = time.monotonic()
        self._epoch_steps = 0
        self._paused = 0.0
        self._test_start = 0.0
        self.images_per_second = 0.0
        self.epoch_seconds = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Opens the bar; where standard error is no terminal it stays away from the log."""
        self._bar = tqdm.tqdm(
            total=self._total,
            initial=self._done,
            unit="step",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
            leave=False,
            smoothing=0.1,
        )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the epoch's clock."""
        self._epoch_start, self._epoch_steps, self._paused = time.monotonic(), 0, 0.0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Moves the bar."""
        self._epoch_steps += 1
        self._done += 1
        self.epoch_seconds = time.monotonic() - self._epoch_start - self._paused
        self.images_per_second = (
            self._epoch_steps * self._batch_size / max(self.epoch_seconds, 1e-9)
        )
        self._bar.set_postfix_str(
            f"loss {logs['loss']:.3f}, lr {logs['learning_rate']:.4g}, "
            f"{self.images_per_second:.0f} images/s",
            refresh=False,
        )
        self._bar.update()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Stops the epoch's clock while an evaluation runs."""
        self._test_start = time.monotonic()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Goes on with the epoch's clock."""
        self._paused += time.monotonic() - self._test_start

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the epoch's line."""
        logs = logs or {}
        words = [f"epoch {epoch + 1}/{self._epochs}", f"loss {logs['loss']:.4f}"]
        if "val_images" in logs:
            share = logs["val_correct_top1"] / max(1, logs["val_images"])
            words.append(f"validation top-1 {100 * share:.2f} % of {int(logs['val_images'])}")
        left = (self._total - self._done) * self._batch_size / max(self.images_per_second, 1e-9)
        words.append(f"{self.images_per_second:.0f} images/s")
        words.append(f"{_clock(left)} left")
        self._bar.write("  ".join(words), file=sys.stderr)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        self._bar.close()


def _clock(seconds: float) -> str:
    """Returns a time as h:mm:ss."""
    whole = int(round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
