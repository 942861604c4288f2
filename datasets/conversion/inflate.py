"""Compressed tar archives as plain ones, for as long as a conversion works.

A compressed archive can only be read forwards, and training images are written in a shuffled
order; so each is inflated once, as a whole, to a hidden file. No name in it is looked at.
"""

import dataclasses
import gzip
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence

from datasets import disk
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


def room_for(paths: Iterable[str], directory: str) -> tuple[int, int]:
    """Bytes that the archives take up, which their contents exceed little; and bytes free."""
    return sum(os.path.getsize(path) for path in paths), shutil.disk_usage(directory).free


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
