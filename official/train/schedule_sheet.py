"""The schedules of a recipe without a training: numbers, and curves over the updates."""

import io

import numpy as np
import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train import schedules

# Lines of the table, and points of a curve.
_LINES, _POINTS = 24, 1000
_TITLES = {
    "rate": "learning rate",
    "momentum": "momentum",
    "keep_probability": "DropBlock's keep probability",
}


def values(recipe: RecipeConfig, num_images: int, steps: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what the schedules say of the updates that follow so many others.

    Args:
      recipe: what is shown of it is what moves, and the rate.
      num_images: of the training.
      steps: int64 [n].

    Returns:
      `rate`, and where they move `momentum` and `keep_probability`: float32 [n].
    """
    total = recipe.total_steps(num_images)
    functions = {"rate": schedules.LearningRate(recipe, num_images / recipe.batch_size)}
    if recipe.cycles_momentum:
        functions["momentum"] = lambda step: schedules.momentum(step, recipe, total)
    if recipe.use_dropblock:
        first, last = recipe.dropblock_kp
        functions["keep_probability"] = lambda step: schedules.keep_probability(
            step, first, last, total
        )
    every = tf.constant(steps, tf.int64)
    # A rate that is fixed is one number.
    return {
        name: np.broadcast_to(function(every).numpy(), steps.shape)
        for name, function in functions.items()
    }


def text(recipe: RecipeConfig, num_images: int) -> str:
    """Returns a table of the schedules, and what it rests on."""
    per_epoch, total = num_images / recipe.batch_size, recipe.total_steps(num_images)
    rate = schedules.LearningRate(recipe, per_epoch)
    steps = _chosen(rate)
    found = values(recipe, num_images, steps)
    heads = ["step", "epoch", *found]
    rows = [
        [str(step), f"{step / per_epoch:.2f}", *(f"{column[n]:.6g}" for column in found.values())]
        for n, step in enumerate(steps)
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    about = (
        f"{num_images} images, batch {recipe.batch_size}: {per_epoch:.2f} steps in an epoch, "
        f"{total} in {recipe.train_epochs} epochs, {rate.warmup_steps} of them warm-up"
    )
    return "\n".join([about, *lines, *_remarks(recipe)])


def picture(recipe: RecipeConfig, num_images: int) -> bytes:
    """Returns the curves as PNG."""
    from matplotlib.figure import Figure

    total = max(1, recipe.total_steps(num_images))
    steps = np.unique(np.linspace(0, total - 1, min(_POINTS, total)).astype(np.int64))
    found = values(recipe, num_images, steps)
    figure = Figure(figsize=(8, 1 + 2.6 * len(found)), layout="constrained")
    axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
    for axis, (name, column) in zip(axes, found.items(), strict=True):
        axis.plot(steps * recipe.batch_size / num_images, column)
        axis.set_title(_TITLES[name])
        axis.grid(alpha=0.3)
        axis.set_xlim(0, max(recipe.train_epochs, 1e-9))
        if name == "rate":
            axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("epoch")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _chosen(rate: schedules.LearningRate) -> np.ndarray:
    """Returns the steps that the table shows: evenly spread, both ends, the end of the warm-up."""
    last = max(0, rate.total_steps - 1)
    even = np.linspace(0, last, min(_LINES, last + 1)).astype(np.int64)
    return np.unique([*even, min(rate.warmup_steps, last)])


def _remarks(recipe: RecipeConfig) -> list[str]:
    """Returns what the numbers do not show."""
    remarks = []
    if recipe.learning_rate_decay_type == "plateau":
        remarks.append(
            f"plateau: times {recipe.plateau_factor:g} whenever {recipe.plateau_metric} has been "
            f"no better for {recipe.plateau_patience} evaluations, which only a training shows"
        )
    if recipe.layer_rates:
        groups = ", ".join(f"{k} {recipe.peak_rate * v:g}" for k, v in recipe.layer_factors.items())
        remarks.append(f"highest rates of groups: {groups}; of the others {recipe.peak_rate:g}")
    return remarks
