"""What lists and tables of labelled images share: splits, class names and numbers."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources.hold_out import hold_out
from datasets.sources.items import Converter, Item, Listing, Skip, Source

_ORDER = ("train", "validation", "test")
_VALIDATION = dict.fromkeys(("validation", "val", "valid"), "validation")
SPLIT_NAMES = {"train": "train", **_VALIDATION, "test": "test"}

_LARGEST_LABEL = 999_999
# Of the labels without training images, so many are named.
_SHOWN_LABELS = 5


class Divided(Converter):
    """A folder, list or table of which a share of each class may become the validation split.

    `seed` decides which images those are.
    """

    raw_dir: str
    validation_fraction: float | None
    seed: int

    def __post_init__(self):
        """Refuses a fraction that is not in (0, 1)."""
        fraction = self.validation_fraction
        if fraction is not None and not 0.0 < fraction < 1.0:
            raise DatasetError(
                f"--validation_fraction={fraction}; must be more than 0 and less than 1"
            )


class Row(NamedTuple):
    """One image of a table: its split, its name, its class in words or digits, and its bytes."""

    split: str
    name: str
    label: str
    source: Source


def add_fraction_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds --validation_fraction; `what` says which input it is for."""
    what = f"share of each class that becomes the validation split, for {what}"
    parser.add_argument("--validation_fraction", type=float, metavar="F", help=what)


def add_column_arguments(parser: argparse.ArgumentParser, columns: Sequence[str]) -> None:
    """Adds a flag for the name of each column."""
    for column in columns:
        what = f"column of the {column} (default: %(default)s)"
        parser.add_argument(f"--{column}_column", default=column, metavar="NAME", help=what)


def split_of(text: str, where: str) -> str:
    """The split that a cell of a table names; `where` is the cell's place, for messages."""
    split = SPLIT_NAMES.get(text.strip().lower())
    if split is None:
        raise DatasetError(
            f"{where}: split {text!r}; must be one of {', '.join(sorted(SPLIT_NAMES))}"
        )
    return split


def make_listing(
    table: Divided,
    rows: Sequence[Row],
    where: str,
    names: Sequence[str] = (),
    skipped: dict[str, list[Skip]] | None = None,
    **origin: Any,
) -> Listing:
    """The listing of the images of a table.

    Args:
        table: What is listed.
        rows: The images.
        where: What holds them, in the plural, for messages.
        names: Class names by label, where they are known; each row's label is a number then.
        skipped: Rows by split that are no images of the data set.
        **origin: Where the data came from beside its `raw_dir`, for the manifest.

    Raises:
        DatasetError: No training or no validation images, one class only, or a class with a name
            and no training images.
    """
    fraction = table.validation_fraction
    if names:
        labels = [int(row.label) for row in rows]
    else:
        labels, names = _number_labels([row.label for row in rows])
    splits: dict[str, list[Item]] = {}
    for row, label in zip(rows, labels, strict=True):
        splits.setdefault(row.split, []).append(Item(row.name, row.source, label))
    if "train" not in splits:
        raise DatasetError(f"{where} hold no training images")
    if fraction is not None and "validation" in splits:
        raise DatasetError(
            f"--validation_fraction={fraction}, but {where} hold a validation split; "
            "leave the flag out"
        )
    if fraction is not None:
        splits = hold_out(splits, fraction, table.seed)
    if "validation" not in splits:
        raise DatasetError(
            f"{where} hold no validation split; add one, or pass --validation_fraction=0.2"
        )
    if len(names) < 2:
        raise DatasetError(f"{where} hold one class only ({names[0]}); two are needed")
    _check_trained(names, splits)
    ordered = {split: splits[split] for split in _ORDER if split in splits}
    kept = {split: skips for split, skips in (skipped or {}).items() if split in ordered}
    source = {"raw_dir": os.path.abspath(table.raw_dir), **origin, "validation_fraction": fraction}
    return Listing(table.name, tuple(names), ordered, kept, source)


def _number_labels(texts: list[str]) -> tuple[list[int], list[str]]:
    """The label of each text, and the class names by label."""
    if all(text.isascii() and text.isdigit() for text in texts):
        # Python refuses to convert a text of thousands of digits: its length comes first.
        texts = [text.lstrip("0") or "0" for text in texts]
        longest = max(texts, key=len)
        if len(longest) > len(str(_LARGEST_LABEL)):
            raise DatasetError(
                f"label {longest[:20]}{'...' * (len(longest) > 20)}: numbers up to "
                f"{_LARGEST_LABEL} are kept as they are; give the classes names"
            )
        labels = [int(text) for text in texts]
        return labels, [str(label) for label in range(max(labels) + 1)]
    names = sorted(set(texts))
    numbers = {name: label for label, name in enumerate(names)}
    return [numbers[text] for text in texts], names


def _check_trained(names: Sequence[str], splits: dict[str, list[Item]]) -> None:
    """Refuses names of classes without training images, and says which numbers have none.

    Numbers may be meant so: labels that are only retrieved, or a list that is a part of another.
    """
    trained = {item.label for item in splits["train"]}
    empty = [name for label, name in enumerate(names) if label not in trained]
    if not empty:
        return
    shown = command_line.shown(empty, _SHOWN_LABELS)
    if not all(name.isascii() and name.isdigit() for name in names):
        raise DatasetError(
            f"no training images of the classes {shown}; list some, or give the classes numbers if "
            "these are only retrieved"
        )
    command_line.note(f"{len(empty)} of the {len(names)} labels have no training images: {shown}")
