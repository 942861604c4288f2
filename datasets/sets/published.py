"""What the published data sets share: where they lie, their boxes, their names.

Each data set is a small class that lists (source, label, boxes); it says nothing of how records
are made or written.
"""

import argparse
import collections
import csv
import math
import os
from typing import Any

from datasets import catalog
from datasets.errors import DatasetError
from datasets.sources import archive
from datasets.sources.items import Box, BytesSource, Converter, Item, Listing, Skip

# What becomes of bounding boxes.
BOXES = ("record", "crop", "none")

# Stands for an image that is listed but not there.
_MISSING = BytesSource(b"")


class Published(Converter):
    """A data set of the catalogue in the layout in which it is published.

    Attributes:
        has_boxes: Whether the data set comes with bounding boxes.
    """

    has_boxes = False

    def __init__(self, raw_dir: str, boxes: str = "record"):
        """Takes the folder; nothing is read yet.

        Args:
            raw_dir: What was fetched: archives, or what came out of them.
            boxes: "record" writes bounding boxes to the records, "crop" cuts images to them,
                "none" leaves them out.
        """
        if boxes not in BOXES:
            raise DatasetError(f"boxes={boxes!r}; must be one of {', '.join(BOXES)}")
        self._raw_dir = raw_dir
        self._boxes = boxes if self.has_boxes else "none"

    @classmethod
    def num_shards(cls) -> dict[str, int]:
        """TFRecord files by split name, unless the user says."""
        return catalog.get(cls.name).num_shards

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        if not cls.has_boxes:
            return
        what = (
            "bounding boxes: record writes them to the records, where training crops heed them; "
            "crop cuts the images to them; none leaves them out, as the original's records do "
            "(default: %(default)s)"
        )
        add = parser.add_argument
        add("--boxes", choices=BOXES, default="record", help=what)
        what = "the original's name for --boxes=crop"
        add("--use_bbox", dest="boxes", action="store_const", const="crop", help=what)

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "Published":
        """Makes the data set that the command line asks for."""
        return cls(args.raw_dir, **({"boxes": args.boxes} if cls.has_boxes else {}))

    def _find(self, marker: str, *archives: str) -> archive.Tree:
        return archive.find(self._raw_dir, marker, archives)

    def _item(self, tree: archive.Tree, name: str, label: int, box: Box | None = None) -> Item:
        """An image of `tree`, there or not; `box` is (ymin, xmin, ymax, xmax) in pixels."""
        boxes = (box,) if box is not None and self._boxes != "none" else ()
        source = tree.source(name) if name in tree else _MISSING
        return Item(name, source, label, pixel_boxes=boxes)

    def _listing(
        self,
        labels: list[str],
        splits: dict[str, list[Item]],
        num_classes: int | None = None,
        **source: Any,
    ) -> Listing:
        """The listing; images that are not there become bad images of their split."""
        present, missing = _without_missing(splits)
        origin = {"raw_dir": os.path.abspath(self._raw_dir), **source}
        if self.has_boxes:
            origin["boxes"] = self._boxes
        return Listing(
            self.name,
            _distinct(labels),
            present,
            missing,
            source=origin,
            num_classes=num_classes,
            crop_to_boxes=self._boxes == "crop",
        )


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names; where one comes several times, with its label."""
    counts = collections.Counter(names)
    return tuple(
        name if counts[name] == 1 else f"{name} ({label})" for label, name in enumerate(names)
    )


def _without_missing(
    splits: dict[str, list[Item]],
) -> tuple[dict[str, list[Item]], dict[str, list[Skip]]]:
    """The images that are there, and those that are not; of each class one must be there."""
    present, missing = {}, {}
    for split, items in splits.items():
        present[split] = [item for item in items if item.source is not _MISSING]
        lost = [item for item in items if item.source is _MISSING]
        kept = {item.label for item in present[split]} if lost else set()
        for item in lost:
            if item.label not in kept:
                raise DatasetError(
                    f"{item.name} is missing, and so is every other image of label {item.label} "
                    f"in split {split!r}; fetch or unpack the data again"
                )
        missing[split] = [Skip(item.name, "missing", bad=True) for item in lost]
    return present, missing


def csv_rows(tree: archive.Tree, name: str) -> list[list[str]]:
    """The cells of each line of the CSV file `name` in `tree`."""
    try:
        return list(csv.reader(tree.lines(name)))
    except csv.Error as error:
        raise DatasetError(f"{name} in {tree.where} is no CSV file: {error}") from error


def label_of(name: str, labels: dict[str, int], where: str) -> int:
    """The label of the class `name`; `where` says who names it, for messages."""
    if name not in labels:
        raise DatasetError(
            f"class {name!r} in {where} is not in the list of the {len(labels)} classes"
        )
    return labels[name]


def numbers(words: list[str], where: str) -> list[float]:
    """The words as finite numbers; `DatasetError` where one is none."""
    try:
        found = [float(word) for word in words]
    except ValueError:
        found = [math.nan]
    if not all(math.isfinite(number) for number in found):
        raise DatasetError(f"{' '.join(words)!r} in {where}: finite numbers are needed")
    return found


def whole(word: str, where: str, minimum: int = 1) -> int:
    """The word as a whole number of at least `minimum`; `DatasetError` where it is none."""
    try:
        number = int(word)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        raise DatasetError(f"{word!r} in {where}: a whole number from {minimum} is needed")
    return number
