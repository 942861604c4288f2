"""What is said of a converted data set: its manifest, and what is wrong with its images."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datasets.command_line import shown
from datasets.conversion.plan import WriterConfig, shard_names
from datasets.conversion.shard import ShardResult
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


def check_bad_fractions(
    listing: Listing, config: WriterConfig, results: Iterable[ShardResult]
) -> None:
    """Stops as soon as a split has more bad images than `max_bad_fraction` allows."""
    listed = {split: _bad_in_listing(listing, split) for split in listing.splits}
    bad = {split: list(skipped) for split, skipped in listed.items()}
    for result in results:
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
    names = [f"{skip.file} ({skip.reason})" for skip in skipped]
    return shown(names, _EXAMPLES_IN_MESSAGE)


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
    return {
        "format_version": manifest_lib.FORMAT_VERSION,
        "dataset": listing.name,
        "num_classes": len(listing.class_names),
        "num_labels": len(listing.labels),
        "seed": config.seed,
        "source": listing.source,
        "digest": digest,
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
        shards.append({fact: getattr(result, fact) for fact in _SHARD_FACTS})
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
