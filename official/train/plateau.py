"""Lowers the rate where a score gets no better (`learning_rate_decay_type=plateau`).

As with early stopping training.jsonl decides, so that a run that goes on after a break decides as
one that was left alone. What the rate is multiplied by is a part of the checkpoint.
"""

import sys

import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train.early_stopping import goodness, scored_epochs, value_of


class Plateau(tf.keras.callbacks.Callback):
    """Sets the factor of the rate after each evaluation. Must come behind `records.Records`."""

    def __init__(self, factor: tf.Variable, recipe: RecipeConfig, model_dir: str):
        """Sets `factor`, float32 [], to what the evaluations so far in `model_dir` say."""
        super().__init__()
        self._factor = factor
        self._recipe = recipe
        self._model_dir = model_dir

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Looks at evaluations whose end the checkpoint does not know."""
        self._set()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at what has been written down."""
        before = float(self._factor.numpy())
        self._set()
        after = float(self._factor.numpy())
        if after < before:
            rate = self._recipe.peak_rate * after
            print(
                f"epoch {epoch + 1}: {self._recipe.plateau_metric} has been no better for "
                f"{self._recipe.plateau_patience} evaluations; the rate is {rate:.4g} from here on",
                file=sys.stderr,
            )

    def _set(self) -> None:
        lines = scored_epochs(self._model_dir)
        if lines:
            metric = self._recipe.plateau_metric
            values = [goodness(value_of(line, metric), metric) for line in lines]
            self._factor.assign(factor(values, self._recipe))


def factor(values: list[float], recipe: RecipeConfig) -> float:
    """Returns what the rate is multiplied by after evaluations of these values; higher is better.

    Each time that `plateau_patience` values in a row are not better than the best before them it is
    multiplied by `plateau_factor`, and the count starts anew. Equal is not better.
    """
    found, best, waited = 1.0, None, 0
    for value in values:
        waited += 1
        if best is None or value > best:
            best, waited = value, 0
        if waited == recipe.plateau_patience:
            found, waited = found * recipe.plateau_factor, 0
    return found
