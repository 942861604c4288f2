"""Learning rate and DropBlock keep probability as functions of the step.

Everything here is plain tensor arithmetic on the step, so that it runs inside the training
function. Facts of the original that differ from habit: exponential, polynomial and cosine decay
count from the end of the warm-up, piecewise boundaries do not; `fixed` warms up too.

One-cycle (Smith and Topin, 1708.07120) has the two cosine phases of fastai and PyTorch.
"""

import dataclasses
import math

import tensorflow as tf

from nets import ModelConfig
from official.run.recipe import RecipeConfig, dataclass_from


class LearningRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of the paper (section 3.3, appendix A) and of the original's other recipes."""

    def __init__(
        self, recipe: RecipeConfig, steps_per_epoch: float, plateau: tf.Variable | None = None
    ):
        """Takes the recipe, and images / batch size, not rounded: whole numbers of steps are.

        `plateau`, float32 [], is what the rate of that schedule is multiplied by; None: 1.
        """
        super().__init__()
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self._plateau = plateau

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate, float32 scalar, of the update that follows `step` updates."""
        warmup_steps = self.warmup_steps
        step = tf.cast(step, tf.float32)
        rate = self._decayed(step, warmup_steps)
        if warmup_steps == 0:
            return rate
        warming = self.recipe.peak_rate * step / warmup_steps
        return tf.where(step < warmup_steps, warming, rate)

    @property
    def total_steps(self) -> int:
        """Updates of the whole training."""
        return self._steps(self.recipe.train_epochs)

    @property
    def warmup_steps(self) -> int:
        """Updates of the warm-up."""
        recipe = self.recipe
        share = int(recipe.lr_warmup_fraction * self.total_steps)
        return recipe.lr_warmup_steps or share or self._steps(recipe.lr_warmup_epochs)

    def _steps(self, epochs: float) -> int:
        """Returns the steps of that many epochs, rounded down as a whole."""
        return int(self.steps_per_epoch * epochs)

    def _decayed(self, step: tf.Tensor, warmup_steps: int) -> tf.Tensor:
        """Returns the rate without its warm-up."""
        recipe, decay = self.recipe, self.recipe.learning_rate_decay_type
        base = tf.constant(recipe.peak_rate, tf.float32)
        decay_steps = max(1, self._steps(recipe.num_epochs_per_decay))
        since_warmup = step - warmup_steps
        if decay == "fixed":
            return base
        if decay == "plateau":
            return base if self._plateau is None else base * self._plateau
        if decay == "one_cycle":
            first = recipe.peak_rate / recipe.one_cycle_div_factor
            last = first / recipe.one_cycle_final_div_factor
            start = recipe.one_cycle_pct_start
            return one_cycle(step, self.total_steps, start, first, recipe.peak_rate, last)
        if decay == "exponential":
            passed = tf.floor(since_warmup / decay_steps)
            return base * tf.pow(recipe.learning_rate_decay_factor, passed)
        if decay == "polynomial":
            progress = tf.clip_by_value(since_warmup / decay_steps, 0.0, 1.0)
            return (base - recipe.end_learning_rate) * (1.0 - progress) + recipe.end_learning_rate
        if decay == "piecewise":
            rates = base * tf.constant(recipe.piecewise_lr_decay_rates, tf.float32)
            boundaries = [self._steps(epoch) for epoch in recipe.piecewise_lr_boundary_epochs]
            beyond = step[..., tf.newaxis] > tf.constant(boundaries, tf.float32)
            passed = tf.reduce_sum(tf.cast(beyond, tf.int32), axis=-1)
            return tf.gather(rates, passed)
        total = max(1, self.total_steps - warmup_steps)
        return _on_cosine(base, 0.0, since_warmup / total)

    def get_config(self) -> dict:
        """Returns what `from_config` needs."""
        recipe = dataclasses.asdict(self.recipe)
        return {"recipe": recipe, "steps_per_epoch": self.steps_per_epoch}

    @classmethod
    def from_config(cls, config: dict) -> "LearningRate":
        """Makes the schedule that `get_config` describes."""
        return cls(dataclass_from(RecipeConfig, config["recipe"]), config["steps_per_epoch"])


def one_cycle(
    step: tf.Tensor, total_steps: int, start: float, first: float, top: float, last: float
) -> tf.Tensor:
    """Returns a value that goes from `first` to `top` and then to `last`, float32 scalar.

    Half a cosine leads to `top` in the share `start` of all steps, another one to `last`, which the
    update after `total_steps` - 1 others has, as in PyTorch's OneCycleLR.
    """
    step = tf.cast(step, tf.float32)
    turn, end = start * total_steps - 1.0, total_steps - 1.0
    rising = _on_cosine(first, top, step / max(turn, 1e-6))
    falling = _on_cosine(top, last, (step - turn) / max(end - turn, 1e-6))
    return tf.where(step <= turn, rising, falling)


def momentum(step: tf.Tensor, recipe: RecipeConfig, total_steps: int) -> tf.Tensor:
    """Returns the momentum of the update after `step` others, float32 scalar.

    It moves with one-cycle, against the rate (1803.09820, section 4.3).
    """
    if not recipe.cycles_momentum:
        return tf.constant(recipe.momentum, tf.float32)
    high, low = recipe.one_cycle_momentum
    return one_cycle(step, total_steps, recipe.one_cycle_pct_start, high, low, high)


def _on_cosine(first: float | tf.Tensor, last: float | tf.Tensor, progress: tf.Tensor) -> tf.Tensor:
    """Returns a point between two values on half a cosine; `progress` from 0 to 1."""
    progress = tf.clip_by_value(progress, 0.0, 1.0)
    share = 0.5 * (1.0 + tf.cos(math.pi * progress))
    return first * share + last * (1.0 - share)


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


def epoch_bn_momentum(steps_per_epoch: int) -> float:
    """Returns batch norm's momentum for epochs of so many updates: 1 - 10 / steps, at least 0.9.

    After an epoch nothing is left of the statistics before it (exp(-10)).
    """
    return max(0.9, 1.0 - 10.0 / max(1, steps_per_epoch))


def share_of_start(bn_momentum: float, total_steps: int) -> float:
    """Returns the weight that batch norm's first statistics still have in the last ones, 0 to 1."""
    return bn_momentum**total_steps
