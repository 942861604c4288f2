"""Where batches are mixed, in the training step or in the pipeline, and the mixing itself."""

from collections.abc import Sequence

import tensorflow as tf

import preprocessing
from official.input.examples import Targets
from official.run.recipe import RecipeConfig


def images_per_step(recipe: RecipeConfig) -> int:
    """Returns how many images are decoded for one update: mixup type 1 makes one of two."""
    return recipe.batch_size * recipe.mixing.images_per_result


def mixes_on_device(recipe: RecipeConfig, replicas: int) -> bool:
    """Whether batches are mixed in the training step, which is where `mixup_on_device` wants it.

    Several devices can do so only where no two images of different devices are mixed with each
    other (`preprocessing.mixing_order`); else the pipeline does it.
    """
    if not (recipe.mixing.active and recipe.mixup_on_device):
        return False
    order = preprocessing.mixing_order(images_per_step(recipe), replicas, recipe.mixing)
    return order is not None


def describe(recipe: RecipeConfig, replicas: int) -> str:
    """Returns what is mixed and where, such as `mixup 1 on the device`; "" for nothing."""
    if not recipe.mixing.active:
        return ""
    what = "CutMix" if recipe.cutmix_alpha else f"mixup {recipe.mixup_type}"
    here = mixes_on_device(recipe, replicas)
    return f"{what} {'on the device' if here else 'in the input pipeline'}"


def draw_or_mix(
    batches: tf.data.Dataset,
    recipe: RecipeConfig,
    start_step: int,
    replicas: int,
    channel_means: Sequence[float] = preprocessing.CHANNEL_MEANS,
) -> tf.data.Dataset:
    """Adds the random numbers of mixup or CutMix to each batch, or mixes it at once.

    Takes `(images, targets)` of `images_per_step` examples, from the batch of `start_step` on.
    Where `mixes_on_device`, they get `mixing` in the targets, for `mix_batch`, and the order in
    which each of the `replicas` can mix its part; else they are mixed.
    """
    if not recipe.mixing.active:
        return batches
    on_device = mixes_on_device(recipe, replicas)
    order = preprocessing.mixing_order(images_per_step(recipe), replicas, recipe.mixing)

    def mixed(step: tf.Tensor, batch: tuple[tf.Tensor, Targets]) -> tuple[tf.Tensor, Targets]:
        images, targets = batch
        seed = preprocessing.step_seed(recipe.seed, step)
        count, height, width = images.shape[:3]
        drawn = preprocessing.draw_mixing(seed, count, height, width, recipe.mixing)
        result = images, {**targets, "mixing": drawn}
        if not on_device:
            return mix_batch(*result, recipe, True, channel_means)
        if replicas > 1:
            result = tf.nest.map_structure(lambda rows: tf.gather(rows, order), result)
        return result

    steps = tf.data.Dataset.range(start_step, tf.int64.max)
    return tf.data.Dataset.zip((steps, batches)).map(
        mixed, num_parallel_calls=1 if on_device else 2, deterministic=True
    )


def mix_batch(
    images: tf.Tensor,
    targets: Targets,
    recipe: RecipeConfig,
    one_by_one: bool,
    channel_means: Sequence[float] = preprocessing.CHANNEL_MEANS,
) -> tuple[tf.Tensor, Targets]:
    """Applies mixup or CutMix to a batch, or to one device's part of it.

    Args:
      images: uint8 or float32 [N, S, S, 3]; N is twice the result with mixup type 1.
      targets: see `pipeline.training_dataset`; with `mixing`, which the result has not.
      recipe: what to do.
      one_by_one: image by image, which is faster on a CPU and slower on a GPU.
      channel_means: what is subtracted from bytes.
    """
    rest = dict(targets)
    drawn, labels, teacher = rest.pop("mixing"), rest.pop("labels"), rest.pop("teacher", None)
    images, labels, teacher = preprocessing.mix(
        images, labels, teacher, drawn, recipe.mixing, one_by_one, channel_means
    )
    result = {"labels": labels}
    if teacher is not None:
        result["teacher"] = teacher
    if "bad_records" in rest:
        # Of two batches one is made, so two counts make one, too.
        counts = tf.reshape(rest["bad_records"], [recipe.mixing.images_per_result, -1])
        result["bad_records"] = tf.reduce_sum(counts, axis=0)
    return preprocessing.to_input(images, channel_means), result
