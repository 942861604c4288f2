"""Parquet files with a row for each image, such as people download from Hugging Face.

`raw_dir` is a file, or a folder that holds *.parquet, also in folders below. A row has the image's
bytes (a column of bytes, or of {bytes, path} as Hugging Face writes it) and its label: a name, or a
number, whose name is taken from the file where Hugging Face left it there. The split is that of a
column (--split_column), or of the file's name or folder (train-00000-of-00002.parquet,
validation/0000.parquet; also val, valid and test), or made by --validation_fraction.
"""

import argparse
import dataclasses
import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources import archive, table
from datasets.sources.items import FileSource, Listing, Skip

_END = ".parquet"
_SPLIT_COLUMN = "split"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class ParquetSource:
    """The image of one row.

    Reading in order is fast, anything else decodes a whole row group for each image: the writer
    copies the images as one hidden file first (see `inflate.py`). `row` is the number in its group,
    `column` that of the images, `stamp` size and time of the file.
    """

    path: str
    row_group: int
    row: int
    column: str
    stamp: str = ""

    def read(self) -> bytes:
        """Returns the bytes of the image file; none where the cell is empty."""
        image = _images(self.path, self.row_group, self.column, self.stamp)[self.row].as_py()
        if isinstance(image, dict):
            image = image["bytes"]
        return image or b""

    def fingerprint(self) -> str:
        """Changes with the file, or when the image lies elsewhere in it."""
        return f"{self.stamp}:{self.row_group}:{self.row}"


@functools.lru_cache(maxsize=1)
def _images(path: str, row_group: int, column: str, stamp: str) -> Any:
    # The stamp is there to have another file of that name opened anew.
    import pyarrow

    try:
        return _open(path).read_row_group(row_group, columns=[column])[column]
    except (pyarrow.ArrowException, OSError) as error:
        raise OSError(f"{path} is damaged or cut off ({command_line.first_line(error)})") from error


def _open(path: str) -> Any:
    """The `pyarrow.parquet.ParquetFile` at `path`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DatasetError(
            f"pyarrow, which reads Parquet files, cannot be imported ({error}); "
            "pip install 'pyarrow>=14,<25' works with NumPy 1"
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path} is no Parquet file: {command_line.first_line(error)}"
        ) from error


@dataclasses.dataclass(frozen=True)
class ParquetTable(table.Divided):
    """The data set in one or several Parquet files.

    Attributes:
        raw_dir: The file, or the folder.
        image_column: Column of the images.
        label_column: Column of the labels.
        split_column: Column of the splits; None takes `split` where there is one.
        validation_fraction: See `table.Divided`, also for `seed` and `ignore_exif`.
        drop_duplicates: Whether of equal images only the first is taken.
    """

    raw_dir: str
    image_column: str = "image"
    label_column: str = "label"
    split_column: str | None = None
    validation_fraction: table.Fraction = None
    drop_duplicates: bool = False
    seed: int = 0
    ignore_exif: bool = False

    name = "parquet"
    help = "Parquet files with a row for each image, as Hugging Face has them"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        table.add_column_arguments(parser, ("image", "label"))
        what = f"column of the split (default: {_SPLIT_COLUMN}, where there is one)"
        parser.add_argument("--split_column", metavar="NAME", help=what)
        what = "take of equal images only the first; every image is read for that"
        parser.add_argument("--drop_duplicates", action="store_true", help=what)
        table.add_common_arguments(parser, "files that have none")

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        skipped: dict[str, list[Skip]] = {}
        rows: list[table.Row] = []
        names: list[str] | None = None
        for path in self._paths():
            file = _open(path)
            self._check_columns(file.schema_arrow, path)
            own = _class_names(file.schema_arrow, self.label_column)
            if names is not None and own != names:
                raise DatasetError(f"{path} names other classes than the files before it")
            names = own
            rows += self._rows(path, file, own, skipped)
        if self.drop_duplicates:
            rows = list(_without_duplicates(rows))
        if not rows:
            raise DatasetError(f"--raw_dir={self.raw_dir} holds no image with a label")
        # Those of competitions are not published.
        if skipped.get("test") and not any(row.split == "test" for row in rows):
            command_line.note("the test images have no labels and are left out")
            del skipped["test"]
        where = f"the files of --raw_dir={self.raw_dir}"
        return table.make_listing(self, rows, where, names, skipped)

    def _paths(self) -> list[str]:
        archive.check_raw_dir(self.raw_dir)
        if os.path.isfile(self.raw_dir):
            return [self.raw_dir]
        names = archive.open_folder(self.raw_dir).names(end=_END)
        if not names:
            raise DatasetError(f"--raw_dir={self.raw_dir} holds no files *{_END}")
        return [os.path.join(self.raw_dir, name) for name in names]

    def _check_columns(self, schema: Any, path: str) -> None:
        import pyarrow.types as types

        wanted = [self.image_column, self.label_column]
        wanted += [self.split_column] if self.split_column is not None else []
        missing = [name for name in wanted if name not in schema.names]
        if missing:
            raise DatasetError(
                f"{path} lacks the column {', '.join(missing)}; it has: {', '.join(schema.names)}. "
                "See --image_column, --label_column and --split_column"
            )
        image = schema.field(self.image_column).type
        if types.is_struct(image) and image.get_field_index("bytes") >= 0:
            image = image.field("bytes").type
        label = schema.field(self.label_column).type
        label = label.value_type if types.is_dictionary(label) else label
        images = types.is_binary(image) or types.is_large_binary(image)
        labels = types.is_integer(label) or types.is_string(label) or types.is_large_string(label)
        for name, fits, right in (
            (self.image_column, images, "bytes, or {bytes, path}"),
            (self.label_column, labels, "whole numbers or texts"),
        ):
            if not fits:
                raise DatasetError(
                    f"the column {name} of {path} holds {schema.field(name).type}; it must hold "
                    f"{right}. It has the columns: {', '.join(schema.names)}"
                )

    def _rows(
        self, path: str, file: Any, names: list[str], skipped: dict[str, list[Skip]]
    ) -> Iterator[table.Row]:
        """The rows of one file; those without a label go to `skipped`."""
        stamp = FileSource(path).fingerprint()
        below = os.path.basename(path)
        if os.path.isdir(self.raw_dir):
            below = os.path.relpath(path, self.raw_dir).replace(os.sep, "/")
        column = self.split_column or _SPLIT_COLUMN
        columns = [self.label_column]
        columns += [column] if column in file.schema_arrow.names else []
        number = 0
        for group in range(file.num_row_groups):
            cells = file.read_row_group(group, columns=columns)
            labels = cells[self.label_column].to_pylist()
            splits = cells[column].to_pylist() if len(columns) > 1 else [None] * len(labels)
            for row, (label, split) in enumerate(zip(labels, splits, strict=True)):
                if len(columns) > 1:
                    split = table.split_of(str(split or ""), f"row {number} of {path}")
                else:
                    split = _split_of_file(below)
                name = f"{below.removesuffix(_END)}/{number:06d}"
                reason = _no_label(label, names)
                if reason:
                    skipped.setdefault(split, []).append(Skip(name, reason, bad=True))
                else:
                    source = ParquetSource(path, group, row, self.image_column, stamp)
                    yield table.Row(split, name, str(label), source)
                number += 1


def _no_label(label: Any, names: list[str]) -> str:
    """Why `label` is no label; empty where it is one."""
    if label is None or label == "":
        return "no label"
    if isinstance(label, int) and (label < 0 or (names and label >= len(names))):
        return f"label {label}; {f'0 to {len(names) - 1}' if names else '0 or more'} is possible"
    return ""


def _class_names(schema: Any, column: str) -> list[str]:
    """Class names by label that Hugging Face left in the file; none where it did not."""
    try:
        described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return list(described["info"]["features"][column]["names"])
    except (ValueError, KeyError, TypeError):
        return []


def _split_of_file(name: str) -> str:
    """The split that a file's name, or else a folder above it, names; train where none does."""
    for part in reversed(name.split("/")):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in table.SPLIT_NAMES:
                return table.SPLIT_NAMES[word]
    return "train"


def _without_duplicates(rows: list[table.Row]) -> Iterator[table.Row]:
    seen = set()
    for row in rows:
        digest = hashlib.sha256(row.source.read()).digest()
        if digest not in seen:
            seen.add(digest)
            yield row
