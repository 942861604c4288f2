"""Ends a training whose numbers are not finite any more, and says which of them came first."""

import math
import os

import numpy as np
import tensorflow as tf

from official.run.checkpoints import newest
from official.run.errors import RunError
from official.run.recipe import RecipeConfig


class StopOnNotFinite(tf.keras.callbacks.Callback):
    """Ends the run with RunError once loss, gradient or weights are not finite.

    The training step looks at all of them and makes the loss NaN, so that nothing is computed here
    unless there is something to tell. Must come before whatever saves.
    """

    def __init__(self, recipe: RecipeConfig, model_dir: str):
        """Gives advice for that recipe, and names the checkpoint of that folder."""
        super().__init__()
        self._recipe = recipe
        self._model_dir = model_dir

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the loss."""
        if math.isfinite(logs["loss"]):
            return
        step = int(self.model.optimizer.iterations.numpy())
        saved = newest(self._model_dir)
        good = f"the last good one is {os.path.basename(saved)}" if saved else "there is none yet"
        raise RunError(
            f"{self._what(logs)} in step {step}, at the rate {float(logs['learning_rate']):.4g}; "
            f"training cannot recover. {self._advice(logs)} No checkpoint of this step was "
            f"written; {good}."
        )

    def _bad_terms(self, logs: dict) -> list[str]:
        """Returns the terms of the loss that are not finite, with their values."""
        names = ("cross_entropy", "cross_entropy_kd", "l2_loss")
        return [
            f"{name} {float(logs[name])}"
            for name in names
            if name in logs and not math.isfinite(logs[name])
        ]

    def _what(self, logs: dict) -> str:
        """Says what is not finite."""
        terms = self._bad_terms(logs)
        if terms:
            return f"the loss is not finite ({', '.join(terms)})"
        if _finite(self.model.network.trainable_variables):
            return "the gradient is not finite, even at a loss scale of 1,"
        slots = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer).accumulators
        if not _finite(slots):
            return "the loss is finite, but not its gradient,"
        return "loss and gradient are finite, but not the weights"

    def _advice(self, logs: dict) -> str:
        """Says what may help."""
        calmer = "Try a lower --base_learning_rate or a longer --lr_warmup_epochs."
        if self._recipe.dtype != "fp16":
            return calmer
        if self._bad_terms(logs) or self._recipe.scales_loss_dynamically:
            return f"{calmer[:-1]}, or --dtype=bf16."
        scale = self._recipe.loss_scale or "128"
        return (
            f"With fp16 that is most often the loss scale ({scale}) and no divergence: a scaled "
            "gradient lies above 65504. Try --loss_scale=dynamic, a lower --loss_scale or "
            "--dtype=bf16; all of them are for a new --model_dir."
        )


def _finite(variables: list[tf.Variable]) -> bool:
    """Whether all values are finite."""
    return all(np.isfinite(variable.numpy()).all() for variable in variables)
