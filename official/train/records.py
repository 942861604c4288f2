"""What a training writes down: a JSON line per epoch, and one per evaluation."""

import math
import os
from typing import Any

import tensorflow as tf

from official.evaluate.scorer import validation_scores
from official.run import files
from official.run.folder import EVALUATION_LOG, TRAINING_LOG
from official.train.progress import Progress


class Records(tf.keras.callbacks.Callback):
    """One JSON line per epoch in training.jsonl and one per evaluation in evaluations.jsonl.

    Must come behind all that is done at the end of an epoch: the line in training.jsonl says that
    it was (`ended`).
    """

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
        rate = self._progress.images_per_second
        line["images_per_second"] = None if rate is None else round(rate, 2)
        line["seconds"] = round(self._progress.times.seconds, 2)
        line["time"] = files.now()
        if "val_images" in logs:
            scores = _finite_only(validation_scores(logs))
            line["validation"] = scores
            files.append_json_line(
                os.path.join(self._model_dir, EVALUATION_LOG),
                {
                    "step": step,
                    "epoch": epoch + 1,
                    **self._describe,
                    **scores,
                    "time": line["time"],
                },
            )
        files.append_json_line(os.path.join(self._model_dir, TRAINING_LOG), line)


def _finite_only(scores: dict[str, float]) -> dict[str, float | None]:
    """Returns None, which is JSON, in place of infinity and of what is no number."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def forget_after(model_dir: str, step: int) -> None:
    """Drops records of what a resumed run will do again.

    Those are epochs that end after `step`, and the evaluation at `step` if the end of its epoch was
    not written down.
    """
    lines = files.forget_after(os.path.join(model_dir, TRAINING_LOG), step)
    until = step if any(line["step"] == step for line in lines) else step - 1
    files.forget_after(os.path.join(model_dir, EVALUATION_LOG), until)


def ended(model_dir: str, step: int) -> bool:
    """Whether all that belongs to the end of an epoch at `step` was done; see `Records`."""
    lines = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
    return any(line["step"] == step for line in lines)
