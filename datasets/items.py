"""What a data set hands to the writer: images with labels, split by split."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from typing import Any, Protocol


class Source(Protocol):
    """Where an image's bytes come from; small, and sent to worker processes as it is."""

    def read(self) -> bytes:
        """Returns the bytes of the image file."""

    def fingerprint(self) -> str:
        """Returns a text that changes when the bytes may have changed."""


@dataclasses.dataclass(frozen=True, slots=True)
class FileSource:
    """A file of its own.

    Attributes:
        path: Where it lies.
    """

    path: str

    def read(self) -> bytes:
        """Returns the bytes of the file."""
        with open(self.path, "rb") as file:
            return file.read()

    def fingerprint(self) -> str:
        """Size and time of the last change: cheap, nothing is read."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            # A broken link is reported as a bad image when it is read.
            return f"unreadable:{error.errno}"
        return f"{status.st_size}:{status.st_mtime_ns}"


@dataclasses.dataclass(frozen=True, slots=True)
class BytesSource:
    """Bytes at hand.

    Attributes:
        data: The image file's bytes.
    """

    data: bytes

    def read(self) -> bytes:
        """Returns the bytes."""
        return self.data

    def fingerprint(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One image of a split.

    Attributes:
        name: Name within the data set, stable from run to run; becomes `image/filename`.
        source: Where the bytes come from.
        label: Class as written to the record (1 or more where 0 is a background class).
        boxes: Each (ymin, xmin, ymax, xmax), as fractions of height and width.
    """

    name: str
    source: Source
    label: int
    boxes: tuple[tuple[float, float, float, float], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Skip:
    """A file that is left out.

    Attributes:
        file: Its name within the data set.
        reason: Why, in words.
    """

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Listing:
    """Everything that a data set consists of, before any image is opened.

    Attributes:
        name: Name of the data set, for the manifest.
        labels: Class names; the position is the label (a background class is listed, too).
        splits: Items by split name ("train", "validation", "test"), in a stable order.
        skipped: Files by split name that are no images of the data set.
        source: Where the data came from, for the manifest; JSON values.
    """

    name: str
    labels: tuple[str, ...]
    splits: dict[str, Sequence[Item]]
    skipped: dict[str, Sequence[Skip]] = dataclasses.field(default_factory=dict)
    source: dict[str, Any] = dataclasses.field(default_factory=dict)

    def digest(self, options: dict[str, Any]) -> str:
        """SHA-256 over the listing and `options`: equal digests give equal shards.

        Args:
            options: Whatever else decides about the shards' bytes; JSON values.
        """
        summary = hashlib.sha256()

        def add(*values: object) -> None:
            summary.update(repr(values).encode("utf-8", "surrogateescape"))

        add(self.name, self.labels, sorted(options.items()))
        for split in sorted(self.splits):
            add(split, len(self.splits[split]))
            for item in self.splits[split]:
                add(item.name, item.label, item.boxes, item.source.fingerprint())
            for skip in self.skipped.get(split, ()):
                add(skip.file, skip.reason)
        return summary.hexdigest()
