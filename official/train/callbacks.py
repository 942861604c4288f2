"""What happens around the training steps: progress, checkpoints, records, emergency stop."""

import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tqdm

from official.run import files
from official.run.configuration import RunError
from official.train import trainer, watch

TRAINING_LOG = "training.jsonl"
EVALUATION_LOG = "evaluations.jsonl"


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


class Records(tf.keras.callbacks.Callback):
    """One JSON line per epoch in training.jsonl and one per evaluation in evaluations.jsonl."""

    def __init__(self, model_dir: str, progress: Progress, describe: dict[str, Any]):
        """Appends to the files of `model_dir`; `describe` goes into each evaluation's line."""
        super().__init__()
        self._model_dir = model_dir
        self._progress = progress
        self._describe = describe

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the lines of the epoch that ends."""
        logs = logs or {}
        step = int(self.model.optimizer.iterations.numpy())
        line: dict[str, Any] = {"epoch": epoch + 1, "step": step}
        line.update({k: float(v) for k, v in logs.items() if not k.startswith("val_")})
        line["images_per_second"] = round(self._progress.images_per_second, 2)
        line["seconds"] = round(self._progress.epoch_seconds, 2)
        if "val_images" in logs:
            scores = trainer.summarise(
                {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
            )
            line["validation"] = scores
            files.append_json_line(
                os.path.join(self._model_dir, EVALUATION_LOG),
                {"step": step, "epoch": epoch + 1, **self._describe, **scores},
            )
        files.append_json_line(os.path.join(self._model_dir, TRAINING_LOG), line)


class Checkpoints(tf.keras.callbacks.Callback):
    """Saves every so many steps, before evaluations, at each epoch's end, and when asked to stop.

    SIGTERM and the first Ctrl-C end the run after the step in progress (in an evaluation: after the
    first step behind it) with a checkpoint; the same command goes on from there. See `watch.Watch`
    for steps that do not end.
    """

    def __init__(self, manager: tf.train.CheckpointManager, every_steps: int, watcher: watch.Watch):
        """Saves through `manager` every `every_steps` steps; 0: only at the end of epochs."""
        super().__init__()
        self._manager = manager
        self._every = every_steps
        self._watch = watcher
        self._saved_step = -1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves if it is time to; ends the run with RunError if somebody asked for it."""
        if self._watch.stopped_by is not None:
            self.save()
            raise RunError(
                f"stopped by {self._watch.stopped_by} after step {self._step()}; the checkpoint is "
                "saved and the same command goes on from it."
            )
        if self._every and self._step() % self._every == 0:
            self.save()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Saves before an evaluation, so that a failure there loses nothing."""
        self.save()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves at the end of an epoch."""
        self.save()

    def save(self) -> None:
        """Writes a checkpoint unless this step has one.

        Raises:
          RunError: it could not be written; earlier checkpoints are untouched.
        """
        step = self._step()
        if step == self._saved_step:
            return
        try:
            with self._watch.saving:
                self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            _remove_partial(self._manager.directory, step)
            raise RunError(
                f"the checkpoint of step {step} could not be written to "
                f"{self._manager.directory}: {_short(error)}. The one before it, "
                f"{self._manager.latest_checkpoint or 'none'}, is whole; make room and run the "
                "same command again."
            ) from error
        self._saved_step = step

    def _step(self) -> int:
        """Returns the updates done."""
        return int(self.model.optimizer.iterations.numpy())


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Ends the run with an error when the loss is no number any more."""

    def __init__(self, advice: Callable[[], str]):
        """Adds `advice()` to the error."""
        super().__init__()
        self._advice = advice

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Raises RunError if the mean loss of the epoch is infinite or not a number."""
        if not math.isfinite(logs["loss"]):
            step = int(self.model.optimizer.iterations.numpy())
            raise RunError(
                f"the loss is {logs['loss']} after step {step}; training cannot recover. "
                + self._advice()
            )


def forget_after(model_dir: str, step: int) -> None:
    """Drops records of epochs that a resumed run will do again, those after `step`."""
    for name in (TRAINING_LOG, EVALUATION_LOG):
        path = os.path.join(model_dir, name)
        files.drop_torn_line(path)
        lines = files.read_json_lines(path)
        kept = [line for line in lines if line["step"] <= step]
        if len(kept) != len(lines):
            files.write_json_lines(path, kept)


def _remove_partial(directory: str, step: int) -> None:
    """Removes what a failed save left of the checkpoint of `step`."""
    for path in tf.io.gfile.glob(os.path.join(directory, f"model.ckpt-{step}*")):
        if tf.io.gfile.isdir(path):
            tf.io.gfile.rmtree(path)
        else:
            tf.io.gfile.remove(path)


def _short(error: BaseException) -> str:
    """Returns the first line of an error."""
    lines = str(getattr(error, "message", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _clock(seconds: float) -> str:
    """Returns a time as h:mm:ss."""
    whole = int(round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
