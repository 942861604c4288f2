"""From TFRecord shards to batches: the place where `datasets` and `preprocessing` meet.

Training is an endless stream in which everything random is a function of (seed, epoch, index of
the record), so that one seed feeds the same pixels with any number of threads, and a run that
stopped after k steps goes on with the pictures of step k + 1. docs/input_pipeline.md has the
reasons and the measurements.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import preprocessing
from datasets.records import reader, schema, skipping
from official.command import program
from official.input import data_service
from official.run.configuration import DataConfig, RecipeConfig, RunConfig

Prepare = Callable[[tf.Tensor, preprocessing.PreprocessingConfig], Any]


def training_dataset(
    config: RunConfig,
    split: reader.Split,
    start_step: int = 0,
    skipped: int = 0,
    replicas: int = 1,
) -> tf.data.Dataset:
    """Returns the endless training data from the batch of step `start_step` on.

    Args:
      config: the run.
      split: the training shards.
      start_step: updates already done.
      skipped: bad records that were left out before it, the sum of `bad_records` over the batches.
      replicas: devices that share a batch.

    Returns:
      Elements `(images, targets)`: images float32 [B, S, S, 3]; targets a dict of
      `labels` float32 [B, C] (one-hot, or mixed), with distillation `teacher` float32 [B, C]
      (softmax of the teacher's logits at the temperature), and with `on_bad_record` at `skip` also
      `bad_records` int64 [B], how many were left out just before the example. Where
      `mixes_on_device`, a batch for `mix_batch`: all that was decoded, images uint8 with
      AutoAugment or RandAugment, and in targets `mixing`, the random numbers.
    """
    recipe, data = config.recipe, config.data
    per_step = pictures_per_step(recipe)
    start = start_step * per_step + skipped
    if data.data_service:
        batches = data_service.distribute(served_batches(config, split, start), data.data_service)
        batches = batches.rebatch(per_step, drop_remainder=True)
    else:
        records = reader.training_stream(
            split,
            seed=recipe.seed,
            shuffle_buffer=data.shuffle_buffer,
            start_example=start,
            skip_damage=data.on_bad_record == "skip",
        )
        batches = _training_batches(records, config, split, whole=True)
    if recipe.mixing.active:
        on_device = mixes_on_device(recipe, replicas)
        order = preprocessing.mixing_order(per_step, replicas, recipe.mixing)

        def mixed(step: tf.Tensor, batch: tuple) -> tuple:
            images, targets = batch
            seed = preprocessing.step_seed(recipe.seed, step)
            count, height, width = images.shape[:3]
            drawn = preprocessing.draw_mixing(seed, count, height, width, recipe.mixing)
            result = images, {**targets, "mixing": drawn}
            if not on_device:
                return mix_batch(*result, recipe, one_by_one=True)
            if replicas > 1:
                result = tf.nest.map_structure(lambda rows: tf.gather(rows, order), result)
            return result

        steps = tf.data.Dataset.range(start_step, tf.int64.max)
        batches = tf.data.Dataset.zip((steps, batches)).map(
            mixed, num_parallel_calls=1 if on_device else 2, deterministic=True
        )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(_options(data))


def pictures_per_step(recipe: RecipeConfig) -> int:
    """Returns how many pictures are decoded for one update: mixup type 1 makes one of two."""
    return recipe.batch_size * recipe.mixing.pictures_per_result


def mixes_on_device(recipe: RecipeConfig, replicas: int) -> bool:
    """Whether batches are mixed in the training step, which is where `mixup_on_device` wants it.

    Several devices can do so only where no two pictures of different devices are mixed with each
    other (`preprocessing.mixing_order`); else the pipeline does it.
    """
    if not (recipe.mixing.active and recipe.mixup_on_device):
        return False
    return (
        preprocessing.mixing_order(pictures_per_step(recipe), replicas, recipe.mixing) is not None
    )


def mix_batch(
    images: tf.Tensor,
    targets: dict[str, tf.Tensor],
    recipe: RecipeConfig,
    one_by_one: bool,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Applies mixup or CutMix to a batch, or to one device's part of it.

    Args:
      images: uint8 or float32 [N, S, S, 3]; N is twice the result with mixup type 1.
      targets: see `training_dataset`; with `mixing`.
      recipe: what to do.
      one_by_one: picture by picture, which is faster on a CPU and slower on a GPU.

    Returns:
      The network's input, float32 [B, S, S, 3], and the targets without `mixing`.
    """
    rest = dict(targets)
    drawn, labels, teacher = rest.pop("mixing"), rest.pop("labels"), rest.pop("teacher", None)
    images, labels, teacher = preprocessing.mix(
        images, labels, teacher, drawn, recipe.mixing, one_by_one
    )
    result = {"labels": labels}
    if teacher is not None:
        result["teacher"] = teacher
    if "bad_records" in rest:
        # Of two batches one is made, so two counts make one, too.
        counts = tf.reshape(rest["bad_records"], [recipe.mixing.pictures_per_result, -1])
        result["bad_records"] = tf.reduce_sum(counts, axis=0)
    return preprocessing.to_input(images), result


def served_batches(
    config: RunConfig, split: reader.Split, start_example: int, passes: int | None = None
) -> tf.data.Dataset:
    """Returns what the workers of a tf.data service compute together: batches before mixing.

    Args:
      config: the run.
      split: the training shards.
      start_example: records that have been read already; see `reader.shared_stream`.
      passes: over the data; default: endless.
    """
    records = reader.shared_stream(
        split,
        seed=config.recipe.seed,
        shuffle_buffer=config.data.shuffle_buffer,
        start_example=start_example,
        passes=passes,
        skip_damage=config.data.on_bad_record == "skip",
    )
    return _training_batches(records, config, split).with_options(_options(config.data))


def _training_batches(
    records: tf.data.Dataset, config: RunConfig, split: reader.Split, whole: bool = False
) -> tf.data.Dataset:
    """Returns augmented pictures and targets of `pictures_per_step` records, not yet mixed.

    With `whole` each batch has that size in its static shape: for endless records.
    """
    size = pictures_per_step(config.recipe)

    def example(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return _training_example(record, config)

    if config.data.on_bad_record == "fail":
        examples = records.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return examples.batch(size, drop_remainder=whole)
    counted = skipping.map_batch_and_skip(
        records,
        example,
        _example_signature(config),
        size,
        # Where less than one record in twenty is good, or none in two passes.
        give_up_after=2 * split.num_examples + 20 * size,
    )

    def with_count(batch: tuple, skipped: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        result = batch[0], {**batch[1], "bad_records": skipped}
        for tensor in tf.nest.flatten(result) if whole else ():
            tensor.set_shape([size, *tensor.shape[1:]])
        return result

    return counted.map(with_count)


def _example_signature(config: RunConfig) -> tuple[tf.TensorSpec, dict[str, tf.TensorSpec]]:
    """Returns the shapes and types of `_training_example`."""
    side, classes = config.preprocessing.train_size, config.data.num_classes
    targets = {"labels": tf.TensorSpec([classes], tf.float32)}
    if config.recipe.kd_temp > 0:
        targets["teacher"] = tf.TensorSpec([classes], tf.float32)
    in_bytes = config.recipe.mixing.active and config.preprocessing.augments_bytes
    pixels = tf.TensorSpec([side, side, 3], tf.uint8 if in_bytes else tf.float32)
    return pixels, targets


def evaluation_dataset(
    config: RunConfig, split: reader.Split, prepare: Prepare = preprocessing.eval_image
) -> tf.data.Dataset:
    """Returns every record of `split` once, in order, the last batch as small as it comes.

    With `on_bad_val_record` at `skip` bad records are missing; how many is the difference to
    `split.num_examples`.

    Args:
      config: the run.
      split: the shards that are scored.
      prepare: what makes the network's input of encoded pictures, see `official.evaluate.views`.

    Returns:
      Elements `(images, labels)`: float32 [n, S, S, 3] and int64 [n].
    """
    skip = config.data.on_bad_val_record == "skip"
    examples = reader.read_records(split, skip_damage=skip).map(
        lambda record: _evaluation_example(record, config, prepare),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if skip:
        examples = examples.ignore_errors()
    return (
        examples.batch(config.data.val_batch_size)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options(config.data))
    )


def encoded_dataset(config: RunConfig, split: reader.Split, batch_size: int) -> tf.data.Dataset:
    """Returns the pictures as they lie in the records: `(bytes string [n], labels int64 [n])`.

    Labels have the run's offset added, as in the other data sets. With `on_bad_val_record` at
    `skip` the records are left out that `evaluation_dataset` leaves out.
    """
    skip = config.data.on_bad_val_record == "skip"

    def parse(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        example = schema.parse_example(record["serialized"])
        return example["encoded"], example["label"] + config.data.label_offset

    def tried(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        return _evaluation_example(record, config, preprocessing.eval_image), parse(record)

    records = reader.read_records(split, skip_damage=skip)
    if skip:
        examples = records.map(tried, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        # The picture goes along until the errors are gone, else nobody would decode it.
        examples = examples.ignore_errors().map(lambda evaluated, encoded: encoded)
    else:
        examples = records.map(parse)
    return examples.batch(batch_size).prefetch(1)


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
    encoded = skipping.assert_whole_image(example["encoded"], example["filename"])
    image = prepare(encoded, example["bbox"], seed, config.preprocessing)
    targets = {"labels": tf.one_hot(_checked_label(example, config.data), classes)}
    if recipe.kd_temp > 0:
        targets["teacher"] = tf.nn.softmax(example["logits"] / recipe.kd_temp)
    return image, targets


def why_bad(record: dict[str, tf.Tensor], config: RunConfig, training: bool = True) -> str:
    """Returns why a record cannot be trained on, or scored, in a line; "" where it can."""
    if record["serialized"] == reader.UNREADABLE:
        return "cannot be read: the file is damaged here or before"
    try:
        if training:
            _training_example(record, config)
        else:
            _evaluation_example(record, config, preprocessing.eval_image)
    except tf.errors.OpError as error:
        reason = program.explain(error).removeprefix("the data could not be read: ")
        if "Unknown image file format" in reason and config.preprocessing.decoder != "any":
            reason += " WebP pictures need --decoder_type=webp or any"
        return reason
    except UnicodeDecodeError:
        # TensorFlow quotes the bytes that it could not parse, and Python chokes on them.
        return "is no tf.train.Example"
    return ""


def usable(record: dict[str, tf.Tensor], config: RunConfig, training: bool = True) -> tf.Tensor:
    """Returns whether `why_bad` finds nothing, bool []; inside of tf.data."""

    def attempt(record: dict[str, tf.Tensor]) -> tuple:
        if training:
            return _training_example(record, config)
        return _evaluation_example(record, config, preprocessing.eval_image)

    tried = tf.data.Dataset.from_tensors(record).map(attempt).ignore_errors()
    # The picture goes along until the errors are gone, else nobody would decode it.
    ended = tf.data.Dataset.from_tensors(False)
    return tried.map(lambda *_: True).concatenate(ended).take(1).get_single_element()


def _evaluation_example(
    record: dict[str, tf.Tensor], config: RunConfig, prepare: Prepare
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the resized and cropped picture and its label."""
    example = schema.parse_example(record["serialized"])
    image = prepare(example["encoded"], config.preprocessing)
    return image, _checked_label(example, config.data)


def _checked_label(example: dict[str, tf.Tensor], data: DataConfig) -> tf.Tensor:
    """Returns the label; reading stops with a message of its own where it is out of range."""
    label = example["label"]
    if data.label_offset:
        # A record without a label stays without one.
        label = tf.where(label < 0, label, label + data.label_offset)
    return schema.assert_label_in_range(label, data.num_classes, example["filename"])


def _options(data: DataConfig) -> tf.data.Options:
    """Returns options that keep order and let one process feed all its devices."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    if data.private_threads:
        options.threading.private_threadpool_size = data.private_threads
    return options
