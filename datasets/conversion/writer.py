"""The one writer: turns any data set's listing into shards, labels and a manifest."""

import collections
import dataclasses
import hashlib
import importlib.util
import os
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tqdm import tqdm

from datasets import disk
from datasets.conversion import inflate, pool
from datasets.conversion.journal import Journal, locked
from datasets.conversion.tasks import STAGES, ShardResult, ShardTask
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Listing, Skip

ON_BAD_RECORD = ("skip", "fail")

_EXAMPLES_IN_MESSAGE = 5

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
        overwrite: Whether a data set made from other input may be replaced.
        small_set: Under this number of images one process is faster: each worker spends
            seconds on starting TensorFlow.
        show_progress: Whether a progress bar goes to stderr.
    """

    num_shards: Mapping[str, int]
    seed: int = 0
    num_workers: int = 1
    on_bad_record: str = "skip"
    max_bad_fraction: float = 0.1
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
        if not 0.0 <= self.max_bad_fraction <= 1.0:
            raise DatasetError(f"max_bad_fraction={self.max_bad_fraction}; must be in [0, 1]")


def write_dataset(listing: Listing, output_dir: str, config: WriterConfig) -> dict[str, Any]:
    """Writes `listing` to `output_dir`; a finished or unfinished like run is made use of.

    Each shard gets its final name when it is whole and on disk; the manifest comes last.
    Equal listing and seed give byte-identical shards for any number of workers.

    Args:
        listing: The data set.
        output_dir: Local directory; made if it is not there.
        config: How to write.

    Returns:
        The manifest, with `num_written` (images written by this call) and `seconds` (that the
        processes spent on each stage of it) beside what is stored.

    Raises:
        DatasetError: Labels out of range, too many bad images, no disk space, or a directory
            that holds other data.
    """
    if "://" in output_dir:
        raise DatasetError(f"output directory {output_dir}: must be local; copy it afterwards")
    _check_listing(listing, config)
    disk.make_directory(output_dir)
    options = _options(listing, config)
    digest, item_digests = listing.digests(options)
    tasks = _tasks(listing, output_dir, config, item_digests, options)
    wanted = {name: task.digest for name, task in tasks.items()}
    with locked(output_dir):
        journal = Journal(output_dir, digest, wanted, config.on_bad_record == "skip")
        # What a killed run left takes room that this one may need.
        journal.remove_temporaries()
        if not config.overwrite:
            done = _finished_before(listing, tasks, config, journal)
            if done is not None:
                return done
            journal.check_replaceable()
        missing = [task for name, task in tasks.items() if name not in journal.finished]
        # What can be known to fail fails before anything is replaced.
        _check_bad_fractions(listing, config, journal)
        _check_room(missing, output_dir)
        note = journal.begin()
        if note:
            _note(note)
        _note_fewer_shards(listing, config)

        def record(result: ShardResult) -> None:
            journal.record(result)
            _check_bad_fractions(listing, config, journal)

        seconds = _write_shards(missing, config, journal, record)
        manifest = _build_manifest(listing, config, journal)
        manifest_lib.write_labels(output_dir, listing.class_names)
        manifest_lib.write_manifest(output_dir, manifest)
        journal.end()
    num_written = sum(len(task.items) for task in missing)
    return {**manifest, "num_written": num_written, "seconds": seconds}


def _finished_before(
    listing: Listing, tasks: Mapping[str, ShardTask], config: WriterConfig, journal: Journal
) -> dict[str, Any] | None:
    """Makes use of a finished data set, of which shards or `labels.txt` may be lost.

    Returns:
        As `write_dataset`; None if it is not there, or what is written again comes out different.
    """
    manifest = journal.finished_manifest()
    if manifest is None:
        return None
    lost = journal.lost_shards(manifest)
    missing = [tasks[name] for name in lost if name in tasks]
    same = len(missing) == len(lost)
    seconds: dict[str, float] = {}

    def compare(result: ShardResult) -> None:
        nonlocal same
        same = same and result.sha256 == lost[result.name].get("sha256")

    if missing and same:
        _note(f"{len(missing)} shards of this data set are missing or damaged: writing them again")
        _check_room(missing, journal.directory)
        seconds = _write_shards(missing, config, journal, compare)
    if not same:
        _note("what is written again differs from what the manifest says: starting over")
        return None
    if not manifest_lib.holds_labels(journal.directory, listing.class_names):
        _note(f"writing {manifest_lib.LABELS_FILE} again, which was missing or changed")
        manifest_lib.write_labels(journal.directory, listing.class_names)
    elif not missing:
        _note("this data set is converted already; nothing to do")
    num_written = sum(len(task.items) for task in missing)
    return {**manifest, "num_written": num_written, "seconds": seconds}


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def _check_listing(listing: Listing, config: WriterConfig) -> None:
    manifest_lib.check_labels(listing.labels, listing.name)
    for split, items in listing.splits.items():
        bad = _bad_in_listing(listing, split)
        if bad and config.on_bad_record == "fail":
            raise DatasetError(
                f"{_some(bad)} in split {split!r} of {listing.name}. Fetch the data again, or pass "
                "--on_bad_record=skip"
            )
        if not items:
            raise DatasetError(f"split {split!r} of {listing.name} has no images")
        for item in items:
            if not 0 <= item.label < len(listing.labels):
                raise DatasetError(
                    f"label {item.label} of {item.name} is out of range; {listing.name} has "
                    f"{len(listing.labels)} classes, labels are 0 to {len(listing.labels) - 1}"
                )


def _options(listing: Listing, config: WriterConfig) -> dict[str, Any]:
    """Whatever decides about the shards' bytes beside the listing."""
    options = {
        "format_version": manifest_lib.FORMAT_VERSION,
        "seed": config.seed,
        "on_bad_image": config.on_bad_record,
    }
    for split in listing.splits:
        options[f"shards:{split}"] = config.num_shards[split]
    # Pillow decodes these: after it is installed, a second run must not say "done already".
    names = (item.name for items in listing.splits.values() for item in items)
    if any(name.lower().endswith((".webp", ".bmp")) for name in names):
        options["pillow"] = importlib.util.find_spec("PIL") is not None
    return options


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


def _shard_names(listing: Listing, config: WriterConfig, split: str) -> list[str]:
    # No more shards than images: an empty shard helps nobody.
    total = min(config.num_shards[split], len(listing.splits[split]))
    return [manifest_lib.shard_name(split, index, total) for index in range(total)]


def _write_shards(
    tasks: list[ShardTask],
    config: WriterConfig,
    journal: Journal,
    on_result: Callable[[ShardResult], None],
) -> dict[str, float]:
    """Writes shards; returns the seconds that the processes spent on each stage."""
    try:
        num_images = sum(len(task.items) for task in tasks)
        tasks = _inflate_archives(tasks, journal.directory)
        num_workers = config.num_workers if num_images >= config.small_set else 1
        bar = tqdm(
            total=num_images,
            desc="converting",
            unit=" images",
            disable=not config.show_progress,
            # A log file is no terminal: a line now and then is enough there.
            mininterval=0.2 if sys.stderr.isatty() else 10,
            file=sys.stderr,
            dynamic_ncols=True,
        )
        seconds = dict.fromkeys(STAGES, 0.0)
        with bar:
            for result in pool.run_tasks(tasks, num_workers, bar.update):
                on_result(result)
                for stage, spent in zip(STAGES, result.seconds, strict=True):
                    seconds[stage] += spent
    finally:
        # A worker that was killed could not do it.
        journal.remove_temporaries()
    return seconds


def _tasks(
    listing: Listing,
    output_dir: str,
    config: WriterConfig,
    item_digests: Mapping[str, Sequence[bytes]],
    options: Mapping[str, Any],
) -> dict[str, ShardTask]:
    """Returns the task of each shard, by its name."""
    tasks = {}
    num_logits = len(listing.class_names)
    # What decides about a record beside its item.
    how = (
        manifest_lib.FORMAT_VERSION,
        listing.as_rgb_jpeg,
        listing.crop_to_boxes,
        num_logits,
        options.get("pillow"),
    )
    for split, items in listing.splits.items():
        names = _shard_names(listing, config, split)
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
                listing.as_rgb_jpeg,
                listing.crop_to_boxes,
                num_logits,
                summary.hexdigest(),
            )
    return tasks


def _note_fewer_shards(listing: Listing, config: WriterConfig) -> None:
    for split, items in listing.splits.items():
        count = len(_shard_names(listing, config, split))
        if count < config.num_shards[split]:
            _note(
                f"split {split!r} has {len(items)} images: {count} shards are written, "
                f"not {config.num_shards[split]}"
            )


def _check_room(tasks: list[ShardTask], output_dir: str) -> None:
    """Raises `DatasetError` where archives have to be inflated and there is no room for it."""
    paths = inflate.compressed_archives(item for task in tasks for item in task.items)
    needed, free = inflate.room_for(paths, output_dir)
    if needed > free:
        raise DatasetError(
            f"{', '.join(paths)} must be inflated for a while, which takes at least {needed:,} "
            f"bytes; {output_dir} has {free:,} left. Free some space, or unpack the archives "
            "elsewhere and pass that folder as --raw_dir"
        )


def _inflate_archives(tasks: list[ShardTask], output_dir: str) -> list[ShardTask]:
    """Has compressed tar archives read from inflated copies, which can be read anywhere.

    The copies are temporary files of the output directory, removed when the work ends.
    """
    tars = {}
    paths = inflate.compressed_archives(item for task in tasks for item in task.items)
    for number, path in enumerate(paths):
        _note(f"inflating {path}, which can only be read forwards; the copy goes at the end")
        tars[path] = os.path.join(output_dir, f"{manifest_lib.INFLATED_START}{number}.tar.tmp")
        inflate.inflate(path, tars[path])
    if not tars:
        return tasks
    return [dataclasses.replace(task, items=inflate.inflated(task.items, tars)) for task in tasks]


def _check_bad_fractions(listing: Listing, config: WriterConfig, journal: Journal) -> None:
    """Stops as soon as a split has more bad images than `max_bad_fraction` allows."""
    listed = {split: _bad_in_listing(listing, split) for split in listing.splits}
    bad = {split: list(skipped) for split, skipped in listed.items()}
    for result in journal.finished.values():
        split = manifest_lib.parse_shard_name(result.name)[0]
        bad[split].extend(result.skipped)
    for split, skipped in bad.items():
        total = len(listing.splits[split]) + len(listed[split])
        if len(skipped) > config.max_bad_fraction * total:
            raise DatasetError(
                f"{len(skipped)} of {total} images of split {split!r} cannot be used, more than "
                f"--max_bad_fraction={config.max_bad_fraction}: {_some(skipped)}. Repair or "
                "remove them, or raise the limit"
            )


def _bad_in_listing(listing: Listing, split: str) -> list[Skip]:
    """Images that could not even be listed."""
    return [skip for skip in listing.skipped.get(split, ()) if skip.bad]


def _some(skipped: Sequence[Skip]) -> str:
    shown = [f"{skip.file} ({skip.reason})" for skip in skipped[:_EXAMPLES_IN_MESSAGE]]
    more = len(skipped) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


def _build_manifest(listing: Listing, config: WriterConfig, journal: Journal) -> dict[str, Any]:
    splits = {}
    for split in listing.splits:
        results = [journal.finished[name] for name in _shard_names(listing, config, split)]
        splits[split] = _describe_split(listing, split, results)
    return {
        "format_version": manifest_lib.FORMAT_VERSION,
        "dataset": listing.name,
        "num_classes": len(listing.class_names),
        "num_labels": len(listing.labels),
        "seed": config.seed,
        "source": listing.source,
        "digest": journal.digest,
        "splits": splits,
    }


def _describe_split(listing: Listing, split: str, results: Iterable[ShardResult]) -> dict[str, Any]:
    label_counts: collections.Counter = collections.Counter()
    skipped = list(listing.skipped.get(split, ()))
    repaired: list[Skip] = []
    shards = []
    for result in results:
        label_counts.update(result.label_counts)
        skipped.extend(result.skipped)
        repaired.extend(result.repaired)
        shards.append(
            {
                "name": result.name,
                "bytes": result.bytes,
                "images": result.images,
                "sha256": result.sha256,
            }
        )
    _check_no_class_vanished(listing, split, label_counts, skipped)
    return {
        "num_images": sum(label_counts.values()),
        "class_counts": {name: label_counts[label] for label, name in enumerate(listing.labels)},
        "shards": shards,
        "num_skipped": len(skipped),
        "skipped": [{"file": skip.file, "reason": skip.reason} for skip in skipped],
        "repaired": [{"file": skip.file, "reason": skip.reason} for skip in repaired],
    }


def _check_no_class_vanished(
    listing: Listing, split: str, label_counts: Mapping[int, int], skipped: Sequence[Skip]
) -> None:
    """Stops when every image of a class was bad: nothing could be learnt of it."""
    for label in sorted({item.label for item in listing.splits[split]}):
        if not label_counts[label]:
            raise DatasetError(
                f"class {listing.labels[label]!r} of split {split!r} has no usable image: "
                f"{_some(skipped)}"
            )
