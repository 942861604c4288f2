"""Reads a converted data set from end to end and compares it with what it should be."""

import collections
import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from datasets import command_line
from datasets.conversion import pool
from datasets.errors import DatasetError
from datasets.inspection.expected import Expected, expect
from datasets.inspection.shard_check import KINDS, Finding, ShardCheck, ShardReport, check_shard
from datasets.records import manifest as manifest_lib

# A hundred images are decoded in less time than a process takes to start.
_SMALL_SET_BYTES = 1 << 28


@dataclasses.dataclass(frozen=True)
class Report:
    """What `verify` found.

    `dataset` is empty where it is not known. `splits` holds by split the number of shards,
    records, images (good ones) and bytes, and images by class name or label.
    """

    data_dir: str
    dataset: str
    splits: dict[str, dict[str, Any]]
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by kind."""
        counts = collections.Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in KINDS}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**dataclasses.asdict(self), "counts": self.counts, "ok": not self.findings}


def verify(
    data_dir: str,
    *,
    dataset_name: str = "",
    num_classes: int = 0,
    num_logits: int = 0,
    allow_duplicates: bool = False,
    num_workers: int = 1,
    show_progress: bool = False,
) -> Report:
    """Reads every record of every shard in `data_dir`.

    Args:
        data_dir: Local directory.
        dataset_name: Name in the catalogue; empty takes the manifest's.
        num_classes: Labels end before this one; 0 takes the manifest's, the catalogue's or
            labels.txt's.
        num_logits: Teacher's logits that every record must hold; 0 asks for none, and compares
            those that are there with the number of classes.
        allow_duplicates: Whether equal images are no finding.
        num_workers: Processes that read.
        show_progress: Whether a progress bar goes to stderr.

    Raises:
        DatasetError: No directory, no shards, or a conversion that has not finished.
    """
    shards = _find_shards(data_dir)
    expected = expect(data_dir, dataset_name, num_classes)
    count = num_logits or expected.num_classes
    tasks = [
        ShardCheck(os.path.join(data_dir, name), expected.labels(split), count, bool(num_logits))
        for split, names in shards.items()
        for name in names
    ]
    by_path = _run(tasks, num_workers, expected.manifest, show_progress)
    reports = {
        split: {name: by_path[os.path.join(data_dir, name)] for name in names}
        for split, names in shards.items()
    }
    splits = {split: _sum_up(by_name, expected.names) for split, by_name in reports.items()}
    # In the order of the shards.
    findings = [finding for task in tasks for finding in by_path[task.path].findings]
    if not allow_duplicates:
        findings += _duplicates(reports)
    findings += _compare(expected, reports, splits)
    name = dataset_name or (expected.manifest or {}).get("dataset", "")
    return Report(data_dir, name, splits, tuple(findings))


def _find_shards(data_dir: str) -> dict[str, list[str]]:
    """Names of the shards by split, relative to `data_dir`."""
    if not os.path.isdir(data_dir):
        raise DatasetError(f"data directory {data_dir} does not exist, or is no directory")
    names = sorted(os.listdir(data_dir))
    manifest_lib.check_finished(names, data_dir)
    shards: dict[str, list[str]] = {}
    for name in names:
        parsed = manifest_lib.parse_shard_name(name)
        if parsed is not None:
            shards.setdefault(parsed[0], []).append(name)
    if not shards:
        for split, folder in manifest_lib.KAGGLE_FOLDERS.items():
            files = manifest_lib.kaggle_files(os.path.join(data_dir, folder))
            # The test images have no labels.
            if files and split != "test":
                shards[split] = [f"{folder}/{name}" for name in files]
    if not shards:
        raise DatasetError(
            f"{data_dir} holds no shards such as train-00000-of-00008; there is: "
            f"{command_line.shown(names, 5)}"
        )
    first = [split for split in ("train", "validation", "test") if split in shards]
    return {split: shards[split] for split in dict.fromkeys((*first, *sorted(shards)))}


def _run(
    tasks: list[ShardCheck], num_workers: int, manifest: dict[str, Any] | None, show_progress: bool
) -> dict[str, ShardReport]:
    """Reports by path."""
    total = None
    if manifest is not None:
        total = sum(split.get("num_images", 0) for split in manifest["splits"].values())
    if sum(os.path.getsize(task.path) for task in tasks) < _SMALL_SET_BYTES:
        num_workers = 1
    bar = command_line.progress_bar(total, "verifying", show_progress)
    with bar:
        reports = pool.run_tasks(check_shard, tasks, num_workers, bar.update)
        return {report.path: report for report in reports}


def _sum_up(reports: Mapping[str, ShardReport], names: Sequence[str]) -> dict[str, Any]:
    counts: collections.Counter = collections.Counter()
    for report in reports.values():
        counts.update(report.label_counts)
    labels = sorted({*range(len(names)), *counts})
    return {
        "shards": len(reports),
        "records": sum(report.records for report in reports.values()),
        "images": sum(counts.values()),
        "bytes": sum(report.bytes for report in reports.values()),
        "class_counts": {
            names[label] if 0 <= label < len(names) else str(label): counts[label]
            for label in labels
        },
    }


def _duplicates(reports: Mapping[str, Mapping[str, ShardReport]]) -> list[Finding]:
    """Each image that came before: where, and whether it has another label."""
    seen: dict[bytes, tuple[str, int, int]] = {}
    findings = []
    for by_name in reports.values():
        for name, report in by_name.items():
            for digest, number, label in report.images:
                first = seen.setdefault(digest, (name, number, label))
                if first == (name, number, label):
                    continue
                what = f"the same image as in {first[0]}, record {first[1]}"
                if first[2] != label:
                    what += f", where its label is {first[2]}, not {label}"
                findings.append(Finding("duplicate", f"{name}, record {number}", what))
    return findings


def _compare(
    expected: Expected,
    reports: Mapping[str, Mapping[str, ShardReport]],
    splits: Mapping[str, Mapping[str, Any]],
) -> list[Finding]:
    """Where shards, labels.txt, the manifest and the names of the shards disagree."""
    findings = [
        Finding("manifest", where, what)
        for split, by_name in reports.items()
        for where, what in _missing_of_sets(split, by_name)
    ]
    if expected.manifest is None:
        # A manifest says whether all images of a shard were left out.
        return findings + [
            Finding("damaged", name, "the file is empty")
            for by_name in reports.values()
            for name, report in by_name.items()
            if not report.bytes
        ]
    said = expected.manifest["splits"]
    for split in dict.fromkeys((*said, *sorted(reports))):
        shards, known = reports.get(split, {}), said.get(split)
        if known is None:
            differences = [(split, "the manifest does not know this split")]
        else:
            differences = _differences(split, known, shards, splits.get(split))
            differences += _contradictions(split, known, expected.manifest.get("num_labels"))
        findings += [Finding("manifest", where, what) for where, what in differences]
    what = _wrong_labels(expected.lines, expected.manifest)
    return findings + ([Finding("manifest", manifest_lib.LABELS_FILE, what)] if what else [])


def _missing_of_sets(split: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Sets of shards that lack some, by their names alone."""
    found: dict[int, set[int]] = {}
    for parsed in filter(None, map(manifest_lib.parse_shard_name, names)):
        found.setdefault(parsed[2], set()).add(parsed[1])
    for total, indices in found.items():
        for index in sorted(set(range(total)) - indices):
            yield manifest_lib.shard_name(split, index, total), "this shard is missing"
    if len(found) > 1:
        sets = ", ".join(str(total) for total in sorted(found))
        yield split, f"shards of several sets: of {sets}"


def _differences(
    split: str,
    known: Mapping[str, Any],
    shards: Mapping[str, ShardReport],
    summed_up: Mapping[str, Any] | None,
) -> list[tuple[str, str]]:
    """Where what was found of a split is not what the manifest says: the place, and what."""
    found = {
        name: {"bytes": report.bytes, "images": report.records, "sha256": report.sha256}
        for name, report in shards.items()
    }
    said = {shard["name"]: shard for shard in known["shards"]}
    lines = []
    for name, shard in said.items():
        if name not in found:
            # Where others of its set are there, its absence is known by now.
            what = f"the manifest has it with {shard['images']} images, the directory does not"
            lines.append((name, what))
        for key, value in found.get(name, {}).items():
            if value != shard.get(key):
                lines.append((name, f"{key}: {value}; the manifest says {shard.get(key)}"))
    lines += [(name, "the manifest does not know this shard") for name in found if name not in said]
    counts = summed_up["class_counts"] if summed_up else {}
    for name, count in known.get("class_counts", {}).items():
        if counts.get(name, 0) != count:
            what = f"{counts.get(name, 0)} good images; the manifest says {count}"
            lines.append((f"{split}, class {name}", what))
    return lines


def _contradictions(
    split: str, known: Mapping[str, Any], num_labels: int | None
) -> list[tuple[str, str]]:
    """Where the manifest's own numbers do not fit together: the split, and what."""
    counts, skipped = known.get("class_counts"), known.get("skipped")
    pairs = [
        ("num_images", "images in its shards", sum(s["images"] for s in known["shards"])),
        ("num_images", "images in its classes", sum(counts.values()) if counts else None),
        ("num_skipped", "skipped files", len(skipped) if skipped is not None else None),
        ("num_labels", "classes with counts", len(counts) if counts else None),
    ]
    stated = {**known, "num_labels": num_labels}
    return [
        (split, f"{key}: {stated[key]}; the manifest names {count} {what}")
        for key, what, count in pairs
        if None not in (stated.get(key), count) and stated[key] != count
    ]


def _wrong_labels(labels: list[str] | None, manifest: Mapping[str, Any]) -> str:
    """Where the lines of labels.txt differ from the manifest's class names; empty: nowhere."""
    count = manifest.get("num_classes")
    if count is None:
        return ""
    if labels is None or len(labels) != count:
        lines = "is missing" if labels is None else f"has {len(labels)} lines"
        return f"{lines}; the manifest has {count} classes"
    for known in manifest["splits"].values():
        # Behind them come the classes that are only retrieved.
        names = list(known.get("class_counts", labels))[:count]
        for number, (line, name) in enumerate(zip(labels, names, strict=False)):
            if line != name:
                return f"label {number} is {line!r}; the manifest's is {name!r}"
    return ""
