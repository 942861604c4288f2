"""The classes of a run: how many, and their names."""

import os

import tensorflow as tf

from datasets import catalog
from datasets.records import reader
from official.run import files
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import LABELS_FILE


def count_classes(data_dir: str, dataset_name: str, num_classes: int, label_offset: int = 0) -> int:
    """Returns the number of classes: the flag, else the catalogue, else labels.txt.

    Classes that `label_offset` puts before those of labels.txt count.

    Raises:
      RunError: nothing says how many, or two sources disagree.
    """
    if not tf.io.gfile.isdir(data_dir):
        state = "is no directory" if tf.io.gfile.exists(data_dir) else "does not exist"
        raise RunError(
            f"data directory {data_dir} {state}; it must hold TFRecord shards, as "
            "`python -m datasets.convert` writes them."
        )
    labels = reader.load_labels(data_dir)
    known = {}
    if num_classes:
        known["--num_classes"] = num_classes
    if dataset_name:
        known[f"the catalogue ({dataset_name})"] = catalog.get(dataset_name).num_classes
    if labels is not None:
        known[os.path.join(data_dir, LABELS_FILE)] = len(labels) + label_offset
    if not known:
        raise RunError(
            f"the number of classes is unknown: {data_dir} has no {LABELS_FILE}. Photos become "
            "TFRecords by `python -m datasets.convert`; for records that have no names give "
            "--num_classes or --dataset_name."
        )
    return agreed(known)


def agreed(known: dict[str, int]) -> int:
    """Returns the number of classes that every source gives; raises RunError where they differ."""
    if len(set(known.values())) > 1:
        said = ", ".join(f"{source} says {count}" for source, count in known.items())
        raise RunError(f"the number of classes is not clear: {said}.")
    return next(iter(known.values()))


def save_labels(data_dir: str, model_dir: str, label_offset: int = 0) -> None:
    """Copies the class names, if the data has any, so that the run can be exported without it."""
    labels = reader.load_labels(data_dir)
    if labels is not None:
        labels = ["background"] * label_offset + labels[max(0, -label_offset) :]
        files.write_text(os.path.join(model_dir, LABELS_FILE), "".join(f"{n}\n" for n in labels))


def class_names(config: RunConfig, model_dir: str) -> list[str]:
    """Returns one name per class; numbers where the data had no names.

    Raises:
      RunError: labels.txt has another number of lines than the network has classes.
    """
    path = os.path.join(model_dir, LABELS_FILE)
    if not tf.io.gfile.exists(path):
        return [str(number) for number in range(config.model.num_classes)]
    names = files.read_text(path).splitlines()
    if len(names) != config.model.num_classes:
        raise RunError(
            f"{path} has {len(names)} lines, but the network has {config.model.num_classes} "
            "classes."
        )
    return names
