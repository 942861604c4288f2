"""What evaluations of a run left in MODEL_DIR, and how sure their shares are."""

import math
import os

import tensorflow as tf

from official.run import files
from official.run.folder import EVALUATION_FILE, EVALUATION_LOG

# Normal deviate of a two-sided interval of 95 %.
_DEVIATE = 1.959964


def last(model_dir: str) -> dict | None:
    """Returns what `python -m official.evaluate` wrote last; None if it never did."""
    path = os.path.join(model_dir, EVALUATION_FILE)
    return files.read_json(path) if tf.io.gfile.exists(path) else None


def last_of(model_dir: str, checkpoint: str) -> dict | None:
    """Returns the last evaluation of a checkpoint, by its name; None if there was none."""
    for line in reversed(files.read_json_lines(os.path.join(model_dir, EVALUATION_LOG))):
        # Lines of the training name no checkpoint.
        if line.get("checkpoint") == checkpoint:
            return line
    return None


def interval(right: int, images: int) -> tuple[float, float] | None:
    """Returns the 95 % interval of a share, in 0 to 1 (Wilson, 1927); None of no images.

    It is what other images of the same kind would give, not what another training would.
    """
    if not images:
        return None
    share, square = right / images, _DEVIATE**2 / images
    centre = share + square / 2
    reach = _DEVIATE * math.sqrt(share * (1 - share) / images + square / (4 * images))
    return max(0.0, (centre - reach) / (1 + square)), min(1.0, (centre + reach) / (1 + square))
