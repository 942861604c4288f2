"""Ends a training whose loss is no number any more."""

import math

import tensorflow as tf

from official.run.errors import RunError
from official.run.recipe import RecipeConfig


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Ends the run with an error when the loss is no number any more."""

    def __init__(self, recipe: RecipeConfig):
        """Gives advice for that recipe."""
        super().__init__()
        self._recipe = recipe

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Raises RunError if the mean loss of the epoch is infinite or not a number."""
        if not math.isfinite(logs["loss"]):
            step = int(self.model.optimizer.iterations.numpy())
            in_fp16 = ", or --loss_scale=dynamic, or --dtype=bf16"
            raise RunError(
                f"the loss is {logs['loss']} after step {step}; training cannot recover. Try a "
                "lower --base_learning_rate or a longer --lr_warmup_epochs"
                f"{in_fp16 if self._recipe.dtype == 'fp16' else ''}; the checkpoints in MODEL_DIR "
                "are from before."
            )
