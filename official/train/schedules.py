"""Learning rate and DropBlock keep probability as functions of the step.

Everything here is plain tensor arithmetic on the step, so that it runs inside the training
function. Facts of the original that differ from habit: exponential, polynomial and cosine decay
count from the end of the warm-up, piecewise boundaries do not; `fixed` warms up too.
"""

import dataclasses

import tensorflow as tf

from nets import ModelConfig
from official.run.recipe import RecipeConfig, dataclass_from


class LearningRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of the paper (section 3.3, appendix A) and of the original's other recipes."""

    def __init__(self, recipe: RecipeConfig, steps_per_epoch: float):
        """Takes the recipe, and images / batch size, not rounded: whole numbers of steps are."""
        super().__init__()
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate, float32 scalar, of the update that follows `step` updates."""
        warmup_steps = self._steps(self.recipe.lr_warmup_epochs)
        step = tf.cast(step, tf.float32)
        rate = self._decayed(step, warmup_steps)
        if warmup_steps == 0:
            return rate
        warming = self.recipe.base_learning_rate * step / warmup_steps
        return tf.where(step < warmup_steps, warming, rate)

    def _steps(self, epochs: float) -> int:
        """Returns the steps of that many epochs, rounded down as a whole."""
        return int(self.steps_per_epoch * epochs)

    def _decayed(self, step: tf.Tensor, warmup_steps: int) -> tf.Tensor:
        """Returns the rate without its warm-up."""
        recipe, decay = self.recipe, self.recipe.learning_rate_decay_type
        base = tf.constant(recipe.base_learning_rate, tf.float32)
        decay_steps = max(1, self._steps(recipe.num_epochs_per_decay))
        since_warmup = step - warmup_steps
        if decay == "fixed":
            return base
        if decay == "exponential":
            passed = tf.floor(since_warmup / decay_steps)
            return base * tf.pow(recipe.learning_rate_decay_factor, passed)
        if decay == "polynomial":
            progress = tf.clip_by_value(since_warmup / decay_steps, 0.0, 1.0)
            return (base - recipe.end_learning_rate) * (1.0 - progress) + recipe.end_learning_rate
        if decay == "piecewise":
            rates = base * tf.constant(recipe.piecewise_lr_decay_rates, tf.float32)
            boundaries = [self._steps(epoch) for epoch in recipe.piecewise_lr_boundary_epochs]
            passed = tf.reduce_sum(tf.cast(step > tf.constant(boundaries, tf.float32), tf.int32))
            return tf.gather(rates, passed)
        total = max(1, self._steps(recipe.train_epochs) - warmup_steps)
        progress = tf.clip_by_value(since_warmup / total, 0.0, 1.0)
        return base * 0.5 * (1.0 + tf.cos(3.14159265358979 * progress))

    def get_config(self) -> dict:
        """Returns what `from_config` needs."""
        recipe = dataclasses.asdict(self.recipe)
        return {"recipe": recipe, "steps_per_epoch": self.steps_per_epoch}

    @classmethod
    def from_config(cls, config: dict) -> "LearningRate":
        """Makes the schedule that `get_config` describes."""
        return cls(dataclass_from(RecipeConfig, config["recipe"]), config["steps_per_epoch"])


def keep_probability(step: tf.Tensor, first: float, last: float, total_steps: int) -> tf.Tensor:
    """Returns DropBlock's keep probability after `step` updates, float32 scalar.

    Linear from `first` to `last`, its value from `total_steps` on. Paper, section 3.2 (after
    Ghiasi et al., 1810.12890).
    """
    progress = tf.minimum(tf.cast(step, tf.float32) / float(max(1, total_steps)), 1.0)
    return (first - last) * (1.0 - progress) + last


def fitting_bn_momentum(total_steps: int) -> float:
    """Returns batch norm's momentum for a training of so many updates, 0.9 to the paper's 0.997.

    With m = 1 - 10 / steps the values that the moving statistics start with have lost their weight,
    m^steps < 5e-5, when the training ends. From 3,334 steps on it is 0.997.
    """
    paper = ModelConfig.bn_momentum
    return round(min(paper, max(0.9, 1.0 - 10.0 / max(1, total_steps))), 4)


def share_of_start(bn_momentum: float, total_steps: int) -> float:
    """Returns the weight that batch norm's first statistics still have in the last ones, 0 to 1."""
    return bn_momentum**total_steps
