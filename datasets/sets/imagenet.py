"""ImageNet ILSVRC-2012: 1,281,167 training and 50,000 validation images of 1,000 synsets.

`raw_dir` holds, as fetched or unpacked:
  training    ILSVRC2012_img_train.tar (a tar of one tar per synset), or a folder train (also
              ILSVRC2012_img_train) of the 1,000 tars or of the 1,000 folders
  validation  ILSVRC2012_img_val.tar, or a folder val (also validation, ILSVRC2012_img_val), of
              images or of one folder per synset
  labels      imagenet_2012_validation_synset_labels.txt (a synset for each validation image, in
              order), or the development kit ILSVRC2012_devkit_t12.tar.gz (also its folder, or its
              meta.mat and ILSVRC2012_validation_ground_truth.txt), or Kaggle's
              LOC_val_solution.csv; none is needed where validation is in folders of synsets
  boxes       imagenet_2012_bounding_boxes.csv, or ILSVRC2012_bbox_train_v2.tar.gz (also
              bounding_boxes.tar.gz or a folder bounding_boxes) of XML files; may be missing
  names       imagenet_metadata.txt (synset, tab, words), LOC_synset_mapping.txt, or the
              development kit; may be missing

Kaggle's edition may stay as it is unpacked: ILSVRC/Data/CLS-LOC/train and val, the boxes in
ILSVRC/Annotations/CLS-LOC/train, LOC_val_solution.csv and LOC_synset_mapping.txt.

Labels are 1 to 1000 in the order of the sorted synsets; 0 is a background class without images.
One PNG file and 22 CMYK JPEGs among the training images become RGB JPEGs and are reported.
"""

import argparse
import dataclasses
import os
import re
from collections.abc import Iterator

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sets import bounding_boxes, imagenet_labels
from datasets.sets.published import Published
from datasets.sources import archive, teacher_logits
from datasets.sources.archive_source import RangeSource
from datasets.sources.items import FileSource, Item, Listing, Source

_SYNSET = re.compile(r"n\d{8}")
_IMAGE_END = ".JPEG"
_KAGGLE = "ILSVRC/Data/CLS-LOC"
_TRAIN = ("train", "ILSVRC2012_img_train", f"{_KAGGLE}/train")
_VALIDATION = ("val", "validation", "ILSVRC2012_img_val", f"{_KAGGLE}/val")
_BOXES = (
    "imagenet_2012_bounding_boxes.csv",
    "ILSVRC2012_bbox_train_v2.tar.gz",
    "bounding_boxes.tar.gz",
    "bounding_boxes",
    "ILSVRC/Annotations/CLS-LOC/train",
)

# The files that are known to need repair.
KNOWN_PNG = ("n02105855_2933.JPEG",)
_CMYK = """
    n01739381_1309 n02077923_14822 n02447366_23489 n02492035_15739 n02747177_10752
    n03018349_4028 n03062245_4620 n03347037_9675 n03467068_12171 n03529860_11437 n03544143_17228
    n03633091_5218 n03710637_5125 n03961711_5286 n04033995_2932 n04258138_17003 n04264628_27969
    n04336792_7448 n04371774_5854 n04596742_4225 n07583066_647 n13037406_4650
"""
KNOWN_CMYK = tuple(f"{stem}{_IMAGE_END}" for stem in _CMYK.split())
_KNOWN = frozenset({*KNOWN_PNG, *KNOWN_CMYK})

# (name, source) of the images of one synset, and of all synsets.
_Images = list[tuple[str, Source]]


class ImageNet(Published):
    """ImageNet ILSVRC-2012."""

    name = "imagenet"
    help = "ImageNet ILSVRC-2012: the two tars, the synset labels, bounding boxes (XML or CSV)"

    def __init__(
        self,
        raw_dir: str,
        bounding_box_file: str | None = None,
        logits_file_path: str | None = None,
    ):
        """Takes the folder; nothing is read yet.

        Args:
            raw_dir: What was fetched.
            bounding_box_file: CSV file, archive or folder of XML files; None looks in `raw_dir`,
                and "" leaves boxes out.
            logits_file_path: Folder of a teacher's logits, files train* and validation*.
        """
        super().__init__(raw_dir)
        self._logits = logits_file_path
        self._box_file = bounding_box_file

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        parser.add_argument(
            "--bounding_box_file",
            type=command_line.path,
            metavar="FILE",
            help="CSV file (name, xmin, ymin, xmax, ymax as fractions), or archive or folder of "
            f"XML files; by default the first of these in --raw_dir: {', '.join(_BOXES)}; an "
            "empty value leaves boxes out",
        )
        parser.add_argument(
            "--logits_file_path",
            type=command_line.path,
            metavar="DIR",
            help="folder of a teacher's logits for distillation: CSV files train* and validation*, "
            "a line for each image: its file name and 1,001 numbers",
        )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "ImageNet":
        """Makes the data set that the command line asks for."""
        return cls(args.raw_dir, args.bounding_box_file, args.logits_file_path)

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        archive.check_raw_dir(self._raw_dir)
        train = self._read_train()
        synsets = sorted(train)
        words = imagenet_labels.read_names(self._raw_dir)
        box_path = self._box_path()
        boxes = bounding_boxes.read(box_path, set(synsets)) if box_path else {}
        validation = self._read_validation(set(synsets))
        splits = {
            split: list(_items(images, synsets, words, boxes))
            for split, images in (("train", train), ("validation", validation))
        }
        splits["validation"].sort(key=lambda item: item.name)
        if box_path:
            _check_boxes(box_path, splits["train"])
        if self._logits:
            splits = {split: self._with_logits(split, items) for split, items in splits.items()}
        names = [f"{synset} {words[synset]}" if synset in words else synset for synset in synsets]
        origin = {
            "raw_dir": os.path.abspath(self._raw_dir),
            "bounding_boxes": os.path.abspath(box_path) if box_path else None,
            "logits": os.path.abspath(self._logits) if self._logits else None,
            # To be compared with what is repaired: copies of the data set may be repaired already.
            "known_to_need_repair": sorted(
                item.name for item in splits["train"] if item.name in _KNOWN
            ),
        }
        return Listing(self.name, ("background", *names), splits, source=origin, as_rgb_jpeg=True)

    def _with_logits(self, split: str, items: list[Item]) -> list[Item]:
        """The same items with their teacher's logits."""
        found = teacher_logits.find(self._logits, split)
        missing = [item.name for item in items if item.name not in found]
        if missing:
            raise DatasetError(
                f"--logits_file_path={self._logits} has no logits of {len(missing)} {split} "
                f"images, such as {missing[0]}"
            )
        return [dataclasses.replace(item, logits=found[item.name]) for item in items]

    def _required(self, names: tuple[str, ...], what: str) -> str:
        """The first of `names` in `raw_dir`, as a folder or as a tar."""
        for name in names:
            for path in (os.path.join(self._raw_dir, name + end) for end in ("", ".tar")):
                if os.path.exists(path):
                    return path
        raise DatasetError(
            f"--raw_dir={self._raw_dir} holds no {what} images: needed is one of "
            f"{', '.join(f'{name}, {name}.tar' for name in names)}"
        )

    def _read_train(self) -> dict[str, _Images]:
        """Training images by synset."""
        path = self._required(_TRAIN, "training")
        found: dict[str, _Images] = {}
        if os.path.isdir(path):
            for synset in sorted(os.listdir(path)):
                source = os.path.join(path, synset)
                if _SYNSET.fullmatch(synset) and os.path.isdir(source):
                    found[synset] = _folder_images(source)
                elif _SYNSET.fullmatch(synset.removesuffix(".tar")):
                    found[synset.removesuffix(".tar")] = _tree_images(archive.open_archive(source))
        else:
            _refuse_compressed(path)
            outer = archive.open_archive(path)
            for name in outer.names(end=".tar"):
                synset = os.path.basename(name).removesuffix(".tar")
                inner = outer.source(name)
                if _SYNSET.fullmatch(synset) and isinstance(inner, RangeSource):
                    found[synset] = _tree_images(archive.open_inner_tar(inner, name))
        empty = [synset for synset, images in found.items() if not images]
        if not found or empty:
            raise DatasetError(
                f"{path} holds no {_IMAGE_END} images of "
                f"{empty[0] if empty else 'any synset (folders or tars such as n01440764)'}"
            )
        return found

    def _read_validation(self, synsets: set[str]) -> dict[str, _Images]:
        """Validation images by synset."""
        path = self._required(_VALIDATION, "validation")
        if os.path.isdir(path):
            found = {
                name: _folder_images(os.path.join(path, name))
                for name in sorted(os.listdir(path))
                if _SYNSET.fullmatch(name)
            }
            if not found:
                return self._label(_folder_images(path), synsets, path)
            strange = sorted(set(found) - synsets)
            if strange:
                raise DatasetError(
                    f"{path} has the synset {strange[0]}, of which there are no training images"
                )
            return found
        return self._label(_tree_images(archive.open_archive(path)), synsets, path)

    def _label(self, images: _Images, synsets: set[str], where: str) -> dict[str, _Images]:
        """Gives each validation image the synset that a list says it shows."""
        source, labels = imagenet_labels.read_labels(self._raw_dir)
        found: dict[str, _Images] = {}
        for name, image in sorted(images, key=lambda image: image[0]):
            match = imagenet_labels.IMAGE.fullmatch(name)
            synset = labels.get(int(match[1])) if match else None
            if synset is None:
                raise DatasetError(
                    f"{name} in {where}: {source} has labels of {len(labels)} images, "
                    f"ILSVRC2012_val_{min(labels, default=0):08d}.JPEG to "
                    f"ILSVRC2012_val_{max(labels, default=0):08d}.JPEG"
                )
            if synset not in synsets:
                raise DatasetError(
                    f"{name} shows {synset!r} by {source}, of which there are no training images"
                )
            found.setdefault(synset, []).append((name, image))
        return found

    def _box_path(self) -> str | None:
        if self._box_file is not None:
            return self._box_file or None
        paths = (os.path.join(self._raw_dir, name) for name in _BOXES)
        return next((path for path in paths if os.path.exists(path)), None)


def _check_boxes(path: str, items: list[Item]) -> None:
    """Says how many training images have boxes; refuses boxes of none."""
    count = sum(bool(item.boxes) for item in items)
    if not count:
        raise DatasetError(
            f"{path} holds no bounding box of any training image; is it whole? Fetch it again, or "
            "pass --bounding_box_file= to leave boxes out"
        )
    command_line.note(f"{path} has boxes of {count:,} of the {len(items):,} training images")


def _refuse_compressed(path: str) -> None:
    """Raises `DatasetError` when the tar of tars is compressed."""
    with archive.explained(path), open(path, "rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise DatasetError(
                f"{path} is compressed; its tars are read in place, which needs a plain tar: "
                "inflate it with gunzip first"
            )


def _folder_images(path: str) -> _Images:
    # Not `archive.open_folder`: there are 1.3 million files, and no folders below.
    return [
        (name, FileSource(os.path.join(path, name)))
        for name in sorted(os.listdir(path))
        if name.endswith(_IMAGE_END) and not name.startswith(".")
    ]


def _tree_images(tree: archive.Tree) -> _Images:
    return [(os.path.basename(name), tree.source(name)) for name in tree.names(end=_IMAGE_END)]


def _items(
    images: dict[str, _Images],
    synsets: list[str],
    words: dict[str, str],
    boxes: bounding_boxes.Boxes,
) -> Iterator[Item]:
    """Items of all synsets in order; labels from 1."""
    for label, synset in enumerate(synsets, 1):
        text = words.get(synset, "")
        for name, source in images.get(synset, ()):
            box = boxes.get(name, ())
            yield Item(name, source, label, boxes=box, synset=synset, text=text)
