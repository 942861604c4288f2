"""Where corrupted images come from: made as they are wanted, or read from a folder.

Each source has `images(name, severity)`, which gives encoded images and the network's labels of
them, and `conditions`, the pairs of corruption and severity that it has.
"""

import collections
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from datasets.conversion.pool import Workers
from datasets.records import manifest, reader
from datasets.sources import pictures
from official.input import pipeline
from official.input.splits import find_split
from official.robustness.making import Making, make
from official.run import class_names, classes
from official.run.configuration import RunConfig
from official.run.errors import RunError

Condition = tuple[str, int]


class Source(Protocol):
    """Where corrupted images come from.

    Attributes:
      conditions: what there is.
      facts: what decides about the images, for the record of a result; JSON values.
    """

    conditions: list[Condition]
    facts: dict

    def images(self, name: str, severity: int) -> Iterator[tuple[bytes, int]]:
        """Yields encoded images with the class of the network that each shows, in their order."""

    def identity(self, name: str, severity: int) -> dict:
        """Returns what changes when the images of that condition may have; JSON values."""


class Made:
    """Corrupts the photos of TFRecords as they are wanted, in processes."""

    def __init__(
        self,
        config: RunConfig,
        split: reader.Split,
        making: Making,
        conditions: Sequence[Condition],
        workers: Workers,
    ):
        """Takes the run as it reads those records, the records, how, what, and who does it."""
        self._config, self._split, self._making = config, split, making
        self._workers = workers
        self.conditions = list(conditions)
        self.facts = {**vars(making), "records": split.num_examples}

    def identity(self, name: str, severity: int) -> dict:
        """Returns nothing: the facts say it all."""
        return {}

    def images(self, name: str, severity: int) -> Iterator[tuple[bytes, int]]:
        """Yields the images; see `Source`."""
        labels: collections.deque[int] = collections.deque()

        def tasks() -> Iterator[tuple]:
            photos = pipeline.photos(self._config, self._split).prefetch(16)
            for number, (encoded, label, _) in enumerate(photos.as_numpy_iterator()):
                labels.append(int(label))
                yield encoded, number, name, severity, self._making

        for encoded in self._workers.each(made, tasks()):
            yield encoded, labels.popleft()


def made(task: tuple) -> bytes:
    """Returns what `make` makes of its arguments; see `named`."""
    return named(make, task)


def named(work: Callable, task: tuple) -> Any:
    """Returns what `work` makes of a task, an encoded photo, its number, and more.

    Raises:
      RunError: the photo cannot be decoded; it is named by its number.
    """
    try:
        return work(*task)
    except OSError as error:
        raise RunError(
            f"photo {task[1]} of those that are scored, counted from 0, cannot be decoded by "
            f"Pillow ({error}): repair the data, `python -m datasets.verify` looks through it"
        ) from error


class Stored:
    """Reads DIR/CORRUPTION/SEVERITY: TFRecords, or folders of images by class, as published."""

    def __init__(
        self,
        folder: str,
        config: RunConfig,
        pattern: str,
        label_offset: int | None,
        conditions: Sequence[Condition],
    ):
        """Looks what there is of these conditions.

        Raises:
          RunError: nothing, or images of other classes than the run's.
        """
        self._folder, self._config = folder, config
        self._pattern, self._label_offset = pattern, label_offset
        self.conditions = [one for one in conditions if os.path.isdir(self._path(*one))]
        if not self.conditions:
            raise RunError(
                f"--corrupted_dir={folder} holds no folder of a corruption and a severity that are "
                f"wanted, such as {self._path(*conditions[-1])}: the published sets have them when "
                "all archives are unpacked beside each other; `python -m official.corrupt` writes "
                "them, too."
            )
        self.facts = {"corrupted_dir": os.path.abspath(folder)}

    def images(self, name: str, severity: int) -> Iterator[tuple[bytes, int]]:
        """Yields the images; see `Source`.

        Raises:
          RunError or DatasetError: images of other classes than the run's, or none.
        """
        path = self._path(name, severity)
        shards = [file for file in os.listdir(path) if manifest.parse_shard_name(file)]
        yield from self._records(path) if shards else self._files(path)

    def identity(self, name: str, severity: int) -> dict:
        """Returns the number, the size and the last change of the files; see `Source`."""
        return identity_of(self._path(name, severity))

    def _records(self, path: str) -> Iterator[tuple[bytes, int]]:
        config = classes.for_records(self._config, path, self._label_offset)
        split = find_split(path, self._pattern, config.data.on_bad_val_record)
        for encoded, label, _ in pipeline.photos(config, split).as_numpy_iterator():
            yield encoded, int(label)

    def _files(self, path: str) -> Iterator[tuple[bytes, int]]:
        folders = sorted(
            one for one in os.listdir(path)
            if os.path.isdir(os.path.join(path, one)) and not pictures.is_junk(one)
        )  # fmt: skip
        labels = labels_of(self._config, folders, path, self._label_offset)
        for folder, label in zip(folders, labels, strict=True):
            place = os.path.join(path, folder)
            for name in sorted(os.listdir(place)):
                if not pictures.is_junk(name):
                    with open(os.path.join(place, name), "rb") as file:
                        yield file.read(), label

    def _path(self, name: str, severity: int) -> str:
        return os.path.join(self._folder, name, str(severity))


def identity_of(folder: str) -> dict:
    """Returns the number, the size and the last change of the files below a folder."""
    walk = os.walk(folder)
    status = [os.stat(os.path.join(place, file)) for place, _, files in walk for file in files]
    return {
        "files": len(status),
        "bytes": sum(one.st_size for one in status),
        "changed": max((one.st_mtime_ns for one in status), default=0),
    }


def labels_of(
    config: RunConfig, folders: Sequence[str], path: str, label_offset: int | None
) -> list[int]:
    """Returns the class of the network that each of the sorted class folders is.

    A folder is called as the class, or as the first word of its name: classes of ImageNet are
    called `n01440764 tench`, the published folders `n01440764`. Where the run has no names, the
    folders count from 0 in their order, plus the offset.

    Raises:
      RunError: folders of other classes, or another number of them.
    """
    known = config.data.class_names
    if not folders:
        raise RunError(f"{path} holds no folders of classes, and no TFRecords.")
    if known:
        found = class_names.match(known, folders)
        if found is None:
            found = class_names.match([name.split(" ")[0] for name in known], folders)
        if found is None:
            raise RunError(
                f"the folders in {path} are of other classes than the run: "
                f"{class_names.differences(known, folders)}. Nothing was scored of them."
            )
        return list(found)
    offset = config.data.label_offset if label_offset is None else label_offset
    count = config.model.num_classes
    if len(folders) + offset != count:
        raise RunError(
            f"{path} has {len(folders)} folders of classes, the network {count} classes, at "
            f"--label_offset={offset}{classes.offset_hint(len(folders), count)}."
        )
    return [place + offset for place in range(len(folders))]
