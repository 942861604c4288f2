"""From TFRecord shards to batches: read, parse and prepare, count and batch, mix.

This is where `datasets` and `preprocessing` meet. Training is an endless stream in which everything
random is a function of (seed, epoch, index of the record), so that one seed feeds the same pixels
with any number of threads, and a run that stopped after k steps goes on with the images of step
k + 1. docs/input_pipeline.md has the reasons and the measurements.
"""

import tensorflow as tf

import preprocessing
from datasets import granted
from datasets.records import reader, schema
from official.input import data_service, labels, mixing, skipping
from official.input.balancing import Repeats
from official.input.examples import (
    EvaluationExample,
    Features,
    Prepare,
    TrainingExample,
    class_of,
)
from official.run.configuration import DataConfig, RunConfig


def training_dataset(
    config: RunConfig,
    split: reader.Split,
    start_step: int = 0,
    skipped: int = 0,
    replicas: int = 1,
    features: Features | None = None,
) -> tf.data.Dataset:
    """Returns the endless training data from the batch of step `start_step` on.

    Args:
      config: the run.
      split: the training shards.
      start_step: updates already done.
      skipped: bad records that were left out before it, the sum of `bad_records` over the batches.
      replicas: devices that share a batch.
      features: takes the place of the images.

    Returns:
      Elements `(images, targets)`: images float32 [B, S, S, 3]; targets a dict of
      `labels` float32 [B, C] (one-hot, or mixed), with distillation `teacher` float32 [B, C]
      (softmax of the teacher's logits at the temperature), and with `on_bad_record` at `skip` also
      `bad_records` int64 [B], how many were left out just before the example. Where
      `mixing.mixes_on_device`, a batch for `mixing.mix_batch`: all that was decoded, images uint8
      with AutoAugment or RandAugment, and in targets `mixing`, the random numbers.
    """
    recipe, data = config.recipe, config.data
    start = start_step * mixing.images_per_step(recipe) + skipped
    if data.data_service:
        served = served_batches(config, split, start)
        batches = data_service.distribute(served, data.data_service)
        batches = batches.rebatch(mixing.images_per_step(recipe), drop_remainder=True)
    else:
        records = reader.training_stream(
            split,
            seed=recipe.seed,
            shuffle_buffer=data.shuffle_buffer,
            start_example=start,
            skip_damage=data.on_bad_record == "skip",
            repeats=Repeats(labels.read(data, split)) if recipe.balanced_sampling else None,
        )
        batches = _batches(records, config, split, whole=True, features=features)
    means = config.preprocessing.channel_means
    mixed = mixing.draw_or_mix(batches, recipe, start_step, replicas, means)
    return mixed.prefetch(tf.data.AUTOTUNE).with_options(_options(data, here=True))


def served_batches(
    config: RunConfig, split: reader.Split, start_example: int, passes: int | None = None
) -> tf.data.Dataset:
    """Returns what the workers of a tf.data service compute together: batches before mixing.

    For `start_example` and `passes` see `reader.shared_stream`.
    """
    records = reader.shared_stream(
        split,
        seed=config.recipe.seed,
        shuffle_buffer=config.data.shuffle_buffer,
        start_example=start_example,
        passes=passes,
        skip_damage=config.data.on_bad_record == "skip",
    )
    return _batches(records, config, split).with_options(_options(config.data))


def _batches(
    records: tf.data.Dataset,
    config: RunConfig,
    split: reader.Split,
    whole: bool = False,
    features: Features | None = None,
) -> tf.data.Dataset:
    """Returns augmented images and targets of `images_per_step` records, not yet mixed.

    With `whole` each batch has that size in its static shape: for endless records.
    """
    size = mixing.images_per_step(config.recipe)
    example = TrainingExample(config, features)
    if config.data.on_bad_record == "fail":
        examples = records.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return examples.batch(size, drop_remainder=whole)
    examples = skipping.prepare(records, example, example.signature)
    # Given up where less than one record in twenty is good, or none in two passes.
    give_up_after = 2 * split.num_examples + 20 * size
    batches = skipping.batch_and_count(examples, size, give_up_after)

    def with_count(batch: tuple, skipped: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        result = batch[0], {**batch[1], "bad_records": skipped}
        for tensor in tf.nest.flatten(result) if whole else ():
            tensor.set_shape([size, *tensor.shape[1:]])
        return result

    return batches.map(with_count)


def evaluation_dataset(
    config: RunConfig,
    split: reader.Split,
    prepare: Prepare = preprocessing.eval_image,
    numbered: bool = False,
) -> tf.data.Dataset:
    """Returns every record of `split` once, in order, the last batch as small as it comes.

    Elements are `(images, labels)`: what `prepare` makes of encoded images (see
    `official.evaluate.views`), float32 [n, S, S, 3], and int64 [n]. With `numbered` the
    labels are pairs with the images' numbers, int64 [n], counted from 0. With `on_bad_val_record`
    at `skip` bad records are missing, and have no number; how many is the difference to
    `split.num_examples`.
    """
    skip = config.data.on_bad_val_record == "skip"
    examples = reader.read_records(split, skip_damage=skip).map(
        EvaluationExample(config, prepare), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    if skip:
        examples = examples.ignore_errors()
    if numbered:
        examples = examples.enumerate().map(
            lambda number, example: (example[0], (example[1], number))
        )
    batches = examples.batch(config.data.val_batch_size)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(_options(config.data, here=True))


def encoded_dataset(config: RunConfig, split: reader.Split, batch_size: int) -> tf.data.Dataset:
    """Returns the images as they lie in the records: `(bytes string [n], labels int64 [n])`.

    They are those of `photos`, in batches.
    """
    examples = photos(config, split).map(lambda encoded, label, name: (encoded, label))
    return examples.batch(batch_size).prefetch(1)


def photos(config: RunConfig, split: reader.Split) -> tf.data.Dataset:
    """Returns each record's encoded image, string [], class, int64 [], and name, string [].

    Labels are the classes of the network, as in the other data sets. With `on_bad_val_record` at
    `skip` the records are left out that `evaluation_dataset` leaves out.
    """
    skip = config.data.on_bad_val_record == "skip"
    scored = EvaluationExample(config)

    def encoded(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        example = schema.parse_example(record["serialized"])
        return example["encoded"], class_of(example, config.data), example["filename"]

    records = reader.read_records(split, skip_damage=skip)
    if not skip:
        return records.map(encoded)
    examples = records.map(
        lambda record: (scored(record), encoded(record)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    # The image goes along until the errors are gone, else nobody would decode it.
    return examples.ignore_errors().map(lambda evaluated, encoded: encoded)


def _options(data: DataConfig, here: bool = False) -> tf.data.Options:
    """Returns options that keep order and let one process feed all its devices.

    What is read `here`, and not by a data service, is bounded by what this process may use: by
    itself tf.data counts the processors and the memory of the machine.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    if here:
        options.autotune.cpu_budget = granted.cpus()
        options.autotune.ram_budget = granted.memory_bytes() // 2
        if granted.cpus() < granted.visible_cpus():
            options.threading.private_threadpool_size = granted.cpus()
    if data.private_threads:
        options.threading.private_threadpool_size = data.private_threads
    return options
