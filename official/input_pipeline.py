"""From TFRecord shards to batches: the place where `datasets` and `preprocessing` meet.

Training is an endless stream in which everything random is a function of (seed, epoch, index of
the record), so that one seed feeds the same pixels with any number of threads, and a run that
stopped after k steps goes on with the pictures of step k + 1.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import preprocessing
from datasets import reader, schema
from official.configuration import DataConfig, RecipeConfig, RunConfig

Prepare = Callable[[tf.Tensor, preprocessing.PreprocessingConfig], Any]


def training_dataset(
    config: RunConfig, split: reader.Split, start_step: int = 0
) -> tf.data.Dataset:
    """Returns the endless training data from the batch of step `start_step` on.

    Args:
      config: the run.
      split: the training shards.
      start_step: updates already done.

    Returns:
      Elements `(images, targets)`: images float32 [B, S, S, 3] (with `mixup_on_device` all that are
      decoded, for `preprocessing.mix`: uint8 with AutoAugment or RandAugment); targets a dict of
      `labels` float32 [B, C] (one-hot, or mixed) and, with distillation, `teacher` float32 [B, C]
      (softmax of the teacher's logits at the temperature).
    """
    recipe = config.recipe
    per_step = recipe.batch_size * recipe.mixing.pictures_per_result
    records = reader.training_stream(
        split,
        seed=recipe.seed,
        shuffle_buffer=config.data.shuffle_buffer,
        start_example=start_step * per_step,
    )
    examples = records.map(
        lambda record: _training_example(record, config),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    batches = examples.batch(per_step, drop_remainder=True)
    if recipe.mixing.active and not recipe.mixup_on_device:
        steps = tf.data.Dataset.range(start_step, tf.int64.max)
        batches = tf.data.Dataset.zip((steps, batches)).map(
            lambda step, batch: _mix(step, batch, recipe), num_parallel_calls=2, deterministic=True
        )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(_options(config.data))


def evaluation_dataset(
    config: RunConfig, split: reader.Split, prepare: Prepare = preprocessing.eval_image
) -> tf.data.Dataset:
    """Returns every record of `split` once, in order, the last batch as small as it comes.

    Args:
      config: the run.
      split: the shards that are scored.
      prepare: what makes the network's input of encoded pictures, see `official.views`.

    Returns:
      Elements `(images, labels)`: float32 [n, S, S, 3] and int64 [n].
    """
    return (
        reader.read_records(split)
        .map(
            lambda record: _evaluation_example(record, config, prepare),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .batch(config.data.val_batch_size)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options(config.data))
    )


def encoded_dataset(config: RunConfig, split: reader.Split, batch_size: int) -> tf.data.Dataset:
    """Returns the pictures as they lie in the records: `(bytes string [n], labels int64 [n])`."""

    def parse(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        example = schema.parse_example(record["serialized"])
        return example["encoded"], example["label"]

    return reader.read_records(split).map(parse).batch(batch_size).prefetch(1)


def _training_example(
    record: dict[str, tf.Tensor], config: RunConfig
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Returns the augmented picture and its targets."""
    recipe, classes = config.recipe, config.data.num_classes
    example = schema.parse_example(
        record["serialized"], num_logits=classes if recipe.kd_temp > 0 else 0
    )
    seed = preprocessing.example_seed(recipe.seed, record["epoch"], record["index"])
    # What is mixed later may be bytes until then, which is a quarter of the memory.
    prepare = preprocessing.train_pixels if recipe.mixing.active else preprocessing.train_image
    image = prepare(example["encoded"], example["bbox"], seed, config.preprocessing)
    targets = {"labels": tf.one_hot(_checked_label(example, classes), classes)}
    if recipe.kd_temp > 0:
        targets["teacher"] = tf.nn.softmax(example["logits"] / recipe.kd_temp)
    return image, targets


def _evaluation_example(
    record: dict[str, tf.Tensor], config: RunConfig, prepare: Prepare
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the resized and cropped picture and its label."""
    example = schema.parse_example(record["serialized"])
    image = prepare(example["encoded"], config.preprocessing)
    return image, _checked_label(example, config.data.num_classes)


def _checked_label(example: dict[str, tf.Tensor], num_classes: int) -> tf.Tensor:
    """Returns the label; reading stops with a message of its own where it is out of range."""
    return schema.assert_label_in_range(example["label"], num_classes, example["filename"])


def _mix(
    step: tf.Tensor, batch: tuple[tf.Tensor, dict[str, tf.Tensor]], recipe: RecipeConfig
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Applies mixup or CutMix; its random numbers depend on the seed and the step alone."""
    images, targets = batch
    seed = preprocessing.step_seed(recipe.seed, step)
    images, labels, teacher = preprocessing.mix(
        images, targets["labels"], targets.get("teacher"), seed, recipe.mixing, one_by_one=True
    )
    result = {"labels": labels}
    if teacher is not None:
        result["teacher"] = teacher
    return preprocessing.to_input(images), result


def _options(data: DataConfig) -> tf.data.Options:
    """Returns options that keep order and let one process feed all its devices."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    if data.private_threads:
        options.threading.private_threadpool_size = data.private_threads
    return options
