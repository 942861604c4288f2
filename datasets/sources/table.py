"""What folders, lists and tables of people's own images share: splits, class names and numbers."""

import argparse
import os
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources.hold_out import hold_out
from datasets.sources.items import Converter, Item, Listing, Skip, Source

_ORDER = ("train", "validation", "test")
# What people call the splits, in lower case.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}

# A share, "auto" for `_AUTO` where there is no validation split, or None.
Fraction = float | str | None
AUTO = "auto"
_AUTO_FRACTION = 0.2

_LARGEST_LABEL = 999_999
# Of the labels without training images, so many are named.
_SHOWN_LABELS = 5


class Divided(Converter):
    """A folder, list or table of which a share of each class may become the validation split.

    `seed` decides which images those are. Images are turned upright unless `ignore_exif`.
    """

    raw_dir: str
    validation_fraction: Fraction
    seed: int
    ignore_exif: bool

    def __post_init__(self):
        """Refuses a fraction that is not in (0, 1)."""
        fraction = self.validation_fraction
        if isinstance(fraction, float) and not 0.0 < fraction < 1.0:
            raise DatasetError(
                f"--validation_fraction={fraction}; must be more than 0 and less than 1"
            )


class Row(NamedTuple):
    """One image of a table: its split, its name, its class in words or digits, and its bytes."""

    split: str
    name: str
    label: str
    source: Source


def _fraction(text: str) -> Fraction:
    if text == AUTO:
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be {AUTO}, or a number of more than 0 and less than 1. Received: {text!r}"
        ) from None


def add_common_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds --validation_fraction and --ignore_exif; `what` says which input the first is for."""
    what = (
        f"share of each class that becomes the validation split, for {what}; chosen by --seed and "
        f"name; {AUTO} takes {_AUTO_FRACTION} where there is no validation split"
    )
    parser.add_argument("--validation_fraction", type=_fraction, metavar="F", help=what)
    what = "do not turn photos upright whose EXIF orientation says that they lie on their side"
    parser.add_argument("--ignore_exif", action="store_true", help=what)


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
    if names:
        labels = [int(row.label) for row in rows]
    else:
        labels, names = _number_labels([row.label for row in rows])
    splits: dict[str, list[Item]] = {}
    for row, label in zip(rows, labels, strict=True):
        splits.setdefault(row.split, []).append(Item(row.name, row.source, label))
    if "train" not in splits:
        bad = [f"{skip.file}: {skip.reason}" for skip in (skipped or {}).get("train", ())]
        why = f" ({command_line.shown(bad, 3)})" if bad else ""
        raise DatasetError(f"{where} hold no training images{why}")
    if len(names) < 2:
        raise DatasetError(f"{where} hold one class only ({names[0]}); two are needed")
    listing = divide(table, names, splits, skipped or {}, where, **origin)
    _check_trained(names, listing.splits)
    return listing


def divide(
    table: Divided,
    names: Sequence[str],
    splits: dict[str, list[Item]],
    skipped: dict[str, list[Skip]],
    where: str,
    **origin: Any,
) -> Listing:
    """The listing of `splits`, which must have a validation split or is given one.

    Args:
        table: What is listed.
        names: Class names by label.
        splits: The images.
        skipped: Files or rows by split that are left out.
        where: What holds them, for messages.
        **origin: As in `make_listing`.

    Raises:
        DatasetError: No validation images, or two answers to which images those are.
    """
    fraction = table.validation_fraction
    if fraction == AUTO:
        fraction = None if "validation" in splits else _AUTO_FRACTION
        if fraction:
            command_line.note(
                f"there is no validation split: {fraction:.0%} of each class become one"
            )
    elif fraction is not None and "validation" in splits:
        raise DatasetError(
            f"--validation_fraction={fraction}, but {where} hold a validation split; "
            f"leave the flag out, or pass --validation_fraction={AUTO}"
        )
    if fraction is not None:
        splits = hold_out(splits, fraction, table.seed, names)
    if "validation" not in splits:
        raise DatasetError(
            f"{where} hold no validation split; add one, or pass --validation_fraction=0.2 to "
            "hold out a share of the training images"
        )
    ordered = {split: splits[split] for split in _ORDER if split in splits}
    kept = {split: skips for split, skips in skipped.items() if split in ordered}
    source = {"raw_dir": os.path.abspath(table.raw_dir), **origin, "validation_fraction": fraction}
    upright = not table.ignore_exif
    return Listing(table.name, tuple(names), ordered, kept, source, upright=upright)


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
    # Composed and decomposed accents are one class.
    texts = [unicodedata.normalize("NFC", text) for text in texts]
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
