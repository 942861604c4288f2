"""Keeps checkpoints beyond the newest ones: the best by validation, or each that was scored.

The folders and the list are the original's: MODEL_DIR/best with `best_checkpoints` (name -> top-1)
and MODEL_DIR/periodical.
"""

import os

import tensorflow as tf

from official.run import checkpoint_files, checkpoints, files
from official.run.folder import BEST, BEST_LIST, CHECKPOINT_NAME, PERIODICAL


class KeptCheckpoints(tf.keras.callbacks.Callback):
    """After each evaluation puts the checkpoint aside if it is among the best, or always."""

    def __init__(self, model_dir: str, num_best: int, keep_all: bool):
        """Keeps the `num_best` best; all if `keep_all`. At an epoch's end one must be saved."""
        super().__init__()
        self._model_dir = model_dir
        self._num_best = num_best
        self._keep_all = keep_all

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at the score, if the epoch was evaluated."""
        logs = logs or {}
        if "val_images" not in logs:
            return
        name = f"{CHECKPOINT_NAME}-{int(self.model.optimizer.iterations.numpy())}"
        score = float(logs["val_correct_top1"]) / max(1.0, float(logs["val_images"]))
        if self._keep_all:
            put_aside(self._model_dir, name, PERIODICAL)
        if self._num_best:
            keep_best(self._model_dir, name, score, self._num_best)


def keep_best(model_dir: str, name: str, score: float, count: int) -> None:
    """Takes the checkpoint `name` into MODEL_DIR/best if its top-1 is among the best `count`.

    Of equal scores the earlier one stays. One that drops out is deleted after the new one is in.
    """
    folder = os.path.join(model_dir, BEST)
    listed = os.path.join(folder, BEST_LIST)
    known = files.read_json(listed) if tf.io.gfile.exists(listed) else {}
    known.pop(name, None)  # A resumed run scores the same step again.
    ranking = sorted({**known, name: score}.items(), key=lambda item: -item[1])
    kept = dict(ranking[:count])
    if name in kept:
        put_aside(model_dir, name, BEST)
    files.write_json(listed, kept)
    for dropped, _ in ranking[count:]:
        checkpoint_files.remove(os.path.join(folder, dropped))


def put_aside(model_dir: str, name: str, place: str) -> None:
    """Copies a checkpoint into a folder of MODEL_DIR, as a link where the disk can do that."""
    checkpoint_files.copy(os.path.join(model_dir, name), os.path.join(model_dir, place))


def describe(model_dir: str) -> str:
    """Returns a line about the best checkpoint of a run; "" where none was kept."""
    scores = checkpoints.scores(model_dir)
    if not scores:
        return ""
    # The list is in the order of the scores.
    name, score = next(iter(scores.items()))
    return (
        f"best in validation: {os.path.join(model_dir, BEST, name)}, top-1 {100 * score:.2f} %; "
        "evaluate, export and report take it with --checkpoint=best"
    )
