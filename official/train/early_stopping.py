"""Ends a training that gets no better.

What decides is training.jsonl, so that a run that goes on after a break decides as one that was
left alone, and a run that ended so stays ended.
"""

import math
import os
from collections.abc import Collection

import tensorflow as tf

from official.run import files
from official.run.errors import RunError
from official.run.folder import TRAINING_LOG
from official.run.options import RunOptions

_TRAINING = "train/"
_HIGHER_IS_BETTER = ("top1", "top5")


class EarlyStopping(tf.keras.callbacks.Callback):
    """Ends `fit` after an epoch where `reason` gives one. Must come behind `records.Records`."""

    def __init__(self, options: RunOptions):
        """Looks at the folder of these options, with their metric and patience."""
        super().__init__()
        self._options = options

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at what has been written down."""
        if reason(self._options):
            self.model.stop_training = True


def require(flag: str, metric: str, sums: Collection[str]) -> None:
    """Raises RunError if the metric is one of the training that it does not have in `sums`."""
    name = metric.removeprefix(_TRAINING)
    if name != metric and name not in sums:
        raise RunError(
            f"--{flag}={metric}: this training has no such number (with mixup or "
            "CutMix no label is right, and cross_entropy_kd is of distillation). top1 is the "
            "validation's."
        )


def reason(options: RunOptions) -> str:
    """Returns why a run has ended before its last epoch, a sentence; "" if it has not.

    It has when its last top-1 is at least `stop_threshold`, or when its last
    `early_stopping_patience` scores are not better than the best before them.
    Equal is not better, and what is not finite is worse than anything.
    """
    metric, patience = options.early_stopping_metric, options.early_stopping_patience
    threshold = options.stop_threshold
    scored = scored_epochs(options.model_dir)
    if threshold is not None and scored and value_of(scored[-1], "top1") >= threshold:
        return (
            f"stopped after epoch {scored[-1]['epoch']}: top-1 has reached --stop_threshold="
            f"{threshold:g}. A higher one goes on"
        )
    if not patience or len(scored) <= patience:
        return ""
    values = [value_of(line, metric) for line in scored]
    ranks = [goodness(value, metric) for value in values]
    best = ranks.index(max(ranks))
    if len(scored) - 1 - best < patience:
        return ""
    return (
        f"stopped early after epoch {scored[-1]['epoch']}: {metric} has been no better for "
        f"{len(scored) - 1 - best} evaluations than {values[best]:.4g} in epoch "
        f"{scored[best]['epoch']}. The newest checkpoint is that of the last epoch; "
        "--early_stopping_patience=0 goes on"
    )


def scored_epochs(model_dir: str) -> list[dict]:
    """Returns the lines of training.jsonl that have scores of the validation, one for an epoch."""
    lines = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
    # One that --max_train_steps cut short, and that went on, has two lines.
    return list({line["epoch"]: line for line in lines if "validation" in line}.values())


def value_of(line: dict, metric: str) -> float:
    """Returns the metric of an epoch; NaN where the log has null."""
    name = metric.removeprefix(_TRAINING)
    value = line[name] if name != metric else line["validation"][name]
    return math.nan if value is None else float(value)


def goodness(value: float, metric: str) -> float:
    """Returns a number that is larger for what is better."""
    if not math.isfinite(value):
        return -math.inf
    return value if metric.removeprefix(_TRAINING) in _HIGHER_IS_BETTER else -value
