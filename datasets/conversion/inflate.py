"""Images that can only be read forwards, copied for as long as a conversion works.

Compressed tar archives and Parquet files are fast in their own order only, and training images are
written in a shuffled one; so their images are copied once, one behind the other, to a hidden file.
"""

import dataclasses
import os
import shutil
from collections.abc import Sequence

from datasets import command_line, disk
from datasets.conversion.shard import ShardTask
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.archive import explained
from datasets.sources.archive_source import GzipTarSource, RangeSource
from datasets.sources.items import Item, Source
from datasets.sources.parquet import ParquetSource


def _by_path(tasks: Sequence[ShardTask]) -> dict[str, set[Source]]:
    """The images that can only be read forwards, by the file that holds them."""
    found: dict[str, set[Source]] = {}
    for task in tasks:
        for item in task.items:
            if isinstance(item.source, GzipTarSource | ParquetSource):
                found.setdefault(item.source.path, set()).add(item.source)
    return dict(sorted(found.items()))


def check_room(tasks: Sequence[ShardTask], output_dir: str) -> None:
    """Raises `DatasetError` where archives have to be inflated and there is no room for it."""
    paths = list(_by_path(tasks))
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
    """Has images that can only be read forwards read from copies, which can be read anywhere.

    The copies are temporary files of the output directory, removed when the work ends.
    """
    moved: dict[Source, Source] = {}
    for number, (path, sources) in enumerate(_by_path(tasks).items()):
        command_line.note(
            f"inflating {path}, which can only be read forwards; the copy goes at the end"
        )
        copy = os.path.join(output_dir, f"{manifest_lib.INFLATED_START}{number}.tmp")
        moved |= inflate(path, sources, copy)
    if not moved:
        return tasks

    def inflated(item: Item) -> Item:
        return dataclasses.replace(item, source=moved.get(item.source, item.source))

    return [dataclasses.replace(task, items=list(map(inflated, task.items))) for task in tasks]


def inflate(path: str, sources: set[Source], output: str) -> dict[Source, Source]:
    """Copies images out of the file at `path`, in its order, to `output`; returns their places."""
    moved: dict[Source, Source] = {}
    offset = 0
    with disk.removed_on_failure(output):
        try:
            with open(output, "wb") as target:
                for source in sorted(sources):
                    with explained(path):
                        data = source.read()
                    target.write(data)
                    moved[source] = RangeSource(output, offset, len(data))
                    offset += len(data)
        except OSError as error:
            raise disk.write_error(error, output) from error
    return moved
