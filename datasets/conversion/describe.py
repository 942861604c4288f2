"""What is said of a converted data set: its manifest, and what is wrong with its images."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datasets import command_line
from datasets.conversion.plan import WriterConfig, shard_names
from datasets.conversion.shard import PRINT_BYTES, ShardResult
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Listing, Skip

_EXAMPLES_IN_MESSAGE = 5
_SHARD_FACTS = ("name", "bytes", "images", "sha256")


def check_listing(listing: Listing, config: WriterConfig) -> None:
    """Refuses wrong class names and labels, an empty split, and what could not even be listed."""
    manifest_lib.check_labels(listing.labels, listing.name)
    for split, items in listing.splits.items():
        bad = _bad_in_listing(listing, split)
        if bad and config.on_bad_record == "fail":
            raise DatasetError(
                f"{_some(bad)} in split {split!r} of {listing.name}: {len(bad)} cannot be used. "
                "Mend or remove them, fetch the data again, or pass --on_bad_record=skip"
            )
        if not items:
            raise DatasetError(f"split {split!r} of {listing.name} has no images")
        for item in items:
            if not 0 <= item.label < len(listing.labels):
                raise DatasetError(
                    f"label {item.label} of {item.name} is out of range; {listing.name} has "
                    f"{len(listing.labels)} classes, labels are 0 to {len(listing.labels) - 1}"
                )


def check_bad_fractions(
    listing: Listing, config: WriterConfig, results: Iterable[ShardResult]
) -> None:
    """Stops as soon as more of a split is left out than `max_bad_fraction` allows."""
    listed = {
        split: [skip for skip in listing.skipped.get(split, ()) if not skip.beside]
        for split in listing.splits
    }
    bad = {split: list(skipped) for split, skipped in listed.items()}
    for result in results:
        split = manifest_lib.parse_shard_name(result.name)[0]
        bad[split].extend(result.skipped)
    for split, skipped in bad.items():
        total = len(listing.splits[split]) + len(listed[split])
        if len(skipped) > config.max_bad_fraction * total:
            raise DatasetError(
                f"{len(skipped)} of {total} images of split {split!r} cannot be used, more than "
                f"--max_bad_fraction={config.max_bad_fraction}: {_some(skipped)}. Mend or "
                "remove them, or raise the limit"
            )


def _bad_in_listing(listing: Listing, split: str) -> list[Skip]:
    """Images that could not even be listed."""
    return [skip for skip in listing.skipped.get(split, ()) if skip.bad]


def _some(skipped: Sequence[Skip]) -> str:
    """Some of the names for each of the first reasons."""
    by_reason: dict[str, list[str]] = {}
    for skip in skipped:
        by_reason.setdefault(skip.reason, []).append(skip.file)
    each = max(1, _EXAMPLES_IN_MESSAGE // len(by_reason)) if by_reason else 1
    texts = [f"{command_line.shown(names, each)} ({why})" for why, names in by_reason.items()]
    return command_line.shown(texts, _EXAMPLES_IN_MESSAGE)


def build_manifest(
    listing: Listing, config: WriterConfig, digest: str, finished: Mapping[str, ShardResult]
) -> dict[str, Any]:
    """The manifest of a data set whose shards are all `finished` (by name).

    Raises:
        DatasetError: A class without a usable image.
    """
    splits = {
        split: _describe_split(
            listing, split, [finished[name] for name in shard_names(listing, config, split)]
        )
        for split in listing.splits
    }
    _note_shared_images(
        splits, {split: _prints(listing, config, split, finished) for split in splits}
    )
    done = {"upright": listing.upright, "max_side": config.max_side}
    return {
        "format_version": manifest_lib.FORMAT_VERSION,
        "dataset": listing.name,
        "num_classes": len(listing.class_names),
        "num_labels": len(listing.labels),
        "seed": config.seed,
        "source": listing.source,
        **{what: value for what, value in done.items() if value},
        "digest": digest,
        "splits": splits,
    }


def _describe_split(listing: Listing, split: str, results: Iterable[ShardResult]) -> dict[str, Any]:
    label_counts: collections.Counter = collections.Counter()
    skipped = list(listing.skipped.get(split, ()))
    repaired: list[Skip] = []
    shards = []
    counted: collections.Counter = collections.Counter()
    for result in results:
        counted.update(result.counted)
        label_counts.update(result.label_counts)
        skipped.extend(result.skipped)
        repaired.extend(result.repaired)
        shards.append({fact: getattr(result, fact) for fact in _SHARD_FACTS})
    _check_no_class_vanished(listing, split, label_counts, skipped)
    return {
        "num_images": sum(label_counts.values()),
        "class_counts": {name: label_counts[label] for label, name in enumerate(listing.labels)},
        "shards": shards,
        "num_skipped": len(skipped),
        "skipped": [{"file": skip.file, "reason": skip.reason} for skip in skipped],
        "repaired": [{"file": skip.file, "reason": skip.reason} for skip in repaired],
        **({"changed": dict(sorted(counted.items()))} if counted else {}),
    }


def _prints(
    listing: Listing, config: WriterConfig, split: str, finished: Mapping[str, ShardResult]
) -> set[str]:
    """The images of a split, by the first bytes of their files' SHA-256."""
    digits = 2 * PRINT_BYTES
    texts = (finished[name].prints for name in shard_names(listing, config, split))
    return {text[at : at + digits] for text in texts for at in range(0, len(text), digits)}


def _note_shared_images(splits: dict[str, dict[str, Any]], prints: Mapping[str, set[str]]) -> None:
    """Says, also in the manifest, how many images of other splits are training images too."""
    for split in (split for split in splits if split != "train"):
        count = len(prints[split] & prints.get("train", set()))
        if count:
            splits[split]["also_in_train"] = count
            command_line.note(
                f"{count} images of split {split!r} are in 'train' as well: its scores will look "
                "better than they are; `python -m datasets.verify` names the pairs"
            )


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
