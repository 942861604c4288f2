"""Images that a CSV file lists: a line for each, with path and label.

`raw_dir` holds the images and either train.csv and validation.csv (also val.csv; test.csv may be
there), or one list, named with --csv_file, with a column for the split or with
--validation_fraction. The first line names the columns: path, label and perhaps split (other
names by flags). Paths are relative to `raw_dir`. Labels that are all whole numbers are kept as
they are; others are names, and numbered in alphabetical order.
"""

import argparse
import csv
import os
import sys

from datasets.errors import DatasetError
from datasets.sources import archive
from datasets.sources.hold_out import check_fraction, hold_out
from datasets.sources.image_folder import SPLIT_NAMES
from datasets.sources.items import FileSource, Item, Listing

_LARGEST_LABEL = 999_999
_ORDER = ("train", "validation", "test")
_COLUMNS = ("path", "label", "split")
# Of the labels without training images, so many are named.
_SHOWN_LABELS = 5


class CsvList:
    """The data set in one or several CSV files."""

    name = "csv"
    help = "a CSV file of paths and labels"

    def __init__(
        self,
        raw_dir: str,
        csv_file: str | None = None,
        columns: tuple[str, str, str] = _COLUMNS,
        validation_fraction: float | None = None,
        seed: int = 0,
    ):
        """Takes the places; nothing is read yet.

        Args:
            raw_dir: Folder that the paths start from.
            csv_file: One list of everything; None takes train.csv and so on in `raw_dir`.
            columns: Names of the columns of path, label and split.
            validation_fraction: Share of each class that becomes the validation split.
            seed: Which images those are.

        Raises:
            DatasetError: The fraction is not in (0, 1).
        """
        check_fraction(validation_fraction)
        self._raw_dir = raw_dir
        self._csv_file = csv_file
        self._columns = columns
        self._fraction = validation_fraction
        self._seed = seed

    @staticmethod
    def num_shards() -> dict[str, int]:
        """TFRecord files by split name, unless the user says."""
        return {"train": 8, "validation": 2, "test": 2}

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        add = parser.add_argument
        default = " (default: %(default)s)"
        add("--csv_file", metavar="FILE", help="one list of all images (see above)")
        for column in _COLUMNS:
            add(
                f"--{column}_column",
                default=column,
                metavar="NAME",
                help=f"column of the {column}" + default,
            )
        add(
            "--validation_fraction",
            type=float,
            metavar="F",
            help="share of each class that becomes the validation split, for a list that has none",
        )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "CsvList":
        """Makes the data set that the command line asks for."""
        columns = (args.path_column, args.label_column, args.split_column)
        return cls(args.raw_dir, args.csv_file, columns, args.validation_fraction, args.seed)

    def listing(self) -> Listing:
        """Lists all images; none is opened.

        Raises:
            DatasetError: No list, columns missing, a path out of `raw_dir`, an unknown split, no
                validation split, fewer than two classes, or a class without training images.
        """
        archive.check_raw_dir(self._raw_dir)
        rows = self._rows()
        labels, names = _number_labels([label for _, _, label in rows])
        splits: dict[str, list[Item]] = {}
        for (split, path, _), label in zip(rows, labels, strict=True):
            item = Item(path, FileSource(os.path.join(self._raw_dir, path)), label)
            splits.setdefault(split, []).append(item)
        if "train" not in splits:
            raise DatasetError(f"the lists for --raw_dir={self._raw_dir} hold no training images")
        if self._fraction is not None and "validation" in splits:
            raise DatasetError(
                f"--validation_fraction={self._fraction}, but the lists hold a validation split; "
                "leave the flag out"
            )
        if self._fraction is not None:
            splits = hold_out(splits, self._fraction, self._seed)
        if "validation" not in splits:
            raise DatasetError(
                f"the lists for --raw_dir={self._raw_dir} hold no validation split; add one, or "
                "pass --validation_fraction=0.2"
            )
        if len(names) < 2:
            raise DatasetError(f"the lists hold one class only ({names[0]}); two are needed")
        _check_trained(names, splits)
        ordered = {split: splits[split] for split in _ORDER if split in splits}
        origin = {
            "raw_dir": os.path.abspath(self._raw_dir),
            "csv_file": self._csv_file and os.path.abspath(self._csv_file),
            "validation_fraction": self._fraction,
        }
        return Listing(self.name, tuple(names), ordered, source=origin)

    def _rows(self) -> list[tuple[str, str, str]]:
        """Split, path and label of each image."""
        if self._csv_file is not None:
            rows = self._read(self._csv_file, None)
            if not rows:
                raise DatasetError(
                    f"{self._csv_file} lists no images; needed is a line for each, below the "
                    "names of the columns"
                )
            return rows
        rows = []
        for name, split in SPLIT_NAMES.items():
            path = os.path.join(self._raw_dir, f"{name}.csv")
            if os.path.exists(path):
                rows += self._read(path, split)
        if not rows:
            raise DatasetError(
                f"--raw_dir={self._raw_dir} holds no train.csv and validation.csv with images; "
                "put them there, or name one list with --csv_file"
            )
        return rows

    def _read(self, path: str, split: str | None) -> list[tuple[str, str, str]]:
        path_column, label_column, split_column = self._columns
        rows = []
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, skipinitialspace=True)
                columns = set(reader.fieldnames or ())
                has_splits = split is None and split_column in columns
                missing = {path_column, label_column} - columns
                if split is None and split_column != _COLUMNS[2] and not has_splits:
                    missing.add(split_column)
                if missing:
                    raise DatasetError(
                        f"{path} lacks the column {', '.join(sorted(missing))}; its first line "
                        f"names: {', '.join(reader.fieldnames or ()) or 'nothing'}. See "
                        "--path_column, --label_column and --split_column"
                    )
                for row in reader:
                    where = f"line {reader.line_num} of {path}"
                    name = (row[path_column] or "").strip()
                    label = (row[label_column] or "").strip()
                    if not name or not label:
                        raise DatasetError(f"{where}: path {name!r}, label {label!r}; both needed")
                    own = _split_of(row[split_column] or "", where) if has_splits else split
                    rows.append((own or "train", self._inside(name, where), label))
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from error
        return rows

    def _inside(self, name: str, where: str) -> str:
        """The path relative to `raw_dir`, with slashes."""
        if "\0" in name:
            raise DatasetError(f"{where}: path {name!r} holds a NUL byte; no file has such a name")
        root = os.path.abspath(self._raw_dir)
        path = os.path.normpath(os.path.join(root, name))
        if os.path.commonpath([root, path]) != root:
            # One of the two may lead through a symbolic link.
            folder, base = os.path.split(os.path.join(root, name))
            root = os.path.realpath(root)
            path = os.path.normpath(os.path.join(os.path.realpath(folder), base))
        if os.path.commonpath([root, path]) != root:
            raise DatasetError(
                f"{where}: {name!r} lies outside --raw_dir={self._raw_dir}; choose a --raw_dir "
                "that holds all images"
            )
        return os.path.relpath(path, root).replace(os.sep, "/")


def _split_of(text: str, where: str) -> str:
    split = SPLIT_NAMES.get(text.strip().lower())
    if split is None:
        raise DatasetError(
            f"{where}: split {text!r}; must be one of {', '.join(sorted(SPLIT_NAMES))}"
        )
    return split


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


def _check_trained(names: list[str], splits: dict[str, list[Item]]) -> None:
    """Refuses names of classes without training images, and says which numbers have none.

    Numbers may be meant so: labels that are only retrieved, or a list that is a part of another.

    Raises:
        DatasetError: A class with a name has no training images.
    """
    trained = {item.label for item in splits["train"]}
    empty = [name for label, name in enumerate(names) if label not in trained]
    if not empty:
        return
    more = len(empty) - _SHOWN_LABELS
    shown = ", ".join(empty[:_SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")
    if not all(name.isascii() and name.isdigit() for name in names):
        raise DatasetError(
            f"no training images of the classes {shown}; list some, or give the classes numbers if "
            "these are only retrieved"
        )
    print(
        f"note: {len(empty)} of the {len(names)} labels have no training images: {shown}",
        file=sys.stderr,
    )
