"""Compressed tar archives as plain ones, for as long as a conversion works.

A compressed archive can only be read forwards, and training images are written in a shuffled
order; so each is inflated once, as a whole, to a hidden file. No name in it is looked at.
"""

import dataclasses
import gzip
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence

from datasets import command_line, disk
from datasets.conversion.shard import ShardTask
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.archive import explained
from datasets.sources.archive_source import GzipTarSource, RangeSource
from datasets.sources.items import Item


def compressed_archives(items: Iterable[Item]) -> list[str]:
    """Paths of the compressed tar archives that hold images of `items`."""
    return sorted({item.source.path for item in items if isinstance(item.source, GzipTarSource)})


def inflate(path: str, output: str) -> None:
    """Writes what the compressed archive `path` inflates to, itself an archive, to `output`.

    Raises:
        DatasetError: The archive is damaged, or there is no room.
    """
    with explained(path), disk.removed_on_failure(output), gzip.open(path, "rb") as source:
        try:
            target = open(output, "wb")
        except OSError as error:
            raise disk.write_error(error, output) from error
        with target:
            while chunk := source.read(1 << 20):
                try:
                    target.write(chunk)
                except OSError as error:
                    raise disk.write_error(error, output) from error


def inflated(items: Sequence[Item], tars: Mapping[str, str]) -> list[Item]:
    """The same items, read from inflated archives.

    Args:
        items: Items, of any source.
        tars: Inflated archive by compressed archive.
    """
    moved = []
    for item in items:
        source = item.source
        if isinstance(source, GzipTarSource):
            tar = RangeSource(tars[source.path], source.offset, source.size, source.stamp)
            item = dataclasses.replace(item, source=tar)
        moved.append(item)
    return moved


def check_room(tasks: list[ShardTask], output_dir: str) -> None:
    """Raises `DatasetError` where archives have to be inflated and there is no room for it."""
    paths = compressed_archives(item for task in tasks for item in task.items)
    # What they hold exceeds what they take up by little.
    needed = sum(os.path.getsize(path) for path in paths)
    free = shutil.disk_usage(output_dir).free
    if needed > free:
        raise DatasetError(
            f"{', '.join(paths)} must be inflated for a while, which takes at least {needed:,} "
            f"bytes; {output_dir} has {free:,} left. Free some space, or unpack the archives "
            "elsewhere and pass that folder as --raw_dir"
        )


def inflate_archives(tasks: list[ShardTask], output_dir: str) -> list[ShardTask]:
    """Has compressed tar archives read from inflated copies, which can be read anywhere.

    The copies are temporary files of the output directory, removed when the work ends.
    """
    tars = {}
    paths = compressed_archives(item for task in tasks for item in task.items)
    for number, path in enumerate(paths):
        command_line.note(
            f"inflating {path}, which can only be read forwards; the copy goes at the end"
        )
        tars[path] = os.path.join(output_dir, f"{manifest_lib.INFLATED_START}{number}.tar.tmp")
        inflate(path, tars[path])
    if not tars:
        return tasks
    return [dataclasses.replace(task, items=inflated(task.items, tars)) for task in tasks]
