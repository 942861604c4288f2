"""Which classes occur in records that have no labels.txt, where names cannot be compared."""

import sys

import numpy as np

from datasets.records import reader, schema
from official.input.examples import Record
from official.run import class_names
from official.run.configuration import RunConfig
from official.run.errors import RunError


def require_classes(config: RunConfig, split: reader.Split, data_dir: str) -> None:
    """Looks through labels that nothing names, and says how many of the run's classes occur.

    Raises:
      RunError: the labels look as if the network had a background class before them.
    """
    if class_names.read(data_dir):
        return
    classes, offset = config.model.num_classes, config.data.label_offset
    labels = _labels(split) + offset
    occurring = np.unique(labels[(labels >= 0) & (labels < classes)])
    if offset == 0 and occurring.size and list(occurring[[0, -1]]) == [0, classes - 2]:
        raise RunError(
            f"the labels in {data_dir} ({split.pattern}) are 0 to {classes - 2}, and the "
            f"network has {classes} classes, of which the last never occurs. If its class 0 is a "
            "background class, give --label_offset=1; if the labels are right, --label_offset=0."
        )
    if occurring.size < classes:
        print(
            f"note: {occurring.size} of the {classes} classes occur in {data_dir} "
            f"({split.pattern}), which has no labels.txt: labels are taken as they are",
            file=sys.stderr,
        )


def _labels(split: reader.Split) -> np.ndarray:
    """Returns the label of each record that can be read, int64 [n]."""

    def label(record: Record):
        return schema.parse_example(record["serialized"])["label"]

    batches = reader.read_records(split, skip_damage=True).map(label).ignore_errors().batch(1024)
    return np.concatenate([np.zeros([0], np.int64), *batches.as_numpy_iterator()])
