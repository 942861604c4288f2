"""Images that a CSV file lists: a line for each, with path and label.

`raw_dir` holds the images and either train.csv and validation.csv (also val.csv; test.csv may be
there), or one list, named with --csv_file, with a column for the split or with
--validation_fraction. The first line names the columns: path, label and perhaps split (other
names by flags), separated by comma, semicolon or tab. Paths are
relative to `raw_dir`. Labels that are all whole numbers are kept as they are; others are names,
and numbered in alphabetical order.
"""

import argparse
import csv
import dataclasses
import os
import unicodedata
from collections.abc import Callable
from typing import TextIO

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources import archive, table
from datasets.sources.items import FileSource, Listing, Skip

_COLUMNS = ("path", "label", "split")
# Spreadsheets of many countries put the others in the place of the comma.
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Names for one file: Windows' separators, accents as other systems compose them.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name.replace("\\", "/"),
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: unicodedata.normalize("NFD", name),
)


@dataclasses.dataclass(frozen=True)
class CsvList(table.Divided):
    """The data set in one or several CSV files.

    Attributes:
        raw_dir: Folder that the paths start from.
        csv_file: One list of everything; None takes train.csv and so on in `raw_dir`.
        columns: Names of the columns of path, label and split.
        validation_fraction: See `table.Divided`, also for `seed` and `ignore_exif`.
    """

    raw_dir: str
    csv_file: str | None = None
    columns: tuple[str, str, str] = _COLUMNS
    validation_fraction: table.Fraction = None
    seed: int = 0
    ignore_exif: bool = False

    name = "csv"
    help = "a CSV file of paths and labels"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        what = "one list of all images (see above)"
        parser.add_argument("--csv_file", type=command_line.path, metavar="FILE", help=what)
        table.add_column_arguments(parser, _COLUMNS)
        table.add_common_arguments(parser, "a list that has none")

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "CsvList":
        """Makes the data set that the command line asks for."""
        columns = (args.path_column, args.label_column, args.split_column)
        share = (args.validation_fraction, args.seed, args.ignore_exif)
        return cls(args.raw_dir, args.csv_file, columns, *share)

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        archive.check_raw_dir(self.raw_dir)
        csv_file = self.csv_file and os.path.abspath(self.csv_file)
        skipped: dict[str, list[Skip]] = {}
        rows = self._rows(skipped)
        where = f"the lists for --raw_dir={self.raw_dir}"
        return table.make_listing(self, rows, where, skipped=skipped, csv_file=csv_file)

    def _rows(self, skipped: dict[str, list[Skip]]) -> list[table.Row]:
        """Every image that is listed; lines that are no such image go to `skipped`."""
        if self.csv_file is not None:
            found = [(self.csv_file, None)]
            place = self.csv_file
        else:
            names = sorted(os.listdir(self.raw_dir)) if os.path.isdir(self.raw_dir) else []
            stems = {name: name.lower().removesuffix(".csv") for name in names}
            found = [
                (os.path.join(self.raw_dir, name), table.SPLIT_NAMES[stem])
                for name, stem in stems.items()
                if stem in table.SPLIT_NAMES and stem != name.lower()
            ]
            place = f"--raw_dir={self.raw_dir}"
        rows = [row for path, split in found for row in self._read(path, split, skipped)]
        if rows:
            _note_repeated(rows)
            return rows
        bad = [f"{skip.file}: {skip.reason}" for skips in skipped.values() for skip in skips]
        if bad:
            raise DatasetError(f"{place} lists no image to be used: {command_line.shown(bad, 3)}")
        if self.csv_file is not None:
            raise DatasetError(
                f"{place} lists no images; needed is a line for each, below the names of the "
                "columns"
            )
        raise DatasetError(
            f"{place} holds no train.csv and validation.csv with images; put them there, or name "
            "one list with --csv_file"
        )

    def _read(
        self, path: str, split: str | None, skipped: dict[str, list[Skip]]
    ) -> list[table.Row]:
        path_column, label_column, split_column = self.columns
        rows = []
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                reader = self._open(file, path, split is None)
                has_splits = split is None and split_column in (reader.fieldnames or ())
                for row in reader:
                    where = f"line {reader.line_num} of {path}"
                    own = table.split_of(row[split_column] or "", where) if has_splits else split
                    own = own or "train"
                    name = (row[path_column] or "").strip()
                    label = (row[label_column] or "").strip()
                    try:
                        if not name or not label:
                            raise DatasetError(f"path {name!r}, label {label!r}; both needed")
                        name = self._inside(name)
                    except DatasetError as error:
                        skipped.setdefault(own, []).append(Skip(where, str(error), bad=True))
                    else:
                        source = FileSource(os.path.join(self.raw_dir, name))
                        rows.append(table.Row(own, name, label, source))
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(
                f"{path} is no CSV file in UTF-8: {error}. A spreadsheet saves one as CSV UTF-8"
            ) from error
        return rows

    def _open(self, file: TextIO, path: str, may_have_splits: bool) -> csv.DictReader:
        """The reader with the first separator that gives all columns.

        Raises:
            DatasetError: None does.
        """
        path_column, label_column, split_column = self.columns
        wanted = {path_column, label_column}
        if may_have_splits and split_column != _COLUMNS[2]:
            wanted.add(split_column)
        for separator, word in _SEPARATORS.items():
            file.seek(0)
            reader = csv.DictReader(file, delimiter=separator, skipinitialspace=True)
            if wanted <= set(reader.fieldnames or ()):
                if separator != ",":
                    command_line.note(f"{path} is separated by {word}s")
                return reader
        file.seek(0)
        first = file.readline()
        # The one that comes most often.
        separator = max(_SEPARATORS, key=first.count)
        reader = csv.DictReader([first], delimiter=separator, skipinitialspace=True)
        columns = list(reader.fieldnames or ())
        raise DatasetError(
            f"{path} lacks the column {', '.join(sorted(wanted - set(columns)))}; its first line "
            f"names: {', '.join(columns) or 'nothing'}. The separator seems to be a "
            f"{_SEPARATORS[separator]}. See --path_column, --label_column and --split_column"
        )

    def _inside(self, name: str) -> str:
        """The path of a file that is there, if possible, relative to `raw_dir`, with slashes.

        Raises:
            DatasetError: It lies elsewhere.
        """
        if "\0" in name:
            raise DatasetError(f"path {name!r} holds a NUL byte; no file has such a name")
        root = os.path.abspath(self.raw_dir)
        spelt = (spell(name) for spell in _SPELLINGS)
        name = next((s for s in spelt if os.path.lexists(os.path.join(root, s))), name)
        path = os.path.normpath(os.path.join(root, name))
        if os.path.commonpath([root, path]) != root:
            # One of the two may lead through a symbolic link.
            folder, base = os.path.split(os.path.join(root, name))
            root = os.path.realpath(root)
            path = os.path.normpath(os.path.join(os.path.realpath(folder), base))
        if os.path.commonpath([root, path]) != root:
            raise DatasetError(
                f"{name!r} lies outside --raw_dir={self.raw_dir}; choose a --raw_dir that holds "
                "all images"
            )
        return os.path.relpath(path, root).replace(os.sep, "/")


def _note_repeated(rows: list[table.Row]) -> None:
    """Says how many images are listed several times, and of them with different labels."""
    labels: dict[str, list[str]] = {}
    for row in rows:
        labels.setdefault(row.name, []).append(row.label)
    several = {name: found for name, found in labels.items() if len(found) > 1}
    if several:
        differing = sum(len(set(found)) > 1 for found in several.values())
        command_line.note(
            f"{len(several)} images are listed more than once, {differing} of them with different "
            f"labels, such as {min(several)}"
        )
