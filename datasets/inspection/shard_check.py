"""Reads one shard from end to end and says what is wrong with its records."""

import collections
import dataclasses
import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

from datasets import disk
from datasets.errors import DatasetError
from datasets.records import example

# What a finding may be about.
KINDS = ("damaged", "undecodable", "label", "logits", "box", "size", "duplicate", "manifest")

_DIGEST_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: one of `KINDS`; shard, record and file name; and what, in words."""

    kind: str
    where: str
    what: str


class ShardCheck(NamedTuple):
    """One shard to be read.

    Attributes:
        path: Where it lies.
        labels: First and last (exclusive) label that may occur; a last one of 0 is not known.
        num_logits: Teacher's logits that a record must hold if it holds any; 0 is not known.
        need_logits: Whether every record must hold them.
    """

    path: str
    labels: tuple[int, int]
    num_logits: int = 0
    need_logits: bool = False


class ShardReport(NamedTuple):
    """What was found in a shard.

    Attributes:
        path: Where the shard lies.
        bytes: Size of the file.
        sha256: Checksum of the file.
        records: Number of records, damaged ones included.
        label_counts: Number of good images by label.
        images: First bytes of the SHA-256 of each good image, its record and its label.
        findings: What is wrong.
    """

    path: str
    bytes: int
    sha256: str
    records: int
    label_counts: dict[int, int]
    images: tuple[tuple[bytes, int, int], ...]
    findings: tuple[Finding, ...]


def check_shard(task: ShardCheck, on_image: Callable[[], None]) -> ShardReport:
    """Reads every record of a shard and decodes every image; calls `on_image` after each."""
    # Here, so that the main process needs no TensorFlow when others do the work.
    from datasets.records import salvage

    name = os.path.basename(task.path)
    label_counts: collections.Counter = collections.Counter()
    images = []
    findings: list[Finding] = []
    count = 0
    for number, record in enumerate(salvage.read(task.path)):
        stored = example.stored_image(record.data) if record.data is not None else None
        where = f"{name}, record {number}"
        if stored is None:
            findings.append(Finding("damaged", where, record.damage or "no tf.train.Example"))
        else:
            where += f" ({stored.filename})" if stored.filename else ""
            good, found = _check_record(stored, task)
            findings += [Finding(kind, where, what) for kind, what in found]
            if good:
                label = -1 if stored.label is None else stored.label
                digest = hashlib.sha256(stored.encoded).digest()[:_DIGEST_BYTES]
                images.append((digest, number, label))
                label_counts[label] += 1
        count += 1
        on_image()
    size, sha256 = disk.summarise(task.path)
    return ShardReport(
        task.path, size, sha256, count, dict(label_counts), tuple(images), tuple(findings)
    )


def _check_record(
    stored: example.StoredImage, task: ShardCheck
) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the image can be decoded, and what is wrong with the record."""
    from datasets.conversion.image_check import BadImageError, check_image

    found = _check_label(stored.label, task.labels)
    count = stored.num_logits
    if task.num_logits and count != task.num_logits and (count or task.need_logits):
        found.append(("logits", f"{count} teacher logits, not {task.num_logits}"))
    found += _check_boxes(stored)
    try:
        image = check_image(stored.encoded)
    except BadImageError as error:
        reason = str(error) if stored.encoded else "the record holds no image"
        return False, [*found, ("undecodable", reason)]
    # Kaggle's records state no size.
    if stored.size not in (None, (image.height, image.width)):
        said = f"the record says {stored.size[0]} x {stored.size[1]}"
        found.append(("size", f"{said}, the image is {image.height} x {image.width}"))
    return True, found


def _check_label(label: int | None, allowed: tuple[int, int]) -> list[tuple[str, str]]:
    first, end = allowed
    if label is None:
        return [("label", "the record holds no label")]
    if label < first or (end and label >= end):
        last = str(end - 1) if end else "any"
        return [("label", f"label {label} is out of range: {first} to {last}")]
    return []


def _check_boxes(stored: example.StoredImage) -> list[tuple[str, str]]:
    from datasets.records import schema

    counts = [len(values) for values in stored.sides]
    if len(set(counts)) > 1:
        return [("box", f"sides of bounding boxes differ in number: {counts}")]
    try:
        for box in zip(*stored.sides, strict=True):
            schema.check_box(box, stored.filename)
    except DatasetError as error:
        return [("box", str(error))]
    return []
