"""Any data set of TensorFlow Datasets that has an image and a label: `convert tfds:NAME`.

`raw_dir` is the data directory of TensorFlow Datasets; a data set that is not there yet is
fetched by it. Images are taken over as they are stored, and a feature "bbox" as the bounding box.
Without --train_split and --validation_split the data set's own splits of these names are used,
with "test" for a missing "validation".
"""

import argparse
import dataclasses
import importlib.resources
import importlib.util
import os
import sys
from typing import Any

from datasets import command_line
from datasets.errors import DatasetError
from datasets.records import example as example_lib
from datasets.sources import record_source
from datasets.sources.items import Converter, Item, Listing, Skip

_BOX_KEY = "bbox"


def import_tfds() -> Any:
    """Imports TensorFlow Datasets; `DatasetError` where it is not installed."""
    # Version 4.9.10 uses this package and does not ask for it; from Python 3.11 on, the standard
    # library's is the same.
    if importlib.util.find_spec("importlib_resources") is None:
        sys.modules.setdefault("importlib_resources", importlib.resources)
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise DatasetError(
            f"tensorflow-datasets cannot be imported ({error}); pip install "
            "tensorflow-datasets==4.9.10"
        ) from error
    return tensorflow_datasets


@dataclasses.dataclass(frozen=True)
class TfdsSet(Converter):
    """A data set of TensorFlow Datasets.

    Attributes:
        tfds_name: As TensorFlow Datasets knows it, with configuration and version if need be.
        raw_dir: Data directory of TensorFlow Datasets.
        splits: Its splits by ours, such as {"train": "train[:80%]"}; those that are not given are
            chosen by name.
        image_key: Feature that holds the image.
        label_key: Feature that holds the label.
    """

    tfds_name: str
    raw_dir: str
    splits: dict[str, str] = dataclasses.field(default_factory=dict)
    image_key: str = "image"
    label_key: str = "label"

    name = "tfds"
    help = "tfds:NAME: any data set of TensorFlow Datasets by name, such as tfds:cifar10"

    @classmethod
    def num_shards(cls) -> dict[str, int]:
        """TFRecord files by split name, unless the user says."""
        return {"train": 128, "validation": 16, "test": 16}

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        add = parser.add_argument
        add("--tfds_name", required=True, metavar="NAME", help="what stands behind tfds:")
        for split in ("train", "validation", "test"):
            what = f"split of TensorFlow Datasets that becomes {split}, such as train[:80%%]"
            add(f"--{split}_split", metavar="SPLIT", help=what)
        add("--image_key", default="image", help="feature of the image (default: %(default)s)")
        add("--label_key", default="label", help="feature of the label (default: %(default)s)")

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "TfdsSet":
        """Makes the data set that the command line asks for."""
        asked = {
            split: getattr(args, f"{split}_split") for split in ("train", "validation", "test")
        }
        splits = {ours: theirs for ours, theirs in asked.items() if theirs}
        return cls(args.tfds_name, args.raw_dir, splits, args.image_key, args.label_key)

    def listing(self) -> Listing:
        """Lists all images; fetches the data set where it is not there."""
        builder = self._prepared()
        self._check_features(builder)
        chosen = self._chosen(builder)
        skipped: dict[str, list[Skip]] = {ours: [] for ours in chosen}
        splits = {
            ours: self._items(builder, theirs, skipped[ours]) for ours, theirs in chosen.items()
        }
        if "test" not in self.splits and not splits.get("test", True):
            # As in ImageNet, whose test labels were never published.
            theirs = chosen.pop("test")
            command_line.note(f"split {theirs!r} has no labels and is left out")
            del splits["test"], skipped["test"]
        labels = self._labels(builder, splits)
        origin = {
            "raw_dir": os.path.abspath(self.raw_dir),
            "tfds": builder.info.full_name,
            "splits": chosen,
        }
        return Listing(f"tfds:{builder.info.name}", labels, splits, skipped, origin)

    def _prepared(self) -> Any:
        tfds = import_tfds()
        try:
            builder = tfds.builder(self.tfds_name, data_dir=self.raw_dir)
        except Exception as error:  # of many kinds, by what is wrong with the name
            reason = command_line.first_line(error)
            raise DatasetError(
                f"tfds:{self.tfds_name} in {self.raw_dir}: {reason.rstrip('.')}; must be a "
                "name of https://www.tensorflow.org/datasets/catalog such as tfds:cifar10, or be "
                "prepared there"
            ) from error
        if not builder.is_prepared():
            try:
                builder.download_and_prepare()
            except Exception as error:
                raise DatasetError(
                    f"tfds:{self.tfds_name} is not in {self.raw_dir} and cannot be fetched: "
                    f"{command_line.first_line(error)}"
                ) from error
        return builder

    def _check_features(self, builder: Any) -> None:
        features = builder.info.features
        for key in (self.image_key, self.label_key):
            if key not in features:
                raise DatasetError(
                    f"tfds:{self.tfds_name} has no feature {key!r}; it has: "
                    f"{', '.join(sorted(features))}. See --image_key and --label_key"
                )

    def _chosen(self, builder: Any) -> dict[str, str]:
        """Their splits by ours."""
        theirs = builder.info.splits
        chosen = dict(self.splits)
        if "train" in theirs:
            chosen.setdefault("train", "train")
        for split in ("validation", "test"):
            if split in theirs:
                chosen.setdefault("validation", split)
        if "test" in theirs and "test" not in chosen.values():
            chosen.setdefault("test", "test")
        missing = [split for split in ("train", "validation") if split not in chosen]
        if missing:
            raise DatasetError(
                f"tfds:{self.tfds_name} has the splits {', '.join(theirs)}; pass "
                f"--{missing[0]}_split, for example --train_split=train[:80%] "
                "--validation_split=train[80%:]"
            )
        return {name: chosen[name] for name in ("train", "validation", "test") if name in chosen}

    def _items(self, builder: Any, split: str, skipped: list[Skip]) -> list[Item]:
        try:
            instructions = builder.info.splits[split].file_instructions
        except Exception as error:
            raise DatasetError(
                f"split {split!r} of tfds:{self.tfds_name}: {command_line.first_line(error)}"
            ) from error
        items = []
        for instruction in instructions:
            path = str(instruction.filename)
            if ".tfrecord" not in os.path.basename(path):
                raise DatasetError(f"{path} is no TFRecord file; prepare the data set as tfrecord")
            end = instruction.skip + instruction.take if instruction.take >= 0 else None
            examples = record_source.read_examples(path, self.image_key)
            for number, (source, example, damage) in enumerate(examples):
                if number < instruction.skip or (end is not None and number >= end):
                    continue
                name = f"{os.path.basename(path)}/{number}"
                label = None if damage else example_lib.int_feature(example, self.label_key)
                if label is None or label < 0:
                    reason = damage or f"no label in the feature {self.label_key!r}"
                    skipped.append(Skip(name, reason, bad=True))
                else:
                    # A BBoxFeature is stored as ymin, xmin, ymax, xmax in fractions.
                    box = tuple(example_lib.float_features(example, _BOX_KEY))
                    boxes = (box,) if len(box) == 4 else ()
                    items.append(Item(name, source, label, boxes=boxes))
        return items

    def _labels(self, builder: Any, splits: dict[str, list[Item]]) -> tuple[str, ...]:
        feature = builder.info.features[self.label_key]
        names = getattr(feature, "names", None)
        if names:
            return tuple(names)
        count = max((item.label for items in splits.values() for item in items), default=0) + 1
        return tuple(str(label) for label in range(count))
