"""Finds the shards of a split and makes sure that they are whole."""

import dataclasses
import fnmatch
import os
from typing import Any

import tensorflow as tf

from datasets import command_line, disk
from datasets.errors import DatasetError
from datasets.records import framing
from datasets.records import manifest as manifest_lib

_SHOWN_NAMES = 10


@dataclasses.dataclass(frozen=True)
class Split:
    """The shards of one split, in order.

    Attributes:
        name: "train", "validation", ...: the pattern up to its first special character.
        pattern: What the file names match.
        files: Paths, sorted.
        counts: Number of records in each file; of a damaged file, those that it had, or where
            nobody knows, the whole ones and the broken one.
        damage: What is wrong with damaged files, one line each; see `find_split`.
    """

    name: str
    pattern: str
    files: tuple[str, ...]
    counts: tuple[int, ...]
    damage: tuple[str, ...] = ()

    @property
    def num_examples(self) -> int:
        """Number of records in all files."""
        return sum(self.counts)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Global index of each file's first record."""
        return tuple(sum(self.counts[:position]) for position in range(len(self.counts)))


def find_split(
    data_dir: str, pattern: str = "train-*", verify: bool = True, allow_damage: bool = False
) -> Split:
    """Finds the shards that match `pattern` and counts their records.

    Counts come from the manifest where it knows the file, else the file is walked. The usual
    patterns also find the TFRecords of Kaggle's 104 flowers (train/*.tfrec, val/*.tfrec).

    Args:
        data_dir: Directory of the shards, local or anything that tf.io.gfile reads.
        pattern: Shell pattern for file names; may begin with a folder, as in "val/*.tfrec".
        verify: Whether sizes are compared with the manifest. False saves one look at each
            file; files that the manifest does not know are walked all the same.
        allow_damage: Whether a file that is cut off, changed or broken is described in
            `Split.damage` instead of refused.

    Raises:
        DatasetError: No directory, no match, shards missing from a set, a shard compressed, cut
            off or changed, no records, or a conversion that has not finished.
    """
    data_dir, names, wanted = _locate(data_dir, pattern)
    matching = _matching(names, wanted, data_dir)
    _check_complete(matching, data_dir)
    manifest = manifest_lib.load_manifest(data_dir) or {"splits": {}}
    known = {shard["name"]: shard for shard in manifest_lib.shards_of(manifest)}
    files = tuple(os.path.join(data_dir, name) for name in matching)
    counted = [
        _count(path, known.get(name), verify) for name, path in zip(matching, files, strict=True)
    ]
    damage = tuple(what for _, what in counted if what)
    if damage and not allow_damage:
        raise DatasetError(damage[0])
    counts = tuple(count for count, _ in counted)
    split = Split(_split_name(pattern), pattern, files, counts, damage)
    if not split.num_examples:
        raise DatasetError(
            f"the {len(files)} files {pattern!r} in {data_dir} hold no records; convert the data "
            "again"
        )
    return split


def _split_name(pattern: str) -> str:
    end = min((pattern.index(char) for char in "*?[" if char in pattern), default=len(pattern))
    return pattern[:end].strip("-_./") or pattern


def _locate(data_dir: str, pattern: str) -> tuple[str, list[str], str]:
    """The directory that holds the files, the names in it, and the pattern for them."""
    folder, _, pattern = pattern.rpartition("/")
    if folder:
        data_dir = os.path.join(data_dir, folder)
    names = _list_directory(data_dir)
    folders = {f"{split}-*": folder for split, folder in manifest_lib.KAGGLE_FOLDERS.items()}
    folder = folders.get(pattern)
    if folder in names and not fnmatch.filter(names, pattern):
        below = os.path.join(data_dir, folder)
        if tf.io.gfile.isdir(disk.for_tensorflow(below)):
            inside, kaggle = _list_directory(below), f"*{manifest_lib.KAGGLE_END}"
            if fnmatch.filter(inside, kaggle):
                return below, inside, kaggle
    return data_dir, names, pattern


def _list_directory(data_dir: str) -> list[str]:
    path = disk.for_tensorflow(data_dir)
    if not tf.io.gfile.isdir(path):
        state = "is no directory" if tf.io.gfile.exists(path) else "does not exist"
        raise DatasetError(
            f"data directory {data_dir} {state}; it must hold TFRecord shards, as "
            "`python -m datasets.convert` writes them"
        )
    if "://" in data_dir:
        # Object stores list folders with a slash at the end.
        names = sorted(name.rstrip("/") for name in tf.io.gfile.listdir(data_dir))
    else:
        # TensorFlow's listing wants names in UTF-8.
        names = sorted(os.listdir(data_dir))
    manifest_lib.check_finished(names, data_dir)
    return names


def _matching(names: list[str], pattern: str, data_dir: str) -> list[str]:
    visible = [name for name in names if not name.startswith(".")]
    matching = fnmatch.filter(visible, pattern)
    if not matching:
        shards = any(map(manifest_lib.parse_shard_name, visible))
        what = "" if shards else ". Photos become TFRecord shards by `python -m datasets.convert`"
        raise DatasetError(
            f"no file in {data_dir} matches {pattern!r}; there is: "
            f"{command_line.shown(visible, _SHOWN_NAMES)}{what}"
        )
    return matching


def _check_complete(names: list[str], data_dir: str) -> None:
    """Every NAME-iiiii-of-nnnnn set must have all its n members, and be the only one."""
    indices: dict[tuple[str, int], set[int]] = {}
    for name in names:
        parsed = manifest_lib.parse_shard_name(name)
        if parsed is not None:
            split, index, total = parsed
            indices.setdefault((split, total), set()).add(index)
    totals: dict[str, list[int]] = {}
    for (split, total), found in sorted(indices.items()):
        totals.setdefault(split, []).append(total)
        missing = sorted(set(range(total)) - found)
        if missing:
            names = [manifest_lib.shard_name(split, index, total) for index in missing]
            raise DatasetError(
                f"{data_dir} lacks {len(missing)} of {total} {split} shards: "
                f"{command_line.shown(names, _SHOWN_NAMES)}; copy them again or convert the data "
                "again"
            )
    for split, several in totals.items():
        if len(several) > 1:
            raise DatasetError(
                f"{data_dir} has {split} shards of several sets (of {several}); remove all "
                "sets but one"
            )


def _count(path: str, known: dict[str, Any] | None, verify: bool) -> tuple[int, str]:
    """Number of records that the file at `path` has or had, and its damage in words."""
    if known is None:
        whole, damage = framing.count_records(path)
        if damage and not whole:
            framing.refuse_compressed(path)
        return whole + bool(damage), damage
    size = framing.file_size(path) if verify else known["bytes"]
    if size == known["bytes"]:
        return known["images"], ""
    framing.refuse_compressed(path)
    change = "cut off" if size < known["bytes"] else "changed"
    return known["images"], (
        f"{path} is {change}: it has {size} bytes, {manifest_lib.MANIFEST_FILE} says "
        f"{known['bytes']}. Copy it again or convert the data again"
    )
