"""TensorBoard: curves over the updates, the same tags for training and validation."""

import os

import tensorflow as tf

from official.evaluate.scorer import validation_scores
from official.run.folder import EVENTS
from official.train.progress import Progress

# Points of an epoch, and the fewest steps between two: a point costs some milliseconds.
_POINTS, _LEAST = 10, 5
# Counts, of which the shares are shown.
_COUNTS = ("images", "correct_top1", "correct_top5")


class Summaries(tf.keras.callbacks.Callback):
    """Writes MODEL_DIR/logs/train and MODEL_DIR/logs/validation.

    `tf.keras.callbacks.TensorBoard` counts steps from 0 at each start, epochs from 0, and reads the
    rate of the next step. Here the axis is the number of updates of the run; a point is the mean of
    its epoch so far.
    """

    def __init__(self, model_dir: str, progress: Progress, steps_per_epoch: int):
        """Adds to the events of `model_dir`."""
        super().__init__()
        self._folder = os.path.join(model_dir, EVENTS)
        self._progress = progress
        self._every = max(_LEAST, steps_per_epoch // _POINTS)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Writes a point of the epoch so far, some ten times an epoch."""
        step = self._step()
        if step % self._every == 0:
            self._write("train", self._with_rate(logs), step)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the epoch's means and its scores."""
        step = self._step()
        training = {k: v for k, v in logs.items() if not k.startswith("val_")}
        if step % self._every:
            self._write("train", self._with_rate(training), step)
        self._write(
            "train", {"epoch": epoch + 1, "epoch_seconds": self._progress.times.seconds}, step
        )
        if "val_images" in logs:
            scores = validation_scores(logs)
            shares = {name: value for name, value in scores.items() if name not in _COUNTS}
            self._write("validation", shares, step)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _with_rate(self, logs: dict) -> dict:
        rate = self._progress.images_per_second
        return logs if rate is None else {**logs, "images_per_second": rate}

    def _write(self, name: str, values: dict, step: int) -> None:
        """Writes values at once: a run may be killed at any time."""
        if name not in self._writers:
            self._writers[name] = tf.summary.create_file_writer(os.path.join(self._folder, name))
        with self._writers[name].as_default():
            for tag, value in values.items():
                tf.summary.scalar(tag, value, step=step)
        self._writers[name].flush()

    def _step(self) -> int:
        """Returns the updates done."""
        return int(self.model.optimizer.iterations.numpy())
