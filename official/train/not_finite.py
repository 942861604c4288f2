"""Ends a training whose numbers are not finite any more, and says which of them came first."""

import math
import os

import numpy as np
import tensorflow as tf

from official.run.checkpoints import newest
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train.objective import TERMS


class StopOnNotFinite(tf.keras.callbacks.Callback):
    """Ends the run with RunError once loss, gradient or weights are not finite.

    The training step computes the sums that show it, so that nothing more is fetched here unless
    there is something to tell. Must come before whatever saves.
    """

    def __init__(self, recipe: RecipeConfig, model_dir: str):
        """Gives advice for that recipe, and names the checkpoint of that folder."""
        super().__init__()
        self._recipe = recipe
        self._model_dir = model_dir
        self._skipped_at_one = False

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at loss and weights."""
        skipped_before, self._skipped_at_one = self._skipped_at_one, self._skips_at_one(logs)
        hopeless = skipped_before and self._skipped_at_one
        if math.isfinite(logs["loss"]) and math.isfinite(logs["weight_norm"]) and not hopeless:
            return
        step = int(self.model.optimizer.iterations.numpy())
        saved = newest(self._model_dir)
        good = f"the last good one is {os.path.basename(saved)}" if saved else "there is none yet"
        raise RunError(
            f"{self._what(logs)} in step {step}, at the rate {float(logs['learning_rate']):.4g}; "
            f"training cannot recover. {self._advice(logs)} No checkpoint of this step was "
            f"written; {good}."
        )

    def _skips_at_one(self, logs: dict) -> bool:
        """Whether the step was skipped and leaves a dynamic loss scale as low as it can be."""
        if logs.get("loss_scale", 2.0) > 1.0 or not logs["skipped_steps"]:
            return False
        return int(self.model.optimizer.dynamic_counter.numpy()) == 0

    def _bad_terms(self, logs: dict) -> list[str]:
        """Returns the terms of the loss that are not finite, with their values."""
        return [
            f"{name} {float(logs[name])}"
            for name in TERMS
            if name in logs and not math.isfinite(logs[name])
        ]

    def _what(self, logs: dict) -> str:
        """Says what is not finite."""
        terms = self._bad_terms(logs)
        if terms:
            return f"the loss is not finite ({', '.join(terms)})"
        if self._skipped_at_one:
            return "the gradient is not finite, even at a loss scale of 1,"
        largest = _largest(self.model.network.trainable_variables)
        if math.isfinite(largest):
            return f"the weights have grown to {largest:.1e}, of which no square can be taken,"
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        slots = [slot for slot in optimizer.variables if slot.dtype.is_floating]
        if not math.isfinite(_largest(slots)):
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


def _largest(variables: list[tf.Variable]) -> float:
    """Returns the largest magnitude of all values; not finite if one is not."""
    # Unlike Python's max, NumPy's lets NaN through.
    return float(np.max([np.abs(variable.numpy()).max() for variable in variables]))
