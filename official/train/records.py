"""What a training writes down: a JSON line per epoch, and one per evaluation."""

import os
from typing import Any

import tensorflow as tf

from official.evaluate.scorer import summarise
from official.run import files
from official.run.folder import EVALUATION_LOG, TRAINING_LOG
from official.train.progress import Progress


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
            scores = summarise(
                {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
            )
            line["validation"] = scores
            files.append_json_line(
                os.path.join(self._model_dir, EVALUATION_LOG),
                {"step": step, "epoch": epoch + 1, **self._describe, **scores},
            )
        files.append_json_line(os.path.join(self._model_dir, TRAINING_LOG), line)


def forget_after(model_dir: str, step: int) -> None:
    """Drops records of epochs that a resumed run will do again, those after `step`."""
    for name in (TRAINING_LOG, EVALUATION_LOG):
        files.forget_after(os.path.join(model_dir, name), step)
