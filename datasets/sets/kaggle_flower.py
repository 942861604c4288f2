"""Kaggle's "Flower Classification with TPUs": 104 classes, published as TFRecords.

`raw_dir` is a folder such as tfrecords-jpeg-224x224, with train/*.tfrec and val/*.tfrec. Training
and evaluation read those files as they are; the conversion gives them the usual keys, labels.txt
and a manifest. The test images have no labels and are left out. Of all four sizes as one data set
`raw_dir` is the folder around them.
"""

import dataclasses
import os

from datasets.errors import DatasetError
from datasets.records import example as example_lib
from datasets.records import manifest as manifest_lib
from datasets.sets.flower_names import KAGGLE
from datasets.sets.published import Published
from datasets.sources import archive, record_source
from datasets.sources.items import Item, Listing, Skip

_FOLDERS = {split: manifest_lib.KAGGLE_FOLDERS[split] for split in ("train", "validation")}
_SIZES = (192, 224, 331, 512)
# Features of a record: image, class and id.
_IMAGE, _LABEL, _NAME = "image", "class", "id"


class KaggleFlower(Published):
    """Kaggle's 104 flowers."""

    name = "kaggle_flower"
    help = "Kaggle's 104 flowers: tfrecords-jpeg-SIZExSIZE (training reads them as they are, too)"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        archive.check_raw_dir(self._raw_dir)
        skipped: dict[str, list[Skip]] = {split: [] for split in _FOLDERS}
        splits: dict[str, list[Item]] = {split: [] for split in _FOLDERS}
        for parts in self._folders():
            for split, folder in _FOLDERS.items():
                for path in self._files(os.path.join(*parts, folder)):
                    splits[split] += _read(path, os.path.join(*parts, folder), skipped[split])
        listing = self._listing(list(KAGGLE), splits)
        return dataclasses.replace(listing, skipped=skipped)

    def _folders(self) -> list[tuple[str, ...]]:
        """Where in `raw_dir` the splits lie."""
        return [()]

    def _files(self, folder: str) -> list[str]:
        directory = os.path.join(self._raw_dir, folder)
        paths = [os.path.join(directory, name) for name in manifest_lib.kaggle_files(directory)]
        if not paths:
            raise DatasetError(
                f"--raw_dir={self._raw_dir} holds no {folder}/*{manifest_lib.KAGGLE_END}; it "
                "must be a folder such as tfrecords-jpeg-224x224"
            )
        return paths


class KaggleFlowerAllSizes(KaggleFlower):
    """The same pictures in all four sizes, as one data set."""

    name = "kaggle_flower_all_sizes"
    help = "Kaggle's 104 flowers in all sizes: a folder of tfrecords-jpeg-SIZExSIZE folders"

    def _folders(self) -> list[tuple[str, ...]]:
        names = [f"tfrecords-jpeg-{size}x{size}" for size in _SIZES]
        missing = [name for name in names if not os.path.isdir(os.path.join(self._raw_dir, name))]
        if missing:
            raise DatasetError(
                f"--raw_dir={self._raw_dir} lacks {', '.join(missing)}; it must hold "
                f"{', '.join(names)}"
            )
        return [(name,) for name in names]


def _read(path: str, folder: str, skipped: list[Skip]) -> list[Item]:
    items = []
    examples = record_source.read_examples(path, _IMAGE)
    for number, (source, example, damage) in enumerate(examples):
        where = f"{folder}/{os.path.basename(path)}, record {number}"
        label = example_lib.int_feature(example, _LABEL) if not damage else None
        if damage or label is None or not 0 <= label < len(KAGGLE):
            reason = damage or f"class {label}; 0 to {len(KAGGLE) - 1} are possible"
            skipped.append(Skip(where, reason, bad=True))
            continue
        name = example_lib.bytes_feature(example, _NAME).decode("utf-8", "replace")
        items.append(Item(f"{folder}/{name or number}", source, label))
    return items
