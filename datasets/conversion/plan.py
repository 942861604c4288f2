"""Which shards a conversion writes, and what goes into each."""

import dataclasses
import hashlib
import os
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from datasets.conversion.options import RecordOptions
from datasets.conversion.shard import ShardTask
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Listing

ON_BAD_RECORD = ("skip", "fail")

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class WriterConfig:
    """How to write.

    Attributes:
        num_shards: Number of shards by split name.
        seed: Order of the training images.
        num_workers: Processes that check and write.
        on_bad_record: "skip" counts and reports images that do not decode, "fail" stops.
        max_bad_fraction: Share of a split's images above which skipping stops, too.
        max_side: Images of a longer side are reduced to so many pixels; 0 leaves all as they are.
        overwrite: Whether a data set made from other input may be replaced, and shards whose
            checksum is wrong are written again.
        small_set: Under this number of images one process is faster: each worker spends
            seconds on starting TensorFlow.
        show_progress: Whether a progress bar goes to stderr.
    """

    num_shards: Mapping[str, int]
    seed: int = 0
    num_workers: int = 1
    on_bad_record: str = "skip"
    max_bad_fraction: float = 0.1
    max_side: int = 0
    overwrite: bool = False
    small_set: int = 2000
    show_progress: bool = True

    def __post_init__(self):
        """Checks every value."""
        for split, count in self.num_shards.items():
            if not 1 <= count <= 99999:
                raise DatasetError(f"{count} shards for split {split!r}; 1 to 99999 are possible")
        if self.num_workers < 1:
            raise DatasetError(f"num_workers={self.num_workers}; at least 1 is needed")
        if self.on_bad_record not in ON_BAD_RECORD:
            raise DatasetError(
                f"on_bad_record={self.on_bad_record!r}; must be one of {', '.join(ON_BAD_RECORD)}"
            )
        if self.max_side < 0:
            raise DatasetError(f"max_side={self.max_side}; at least 0 is needed")
        if not 0.0 <= self.max_bad_fraction <= 1.0:
            raise DatasetError(f"max_bad_fraction={self.max_bad_fraction}; must be in [0, 1]")


def plan(
    listing: Listing, output_dir: str, config: WriterConfig
) -> tuple[str, dict[str, ShardTask]]:
    """The digest of all that decides about the shards, and the task of each, by its name."""
    options = {
        "format_version": manifest_lib.FORMAT_VERSION,
        "seed": config.seed,
        "on_bad_record": config.on_bad_record,
        "num_shards": [(split, config.num_shards[split]) for split in listing.splits],
    }
    if config.max_side:
        options["max_side"] = config.max_side
    digest, item_digests = listing.digests(options)
    record_options = RecordOptions(
        listing.as_rgb_jpeg,
        listing.crop_to_boxes,
        listing.upright,
        config.max_side,
        len(listing.class_names),
    )
    how = (manifest_lib.FORMAT_VERSION, *record_options.facts)
    tasks = {}
    for split, items in listing.splits.items():
        names = shard_names(listing, config, split)
        pairs = list(zip(items, item_digests[split], strict=True))
        ordered = ordered_items(split, pairs, config.seed)
        for name, (first, last) in zip(names, shard_ranges(len(ordered), len(names)), strict=True):
            summary = hashlib.sha256(repr(how).encode())
            for _, item_digest in ordered[first:last]:
                summary.update(item_digest)
            tasks[name] = ShardTask(
                os.path.join(output_dir, name),
                [item for item, _ in ordered[first:last]],
                config.on_bad_record == "fail",
                record_options,
                summary.hexdigest(),
            )
    return digest, tasks


def ordered_items(split: str, items: Sequence[_T], seed: int) -> list[_T]:
    """Items in the order of the records: training shuffled, the rest as listed.

    Shuffled, each shard holds all classes, and a shuffle buffer smaller than the data set
    still mixes them.
    """
    ordered = list(items)
    if split == "train":
        random.Random(f"{seed}:{split}").shuffle(ordered)
    return ordered


def shard_ranges(num_items: int, num_shards: int) -> list[tuple[int, int]]:
    """First and last (exclusive) item of each shard; sizes differ by at most one."""
    edges = [num_items * shard // num_shards for shard in range(num_shards + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def shard_names(listing: Listing, config: WriterConfig, split: str) -> list[str]:
    """File names of the shards of a split: no more than images, an empty shard helps nobody."""
    total = min(config.num_shards[split], len(listing.splits[split]))
    return [manifest_lib.shard_name(split, index, total) for index in range(total)]
