"""`manifest.json` and `labels.txt`: what a converted data set says about itself."""

import json
import os
import re
import reprlib
from collections.abc import Iterable
from typing import Any

from datasets import disk
from datasets.errors import DatasetError

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
LABELS_FILE = "labels.txt"
# Beside each finished shard until the manifest is written; readers refuse the directory meanwhile.
_DONE_END = ".done.json"
# What the version before had in place of these.
FORMER_WORK_FILE = "unfinished.jsonl"
# Archives that are inflated for as long as the conversion works.
INFLATED_START = ".inflated-"

# Where Kaggle's 104 flowers keep the splits, and what their files end in.
KAGGLE_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
KAGGLE_END = ".tfrec"

# What readers need to know of each shard.
_SHARD_FACTS = {"name": str, "bytes": int, "images": int}
# What must be of this kind where it is there.
_FACTS = {"dataset": str, "num_classes": int, "num_labels": int}
_SPLIT_FACTS = {"num_images": int, "num_skipped": int, "class_counts": dict, "skipped": list}
_KIND_NAMES = {
    str: "a text",
    int: "a whole number of at least 0",
    dict: "whole numbers by class name",
    list: "a list",
}
_SHARD = re.compile(r"(?P<split>[^.].*)-(?P<index>\d{5})-of-(?P<total>\d{5})")


def shard_name(split: str, index: int, total: int) -> str:
    """File name of shard `index` of `total`: train-00000-of-00008."""
    return f"{split}-{index:05d}-of-{total:05d}"


def parse_shard_name(name: str) -> tuple[str, int, int] | None:
    """Split, index and total, or None when `name` is no shard's name."""
    match = _SHARD.fullmatch(name)
    return match and (match["split"], int(match["index"]), int(match["total"]))


def done_name(shard: str) -> str:
    """Name of the file that says that `shard` is finished; hidden from `train-*`."""
    return f".{shard}{_DONE_END}"


def shard_of_done_name(name: str) -> str | None:
    """The shard of which the file `name` says that it is finished; None for other files."""
    shard = name[1:].removesuffix(_DONE_END)
    return shard if parse_shard_name(shard) and name == done_name(shard) else None


def unfinished(names: Iterable[str]) -> str:
    """The one of a directory's files that tells of an unfinished conversion, or an empty text."""
    telling = (n for n in names if n == FORMER_WORK_FILE or shard_of_done_name(n))
    return next(telling, "")


def check_finished(names: Iterable[str], directory: str) -> None:
    """Raises `DatasetError` when one of a directory's files tells of an unfinished conversion."""
    telling = unfinished(names)
    if telling:
        raise DatasetError(
            f"what is written into {directory} has not finished ({telling} is there); wait for "
            "it, or run the same command again (`python -m datasets.convert`)"
        )


def kaggle_files(folder: str) -> list[str]:
    """Sorted names of the files of Kaggle's flowers in a local folder; none if it is not there."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [name for name in names if name.endswith(KAGGLE_END) and not name.startswith(".")]


def shards_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What a manifest says of each shard of all splits."""
    return [shard for split in manifest["splits"].values() for shard in split["shards"]]


def load_manifest(directory: str) -> dict[str, Any] | None:
    """The manifest of a converted data set, or None when there is none.

    Raises:
        DatasetError: No JSON, not a manifest, of another format version, without its shards, or
            with a value of the wrong kind.
    """
    path = os.path.join(directory, MANIFEST_FILE)
    data = _read(path)
    if data is None:
        return None
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON ({error}); convert the data again") from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION or not isinstance(manifest.get("splits"), dict):
        raise DatasetError(
            f"{path} has format_version {version!r}; this program reads {FORMAT_VERSION}. "
            "Convert the data again"
        )
    _check_kinds(manifest, _FACTS, path)
    for split, described in manifest["splits"].items():
        shards = described.get("shards") if isinstance(described, dict) else None
        if not isinstance(shards, list) or not all(map(_is_described, shards)):
            raise DatasetError(
                f"{path} has no list of shards with {', '.join(_SHARD_FACTS)} for the split "
                f"{split!r}; it was changed. Convert the data again"
            )
        _check_kinds(described, _SPLIT_FACTS, f"{path}, split {split!r},")
    return manifest


def _check_kinds(values: dict[str, Any], kinds: dict[str, type], where: str) -> None:
    """Refuses values of the wrong kind."""
    for key, kind in kinds.items():
        if key in values and not _is_of_kind(values[key], kind):
            raise DatasetError(
                f"{where} has {key} {reprlib.repr(values[key])}; must be {_KIND_NAMES[kind]}. It "
                "was changed: convert the data again"
            )


def _is_of_kind(value: Any, kind: type) -> bool:
    # Not isinstance: True is no number.
    if type(value) is not kind:
        return False
    if kind is dict:
        return all(_is_of_kind(count, int) for count in value.values())
    return kind is not int or value >= 0


def _is_described(shard: Any) -> bool:
    return isinstance(shard, dict) and all(
        isinstance(shard.get(name), kind) for name, kind in _SHARD_FACTS.items()
    )


def load_labels(directory: str) -> list[str] | None:
    """Class names by label from `labels.txt`, or None when there is none.

    Raises:
        DatasetError: The file is no UTF-8 text.
    """
    path = os.path.join(directory, LABELS_FILE)
    data = _read(path)
    try:
        return None if data is None else data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path} is no UTF-8 text ({error}); it must hold a class name per line. Convert the "
            "data again"
        ) from error


def _read(path: str) -> bytes | None:
    """The bytes of a file, local or remote; None when there is none."""
    if "://" not in path:
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()
    # Here: a conversion's main process needs no TensorFlow.
    import tensorflow as tf

    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read()


def check_labels(labels: tuple[str, ...], where: str) -> None:
    """Refuses class names that cannot stand in a text file, one per line, or that repeat."""
    for label in labels:
        printable = bool(label) and len(label.splitlines()) == 1
        try:
            label.encode("utf-8")
        except UnicodeEncodeError:
            printable = False
        if not printable:
            raise DatasetError(f"class name {label!r} in {where}: must be one line of UTF-8 text")
    if len(set(labels)) != len(labels):
        raise DatasetError(f"class names in {where} repeat: {', '.join(sorted(labels))}")


def write_labels(output_dir: str, labels: tuple[str, ...]) -> None:
    """Writes `labels.txt`: a class name per line; the line's number, from 0, is the label."""
    text = "".join(f"{label}\n" for label in labels)
    disk.write_atomically(os.path.join(output_dir, LABELS_FILE), text.encode("utf-8"))


def write_manifest(output_dir: str, manifest: dict[str, Any]) -> None:
    """Writes `manifest.json`; equal manifests give equal bytes."""
    text = json.dumps(manifest, indent=1) + "\n"
    disk.write_atomically(os.path.join(output_dir, MANIFEST_FILE), text.encode("ascii"))
