"""From TFRecord shards to batches: the place where `datasets` and `preprocessing` meet.

Training is an endless stream in which everything random is a function of (seed, epoch, index of
the record), so that one seed feeds the same pixels with any number of threads, and a run that
stopped after k steps goes on with the pictures of step k + 1.
"""

import tensorflow as tf

import preprocessing
from datasets import reader, schema
from official.configuration import DataConfig, RecipeConfig, RunConfig

# Keeps the random numbers of mixup apart from those of the pictures.
_MIXUP_STREAM = -1


def training_dataset(
    config: RunConfig, split: reader.Split, start_step: int = 0
) -> tf.data.Dataset:
    """Returns the endless training data from the batch of step `start_step` on.

    Args:
      config: the run.
      split: the training shards.
      start_step: updates already done.

    Returns:
      Elements `(images, targets)`: images float32 [B, S, S, 3]; targets a dict of `labels`
      float32 [B, C] (one-hot, or mixed) and, with distillation, `teacher` float32 [B, C]
      (softmax of the teacher's logits at the temperature).
    """
    recipe = config.recipe
    per_step = recipe.batch_size * (2 if recipe.mixup_type == 1 else 1)
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
    if recipe.mixup_type:
        steps = tf.data.Dataset.range(start_step, tf.int64.max)
        batches = tf.data.Dataset.zip((steps, batches)).map(
            lambda step, batch: _mix(step, batch, recipe), num_parallel_calls=2, deterministic=True
        )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(_options(config.data))


def evaluation_dataset(config: RunConfig, split: reader.Split) -> tf.data.Dataset:
    """Returns every record of `split` once, in order, the last batch as small as it comes.

    Returns:
      Elements `(images, labels)`: float32 [n, S, S, 3] and int64 [n].
    """
    return (
        reader.read_records(split)
        .map(
            lambda record: _evaluation_example(record, config),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .batch(config.data.val_batch_size)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options(config.data))
    )


def encoded_dataset(config: RunConfig, split: reader.Split, batch_size: int) -> tf.data.Dataset:
    """Returns the pictures as they lie in the records: `(bytes string [n], labels int64 [n])`.

    Labels have the run's offset added, as in the other data sets.
    """

    def parse(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        example = schema.parse_example(record["serialized"])
        return example["encoded"], example["label"] + config.data.label_offset

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
    image = preprocessing.train_image(
        example["encoded"], example["bbox"], seed, config.preprocessing
    )
    targets = {"labels": tf.one_hot(_checked_label(example, config.data), classes)}
    if recipe.kd_temp > 0:
        targets["teacher"] = tf.nn.softmax(example["logits"] / recipe.kd_temp)
    return image, targets


def _evaluation_example(
    record: dict[str, tf.Tensor], config: RunConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the resized and cropped picture and its label."""
    example = schema.parse_example(record["serialized"])
    image = preprocessing.eval_image(example["encoded"], config.preprocessing)
    return image, _checked_label(example, config.data)


def _checked_label(example: dict[str, tf.Tensor], data: DataConfig) -> tf.Tensor:
    """Returns the label; reading stops with a message of its own where it is out of range."""
    label = example["label"] + data.label_offset
    return schema.assert_label_in_range(label, data.num_classes, example["filename"])


def _mix(
    step: tf.Tensor, batch: tuple[tf.Tensor, dict[str, tf.Tensor]], recipe: RecipeConfig
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Applies mixup; its random numbers depend on the seed and the step alone."""
    images, targets = batch
    seed = preprocessing.example_seed(recipe.seed, _MIXUP_STREAM, step)
    teacher = targets.get("teacher")
    if recipe.mixup_type == 1:
        lambdas = preprocessing.sample_lambdas(seed, recipe.batch_size, recipe.mixup_alpha)
        mixed = preprocessing.mixup_type1(images, targets["labels"], lambdas, teacher)
    else:
        half = recipe.batch_size // 2
        lambdas = preprocessing.sample_lambdas(seed, 2 * half, recipe.mixup_alpha)
        mixed = preprocessing.mixup_type2(
            images, targets["labels"], lambdas[:half], lambdas[half:], teacher
        )
    result = {"labels": mixed[1]}
    if teacher is not None:
        result["teacher"] = mixed[2]
    return mixed[0], result


def _options(data: DataConfig) -> tf.data.Options:
    """Returns options that keep order and let one process feed all its devices."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    if data.private_threads:
        options.threading.private_threadpool_size = data.private_threads
    return options
