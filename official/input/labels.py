"""The class of every record, read once where a training needs them all beforehand."""

import numpy as np
import tensorflow as tf

from datasets.records import reader, schema
from official.input.examples import class_of
from official.run.configuration import DataConfig


def read(data: DataConfig, split: reader.Split) -> np.ndarray:
    """Returns the class of each record, int64 [records]; -1 where a record cannot be used.

    It reads all files, and decodes no image.
    """

    def labelled(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        return record["index"], class_of(schema.parse_example(record["serialized"]), data)

    records = reader.read_records(split, skip_damage=True).map(
        labelled, num_parallel_calls=tf.data.AUTOTUNE
    )
    classes = np.full(split.num_examples, -1, np.int64)
    for index, label in records.ignore_errors().batch(1024).as_numpy_iterator():
        classes[index] = label
    return classes
