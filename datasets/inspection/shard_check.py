"""Reads one shard from end to end and says what is wrong with its records."""

import collections
import dataclasses
import hashlib
import os
from collections.abc import Callable
from typing import Any

from datasets import disk

# What a finding may be about.
KINDS = ("damaged", "undecodable", "label", "logits", "box", "size", "duplicate", "manifest")

_DIGEST_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: One of `KINDS`.
        where: Shard, record and file name.
        what: In words.
    """

    kind: str
    where: str
    what: str


@dataclasses.dataclass(frozen=True)
class ShardCheck:
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

    def run(self, on_image: Callable[[], None]) -> "ShardReport":
        """Reads the shard; see `check_shard`."""
        return check_shard(self, on_image)


@dataclasses.dataclass(frozen=True)
class ShardReport:
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
    """Reads every record of a shard and decodes every image.

    Args:
        task: The shard.
        on_image: Called after each record.
    """
    # Here, so that the main process needs no TensorFlow when others do the work.
    from datasets.records import salvage

    name = os.path.basename(task.path)
    label_counts: collections.Counter = collections.Counter()
    images = []
    findings: list[Finding] = []
    count = 0
    for number, record in enumerate(salvage.read(task.path)):
        found = [("damaged", record.damage)] if record.damage else []
        filename, label, digest = "", 0, None
        if record.data is not None:
            filename, label, digest, found = _check_record(record.data, task)
        where = f"{name}, record {number}" + (f" ({filename})" if filename else "")
        findings += [Finding(kind, where, what) for kind, what in found]
        if digest is not None:
            images.append((digest, number, label))
            label_counts[label] += 1
        count += 1
        on_image()
    size, sha256 = disk.summarise(task.path)
    return ShardReport(
        task.path, size, sha256, count, dict(label_counts), tuple(images), tuple(findings)
    )


def _check_record(
    data: bytes, task: ShardCheck
) -> tuple[str, int, bytes | None, list[tuple[str, str]]]:
    """File name, label, digest (None without a usable image), and what is wrong."""
    from datasets.conversion.image_check import BadImageError, check_image
    from datasets.records import schema
    from datasets.sources import record_source

    example = record_source.parse(data)
    if example is None:
        return "", 0, None, [("damaged", "no tf.train.Example")]

    def text(*keys: str) -> bytes:
        return b"".join(record_source.bytes_feature(example, key) for key in keys)

    filename = text(schema.KEY_FILENAME, schema.KAGGLE_FILENAME).decode("utf-8", "replace")
    label = record_source.int_feature(example, schema.KEY_LABEL)
    if label is None:
        label = record_source.int_feature(example, schema.KAGGLE_LABEL)
    found = _check_label(label, task.labels)
    found += _check_logits(example, task)
    found += _check_boxes(example, filename)
    encoded = text(schema.KEY_ENCODED, schema.KAGGLE_ENCODED)
    try:
        image = check_image(encoded)
    except BadImageError as error:
        reason = str(error) if encoded else "the record holds no image"
        return filename, 0, None, [*found, ("undecodable", reason)]
    found += _check_size(example, image.height, image.width)
    digest = hashlib.sha256(encoded).digest()[:_DIGEST_BYTES]
    return filename, -1 if label is None else label, digest, found


def _check_label(label: int | None, allowed: tuple[int, int]) -> list[tuple[str, str]]:
    first, end = allowed
    if label is None:
        return [("label", "the record holds no label")]
    if label < first or (end and label >= end):
        last = str(end - 1) if end else "any"
        return [("label", f"label {label} is out of range: {first} to {last}")]
    return []


def _check_logits(example: Any, task: ShardCheck) -> list[tuple[str, str]]:
    from datasets.records import schema

    count = len(example.features.feature[schema.KEY_LOGIT].float_list.value)
    if task.num_logits and count != task.num_logits and (count or task.need_logits):
        return [("logits", f"{count} teacher logits, not {task.num_logits}")]
    return []


def _check_boxes(example: Any, filename: str) -> list[tuple[str, str]]:
    from datasets.errors import DatasetError
    from datasets.records import schema

    sides = [list(example.features.feature[key].float_list.value) for key in schema.BOX_KEYS]
    if len({len(values) for values in sides}) > 1:
        return [("box", f"sides of bounding boxes differ in number: {[len(v) for v in sides]}")]
    try:
        for box in zip(*sides, strict=True):
            schema.check_box(box, filename)
    except DatasetError as error:
        return [("box", str(error))]
    return []


def _check_size(example: Any, height: int, width: int) -> list[tuple[str, str]]:
    from datasets.records import schema
    from datasets.sources import record_source

    said = [
        record_source.int_feature(example, key) for key in (schema.KEY_HEIGHT, schema.KEY_WIDTH)
    ]
    # Kaggle's records state no size.
    if None in said or said == [height, width]:
        return []
    return [("size", f"the record says {said[0]} x {said[1]}, the image is {height} x {width}")]
