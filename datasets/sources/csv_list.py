"""Images that a CSV file lists: a line for each, with path and label.

`raw_dir` holds the images and either train.csv and validation.csv (also val.csv; test.csv may be
there), or one list, named with --csv_file, with a column for the split or with
--validation_fraction. The first line names the columns: path, label and perhaps split (other
names by flags). Paths are relative to `raw_dir`. Labels that are all whole numbers are kept as
they are; others are names, and numbered in alphabetical order.
"""

import argparse
import csv
import dataclasses
import os

from datasets.errors import DatasetError
from datasets.sources import archive, table
from datasets.sources.items import FileSource, Listing

_COLUMNS = ("path", "label", "split")


@dataclasses.dataclass(frozen=True)
class CsvList(table.Divided):
    """The data set in one or several CSV files.

    Attributes:
        raw_dir: Folder that the paths start from.
        csv_file: One list of everything; None takes train.csv and so on in `raw_dir`.
        columns: Names of the columns of path, label and split.
        validation_fraction: See `table.Divided`, also for `seed`.
    """

    raw_dir: str
    csv_file: str | None = None
    columns: tuple[str, str, str] = _COLUMNS
    validation_fraction: float | None = None
    seed: int = 0

    name = "csv"
    help = "a CSV file of paths and labels"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        what = "one list of all images (see above)"
        parser.add_argument("--csv_file", metavar="FILE", help=what)
        table.add_column_arguments(parser, _COLUMNS)
        table.add_fraction_argument(parser, "a list that has none")

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "CsvList":
        """Makes the data set that the command line asks for."""
        columns = (args.path_column, args.label_column, args.split_column)
        return cls(args.raw_dir, args.csv_file, columns, args.validation_fraction, args.seed)

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        archive.check_raw_dir(self.raw_dir)
        csv_file = self.csv_file and os.path.abspath(self.csv_file)
        where = f"the lists for --raw_dir={self.raw_dir}"
        return table.make_listing(self, self._rows(), where, csv_file=csv_file)

    def _rows(self) -> list[table.Row]:
        """Every image that is listed."""
        if self.csv_file is not None:
            rows = self._read(self.csv_file, None)
            if not rows:
                raise DatasetError(
                    f"{self.csv_file} lists no images; needed is a line for each, below the "
                    "names of the columns"
                )
            return rows
        rows = []
        for name, split in table.SPLIT_NAMES.items():
            path = os.path.join(self.raw_dir, f"{name}.csv")
            if os.path.exists(path):
                rows += self._read(path, split)
        if not rows:
            raise DatasetError(
                f"--raw_dir={self.raw_dir} holds no train.csv and validation.csv with images; "
                "put them there, or name one list with --csv_file"
            )
        return rows

    def _read(self, path: str, split: str | None) -> list[table.Row]:
        path_column, label_column, split_column = self.columns
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
                    own = table.split_of(row[split_column] or "", where) if has_splits else split
                    name = self._inside(name, where)
                    source = FileSource(os.path.join(self.raw_dir, name))
                    rows.append(table.Row(own or "train", name, label, source))
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from error
        return rows

    def _inside(self, name: str, where: str) -> str:
        """The path relative to `raw_dir`, with slashes."""
        if "\0" in name:
            raise DatasetError(f"{where}: path {name!r} holds a NUL byte; no file has such a name")
        root = os.path.abspath(self.raw_dir)
        path = os.path.normpath(os.path.join(root, name))
        if os.path.commonpath([root, path]) != root:
            # One of the two may lead through a symbolic link.
            folder, base = os.path.split(os.path.join(root, name))
            root = os.path.realpath(root)
            path = os.path.normpath(os.path.join(os.path.realpath(folder), base))
        if os.path.commonpath([root, path]) != root:
            raise DatasetError(
                f"{where}: {name!r} lies outside --raw_dir={self.raw_dir}; choose a --raw_dir "
                "that holds all images"
            )
        return os.path.relpath(path, root).replace(os.sep, "/")
