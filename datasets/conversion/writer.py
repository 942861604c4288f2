"""The one writer: turns any data set's listing into shards, labels and a manifest."""

from collections.abc import Callable, Mapping
from typing import Any

from datasets import command_line, disk, granted
from datasets.conversion import describe, inflate, pool
from datasets.conversion.plan import WriterConfig, plan, shard_names
from datasets.conversion.progress import Progress, locked
from datasets.conversion.shard import STAGES, ShardResult, ShardTask, write_shard
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Listing


def write_dataset(listing: Listing, output_dir: str, config: WriterConfig) -> dict[str, Any]:
    """Writes `listing` to `output_dir`; a finished or unfinished like run is made use of.

    Each shard gets its final name when it is whole and on disk; the manifest comes last.
    Equal listing and seed give byte-identical shards for any number of workers. `output_dir` is
    local, and made if it is not there.

    Returns:
        The manifest, with `num_written` (images written by this call) and `seconds` (that the
        processes spent on each stage of it) beside what is stored.

    Raises:
        DatasetError: Labels out of range, too many bad images, no disk space, or a directory
            that holds other data.
    """
    if "://" in output_dir:
        raise DatasetError(f"output directory {output_dir}: must be local; copy it afterwards")
    describe.check_listing(listing, config)
    disk.make_directory(output_dir)
    digest, tasks = plan(listing, output_dir, config)
    wanted = {name: task.digest for name, task in tasks.items()}
    with locked(output_dir):
        progress = Progress(output_dir, digest, wanted, config.on_bad_record == "skip")
        done = _finished_before(listing, tasks, config, progress)
        if done is not None:
            return done
        progress.check_replaceable(config.overwrite)
        missing = [task for name, task in tasks.items() if name not in progress.finished]
        # What can be known to fail fails before anything is replaced.
        describe.check_bad_fractions(listing, config, progress.finished.values())
        inflate.check_room(missing, output_dir)
        progress.begin()
        _note_fewer_shards(listing, config)

        def record(result: ShardResult) -> None:
            progress.finished[result.name] = result
            describe.check_bad_fractions(listing, config, progress.finished.values())

        seconds = _write_shards(missing, config, progress, record)
        manifest = describe.build_manifest(listing, config, digest, progress.finished)
        manifest_lib.write_labels(output_dir, listing.class_names)
        manifest_lib.write_manifest(output_dir, manifest)
        progress.end()
    num_written = sum(len(task.items) for task in missing)
    return {**manifest, "num_written": num_written, "seconds": seconds}


def _finished_before(
    listing: Listing, tasks: Mapping[str, ShardTask], config: WriterConfig, progress: Progress
) -> dict[str, Any] | None:
    """Makes use of a finished data set, of which shards or `labels.txt` may be lost.

    None if it is not there, or what is written again comes out different.
    """
    manifest = progress.finished_manifest()
    if manifest is None:
        return None
    lost = progress.lost_shards(manifest, compare_sums=config.overwrite)
    missing = [tasks[name] for name in lost if name in tasks]
    same = len(missing) == len(lost)
    seconds: dict[str, float] = {}

    def compare(result: ShardResult) -> None:
        nonlocal same
        same = same and result.sha256 == lost[result.name].get("sha256")

    if missing and same:
        command_line.note(
            f"{len(missing)} shards of this data set are missing or damaged: writing them again"
        )
        inflate.check_room(missing, progress.directory)
        seconds = _write_shards(missing, config, progress, compare)
    if not same:
        command_line.note(
            "what is written again differs from what the manifest says: starting over"
        )
        return None
    if not _has_labels(progress.directory, listing):
        command_line.note(f"writing {manifest_lib.LABELS_FILE} again, which was missing or changed")
        manifest_lib.write_labels(progress.directory, listing.class_names)
    elif not missing:
        command_line.note("this data set is converted already; nothing to do")
    progress.end()
    num_written = sum(len(task.items) for task in missing)
    return {**manifest, "num_written": num_written, "seconds": seconds}


def _has_labels(directory: str, listing: Listing) -> bool:
    try:
        return manifest_lib.load_labels(directory) == list(listing.class_names)
    except DatasetError:
        return False


def _write_shards(
    tasks: list[ShardTask],
    config: WriterConfig,
    progress: Progress,
    on_result: Callable[[ShardResult], None],
) -> dict[str, float]:
    """Writes shards; returns the seconds that the processes spent on each stage."""
    try:
        num_images = sum(len(task.items) for task in tasks)
        tasks = inflate.inflate_archives(tasks, progress.directory)
        many = num_images >= config.small_set
        num_workers = min(config.num_workers, len(tasks)) if many else 1
        if num_workers > 1:
            command_line.note(f"{num_workers} processes; {granted.cpus()} processors are granted")
        bar = command_line.progress_bar(num_images, "converting", config.show_progress)
        seconds = dict.fromkeys(STAGES, 0.0)
        with bar:
            for result in pool.run_tasks(write_shard, tasks, num_workers, bar.update):
                on_result(result)
                for stage, spent in zip(STAGES, result.seconds, strict=True):
                    seconds[stage] += spent
    finally:
        # A worker that was killed could not do it.
        progress.remove_temporaries()
    return seconds


def _note_fewer_shards(listing: Listing, config: WriterConfig) -> None:
    for split, items in listing.splits.items():
        count = len(shard_names(listing, config, split))
        if count < config.num_shards[split]:
            command_line.note(
                f"split {split!r} has {len(items)} images: {count} shards are written, "
                f"not {config.num_shards[split]}"
            )
