"""Divides the shards of a data set among folds, for cross-validation."""

import os
import pathlib

from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.records import reader

_SPLITS = ("train-*", "validation-*")
_IN_SIZES = "kaggle_flower_all_sizes"


def link(data_dir: str, output_dir: str, folds: int) -> list[str]:
    """Makes a folder for each fold, whose shards are links to those of training and validation.

    Every record is in the validation of one fold, and in the training of the others. Folds take
    whole shards, in turns, so that they are as equal as the shards are.

    Args:
        data_dir: Folder with train-* and validation-*.
        output_dir: Where the folders go: 0, 1, ...
        folds: How many, at least 2.

    Returns:
        The folders.

    Raises:
        DatasetError: Fewer shards than folds, or a data set that holds pictures more than once.
    """
    manifest = manifest_lib.load_manifest(data_dir) or {}
    if manifest.get("dataset") == _IN_SIZES:
        raise DatasetError(
            f"{data_dir} holds each picture in four sizes, of which some would be trained on and "
            "others validated: take the records of one size"
        )
    shards = [path for pattern in _SPLITS for path in reader.find_split(data_dir, pattern).files]
    if not 2 <= folds <= len(shards):
        raise DatasetError(
            f"{folds} folds of the {len(shards)} shards in {data_dir}: it must be from 2 to "
            f"{len(shards)}; convert the data into more shards for more folds"
        )
    made = []
    for fold in range(folds):
        folder = os.path.join(output_dir, str(fold))
        os.makedirs(folder, exist_ok=True)
        inside = shards[fold::folds]
        parts = {"train": [path for path in shards if path not in inside], "validation": inside}
        for split, paths in parts.items():
            for number, path in enumerate(paths):
                name = manifest_lib.shard_name(split, number, len(paths))
                _link(path, os.path.join(folder, name))
        labels = os.path.join(data_dir, "labels.txt")
        if os.path.exists(labels):
            _link(labels, os.path.join(folder, "labels.txt"))
        made.append(folder)
    return made


def _link(source: str, target: str) -> None:
    """Makes a link, unless it is there; raises DatasetError where something else is."""
    source = os.path.abspath(source)
    if os.path.islink(target) and os.readlink(target) == source:
        return
    if os.path.lexists(target):
        raise DatasetError(f"{target} is there, and is no link to {source}; choose another folder")
    pathlib.Path(target).symlink_to(source)
