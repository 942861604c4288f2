"""Which synset each validation image of ImageNet shows: out of any of the lists that are about.

The development kit that is fetched with the images numbers the classes by its own ILSVRC2012_ID,
which is **not** the place among the sorted synsets: its list of numbers says nothing without its
meta.mat. The TensorFlow models repository has the same list in synsets, Kaggle's edition as a CSV.
"""

import os
import re
from typing import Any

from datasets.errors import DatasetError
from datasets.sets import matlab
from datasets.sets.published import csv_rows
from datasets.sources import archive

SYNSET_LIST = "imagenet_2012_validation_synset_labels.txt"
KAGGLE_LIST = "LOC_val_solution.csv"
KIT = "ILSVRC2012_devkit_t12"
KIT_META, KIT_NUMBERS = "meta.mat", "ILSVRC2012_validation_ground_truth.txt"
# Names of classes, beside the kit's.
METADATA, KAGGLE_NAMES = "imagenet_metadata.txt", "LOC_synset_mapping.txt"

IMAGE = re.compile(r"ILSVRC2012_val_(\d{8})(\.JPEG)?")


def read_labels(raw_dir: str) -> tuple[str, dict[int, str]]:
    """The synset of each validation image: the list that it came from, and synsets by number.

    Raises:
        DatasetError: No list in `raw_dir`, or one that cannot be understood.
    """
    files = _files(raw_dir)
    if SYNSET_LIST in files:
        return SYNSET_LIST, dict(enumerate(files.lines(SYNSET_LIST), 1))
    kit = _kit(raw_dir, KIT_NUMBERS)
    if kit is not None:
        return f"{KIT_NUMBERS} in {kit.where}", _kit_labels(kit)
    if KAGGLE_LIST in files:
        return KAGGLE_LIST, _kaggle_labels(files)
    raise DatasetError(
        f"--raw_dir={raw_dir} says nowhere what the validation images show: needed is one of "
        f"{SYNSET_LIST}, {KIT}.tar.gz and {KAGGLE_LIST}, or folders of synsets"
    )


def read_names(raw_dir: str) -> dict[str, str]:
    """What synsets are called, by synset; empty where no list of names is there."""
    files = _files(raw_dir)
    for name in (METADATA, KAGGLE_NAMES):
        if name in files:
            return dict(files.table(name, 2))
    kit = _kit(raw_dir, KIT_META)
    return {synset: words for synset, words in _classes(kit).values()} if kit is not None else {}


def _files(raw_dir: str) -> archive.Tree:
    return archive.open_files(raw_dir, (SYNSET_LIST, KAGGLE_LIST, METADATA, KAGGLE_NAMES))


def _kit(raw_dir: str, marker: str) -> archive.Tree | None:
    """The development kit's folder `data`, wherever it is; None when there is no kit."""
    for folder in ("", "data", os.path.join(KIT, "data"), KIT):
        place = os.path.join(raw_dir, folder)
        if os.path.exists(os.path.join(place, marker)):
            return archive.open_files(place, (KIT_META, KIT_NUMBERS))
    for extension in archive.EXTENSIONS:
        path = os.path.join(raw_dir, KIT + extension)
        if os.path.isfile(path):
            return archive.rooted(archive.open_archive(path), marker)
    return None


def _kit_labels(kit: archive.Tree) -> dict[int, str]:
    classes = _classes(kit)
    labels = {}
    for number, line in enumerate(kit.lines(KIT_NUMBERS), 1):
        if not line.isdigit() or int(line) not in classes:
            raise DatasetError(
                f"line {number} of {KIT_NUMBERS} in {kit.where} is {line!r}; {KIT_META} has the "
                f"ILSVRC2012_ID {min(classes)} to {max(classes)}"
            )
        labels[number] = classes[int(line)][0]
    return labels


def _classes(kit: archive.Tree) -> dict[int, tuple[str, str]]:
    """Synset and words by ILSVRC2012_ID."""
    where = f"{KIT_META} in {kit.where}"
    rows = matlab.read_mat(kit.read(KIT_META), where).get("synsets")
    found = {}
    for row in rows if isinstance(rows, list) else ():
        number, synset = _whole(row.get("ILSVRC2012_ID")), row.get("WNID")
        if number is None or not isinstance(synset, str):
            raise DatasetError(f"a synset in {where} lacks ILSVRC2012_ID or WNID")
        words = row.get("words")
        found[number] = (synset, words if isinstance(words, str) else "")
    if not found:
        raise DatasetError(f"{where} lacks the list `synsets`; it is another file")
    return found


def _whole(value: Any) -> int | None:
    """The only number in a MATLAB array; None when there is another number of them."""
    return int(value.reshape(-1)[0]) if getattr(value, "size", 0) == 1 else None


def _kaggle_labels(files: archive.Tree) -> dict[int, str]:
    """Rows such as ILSVRC2012_val_00048981,n03995372 85 1 499 272: synset and box, repeated."""
    labels = {}
    for row in csv_rows(files, KAGGLE_LIST):
        match = IMAGE.fullmatch(row[0]) if row else None
        if match and len(row) > 1 and row[1].split():
            labels[int(match[1])] = row[1].split()[0]
        elif row[:1] != ["ImageId"]:
            raise DatasetError(
                f"{','.join(row)!r} in {KAGGLE_LIST}; needed are an image and its synset"
            )
    return labels
