"""The classes of a run: how many, their names, and which labels of other records they are."""

import os
import sys

import tensorflow as tf

from datasets import catalog
from official.run import class_names, files
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
    labels = class_names.read(data_dir)
    known = _known(dataset_name, num_classes)
    if labels:
        known[os.path.join(data_dir, LABELS_FILE)] = len(labels) + label_offset
    if not known:
        raise RunError(
            f"the number of classes is unknown: {data_dir} has no {LABELS_FILE}. Photos become "
            "TFRecords by `python -m datasets.convert`; for records that have no names give "
            "--num_classes or --dataset_name."
        )
    hint = offset_hint(len(labels), next(iter(known.values()))) if labels else ""
    return agreed(known, hint)


def known_classes(dataset_name: str, num_classes: int) -> int:
    """Returns the number of classes without the data: as flag and catalogue say.

    Raises:
      RunError: they disagree.
      DatasetError: no such name in the catalogue.
    """
    return agreed(_known(dataset_name, num_classes))


def _known(dataset_name: str, num_classes: int) -> dict[str, int]:
    """Returns the number of classes by what says it, of what is said without the data."""
    known = {"--num_classes": num_classes} if num_classes else {}
    if dataset_name:
        known[f"the catalogue ({dataset_name})"] = catalog.get(dataset_name).num_classes
    return known


def agreed(known: dict[str, int], hint: str = "") -> int:
    """Returns the number of classes that every source gives; raises RunError where they differ.

    The message ends with `hint`.
    """
    if len(set(known.values())) > 1:
        said = ", ".join(f"{source} says {count}" for source, count in known.items())
        raise RunError(f"the number of classes is not clear: {said}{hint}.")
    return next(iter(known.values()))


def names_of(data_dir: str, label_offset: int = 0) -> tuple[str, ...]:
    """Returns the name of each class of a network for this data; none where labels.txt is missing.

    Raises:
      RunError: a name is empty or comes twice.
    """
    names = class_names.read(data_dir)
    class_names.require_distinct(names, data_dir)
    return class_names.shifted(names, label_offset)


def save_labels(data_dir: str, model_dir: str, label_offset: int = 0) -> None:
    """Copies the class names, if the data has any, so that the run can be exported without it."""
    names = names_of(data_dir, label_offset)
    if names:
        files.write_text(os.path.join(model_dir, LABELS_FILE), "".join(f"{n}\n" for n in names))


def names_or_numbers(config: RunConfig) -> list[str]:
    """Returns one name per class; numbers where the data had no names."""
    return list(config.data.class_names) or [str(n) for n in range(config.model.num_classes)]


def for_records(config: RunConfig, data_dir: str, label_offset: int | None = None) -> RunConfig:
    """Returns the configuration with which a run reads the labels of `data_dir`.

    Class names decide: the same names in another order, or some of them, are mapped, which a line
    says. Where records or run have no names, the number of classes has to be the same.

    Args:
      config: the run.
      data_dir: folder of records; empty: the run's own.
      label_offset: added to the labels of the records; None: as the run does.

    Raises:
      RunError: records of other classes than the run's; what differs is listed.
    """
    data_dir = data_dir or config.data.data_dir
    offset = config.data.label_offset if label_offset is None else label_offset
    config = config.with_data(label_offset=offset)
    there, known = class_names.read(data_dir), config.data.class_names
    names = class_names.shifted(there, offset)
    if not names or names == known:
        return config
    if not known:
        _require_count(config, data_dir, len(there))
        return config
    found = class_names.match(known, there)
    if found is None:
        class_names.require_distinct(there, data_dir)
        raise RunError(
            f"the records in {data_dir} are of other classes than the run: "
            f"{class_names.differences(known, names)}. Nothing was scored: a label means another "
            f"class there. If only the names differ, give {data_dir}/{LABELS_FILE} those of the "
            "run."
        )
    print(
        f"note: classes are matched by name: {data_dir}/{LABELS_FILE} has {len(there)} of the "
        f"run's {len(known)}, label 0 is class {found[0]} ({known[found[0]]})"
        if found[0] >= 0
        else "note: classes are matched by name, without the background class",
        file=sys.stderr,
    )
    return config.with_data(label_map=found)


def _require_count(config: RunConfig, data_dir: str, count: int) -> None:
    """Raises RunError unless `count` names are one for each class of a network without names."""
    classes, offset = config.model.num_classes, config.data.label_offset
    if count + offset != classes:
        raise RunError(
            f"{data_dir}/{LABELS_FILE} has {count} class names, the network {classes} "
            f"classes, at --label_offset={offset}{offset_hint(count, classes)}."
        )


def offset_hint(labels: int, classes: int) -> str:
    """Returns what --label_offset would make the numbers agree, as the end of a sentence."""
    if labels + 1 == classes:
        return "; where the network has a background class at 0, give --label_offset=1"
    if labels - 1 == classes:
        return "; where label 0 of the records is a background class, give --label_offset=-1"
    if labels == classes:
        return "; they agree with --label_offset=0"
    return ""
