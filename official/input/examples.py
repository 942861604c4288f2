"""From one record to one example: parsed, its label checked, its image prepared."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import preprocessing
from datasets.records import schema
from official.run.configuration import DataConfig, RunConfig

# A record as the readers of `datasets.records` give it: `serialized`, `index`, `epoch`.
Record = dict[str, tf.Tensor]
Targets = dict[str, tf.Tensor]
# Gives what frozen layers made of an image, float32 of `shape`, by number of the pass and index of
# the record, int64 scalars; not a number where the record is bad.
Features = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Makes the network's input of one encoded image; see `official.evaluate.views`.
Prepare = Callable[[tf.Tensor, preprocessing.PreprocessingConfig], Any]


class TrainingExample:
    """Makes an augmented image and its targets of a record; call it inside of tf.data or eagerly.

    Everything random is a function of (seed of the run, epoch, index of the record).
    """

    def __init__(self, config: RunConfig, features: Features | None = None):
        """Takes what the run says of it, and where the features of an image are looked up."""
        self._features = features
        self.decoder = config.preprocessing.decoder
        self._recipe = config.recipe
        self._data = config.data
        self._preprocessing = config.preprocessing

    def __call__(self, record: Record) -> tuple[tf.Tensor, Targets]:
        """Returns the image, or its features, and its targets, as `signature` has them.

        Raises:
          tf.errors.InvalidArgumentError: the record cannot be used; the message says why.
        """
        recipe, classes = self._recipe, self._data.num_classes
        example = schema.parse_example(
            record["serialized"], num_logits=classes if recipe.reads_logits else 0
        )
        passed = record["epoch"]
        if recipe.repeat_crops:
            passed %= recipe.repeat_crops
        seed = preprocessing.example_seed(recipe.seed, passed, record["index"])
        # What is mixed later may be bytes until then, which is a quarter of the memory.
        mixed = recipe.mixing.active
        prepare = preprocessing.train_pixels if mixed else preprocessing.train_image
        if recipe.augmix_consistency:
            prepare = preprocessing.train_views
        encoded = schema.assert_whole_image(example["encoded"], example["filename"])
        if self._features is None:
            image = prepare(encoded, example["bbox"], seed, self._preprocessing)
        else:
            image = self._features(passed, record["index"])
            image = tf.debugging.assert_all_finite(image, "the image cannot be used")
        targets = {"labels": tf.one_hot(class_of(example, self._data), classes)}
        if recipe.reads_logits:
            targets["teacher"] = tf.nn.softmax(example["logits"] / recipe.kd_temp)
        return image, targets

    @property
    def signature(self) -> tuple[tf.TensorSpec, dict[str, tf.TensorSpec]]:
        """Shapes and types: uint8 or float32 [S, S, 3], with AugMix's consistency [3, S, S, 3].

        Or features; and `labels` float32 [C], ...
        """
        side, classes = self._preprocessing.train_size, self._data.num_classes
        targets = {"labels": tf.TensorSpec([classes], tf.float32)}
        if self._recipe.reads_logits:
            targets["teacher"] = tf.TensorSpec([classes], tf.float32)
        in_bytes = self._recipe.mixing.active and self._preprocessing.augments_bytes
        shape = [3, side, side, 3] if self._recipe.augmix_consistency else [side, side, 3]
        pixels = tf.TensorSpec(shape, tf.uint8 if in_bytes else tf.float32)
        if self._features is not None:
            pixels = tf.TensorSpec(self._features.shape, tf.float32)
        return pixels, targets


class EvaluationExample:
    """Makes the network's input and the label of a record, without anything random."""

    def __init__(self, config: RunConfig, prepare: Prepare = preprocessing.eval_image):
        """Takes what the run says of it, and what makes the input of an encoded image."""
        self._data = config.data
        self._preprocessing = config.preprocessing
        self._prepare = prepare
        self.decoder = config.preprocessing.decoder

    def __call__(self, record: Record) -> tuple[Any, tf.Tensor]:
        """Returns the input, float32 [S, S, 3] or the views of it, and the label, int64 [].

        Raises:
          tf.errors.InvalidArgumentError: the record cannot be scored; the message says why.
        """
        example = schema.parse_example(record["serialized"])
        image = self._prepare(example["encoded"], self._preprocessing)
        return image, class_of(example, self._data)


def class_of(example: dict[str, tf.Tensor], data: DataConfig) -> tf.Tensor:
    """Returns the class that a record's label means, int64 [], for the network.

    Reading stops with a message of its own where it is out of range.
    """
    label = example["label"]
    if data.label_map:
        label = schema.assert_label_in_range(label, len(data.label_map), example["filename"])
        label = tf.gather(tf.constant(data.label_map, tf.int64), label)
    elif data.label_offset:
        # A record without a label stays without one.
        label = tf.where(label < 0, label, label + data.label_offset)
    return schema.assert_label_in_range(label, data.num_classes, example["filename"])
