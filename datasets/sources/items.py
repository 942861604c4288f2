"""What a data set hands to the writer: images with labels, split by split."""

import argparse
import dataclasses
import hashlib
import os
import stat
from collections.abc import Sequence
from typing import Any, Protocol

Box = tuple[float, float, float, float]


class Converter:
    """A kind of input: knows its flags and its layout, and lists its images.

    Attributes:
        name: Name on the command line.
        help: One line for people.
    """

    name: str
    help: str

    @classmethod
    def num_shards(cls) -> dict[str, int]:
        """TFRecord files by split name, unless the user says."""
        return {"train": 8, "validation": 2, "test": 2}

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this input has."""

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "Converter":
        """Makes the input that the command line asks for: a field of the class is a flag."""
        return cls(**{field.name: getattr(args, field.name) for field in dataclasses.fields(cls)})

    def listing(self) -> "Listing":
        """Lists all images; none is opened.

        Raises:
            DatasetError: Files are missing, or do not fit together.
        """
        raise NotImplementedError


class Source(Protocol):
    """Where an image's bytes come from; small, and sent to worker processes as it is."""

    def read(self) -> bytes:
        """Returns the bytes of the image file."""

    def fingerprint(self) -> str:
        """Returns a text that changes when the bytes may have changed."""


@dataclasses.dataclass(frozen=True, slots=True)
class FileSource:
    """A file of its own, at `path`."""

    path: str

    def read(self) -> bytes:
        """Returns the bytes of the file; OSError also for a pipe, a socket or a device."""
        # Opening a pipe would wait for somebody to write.
        if not stat.S_ISREG(os.stat(self.path).st_mode):
            raise OSError("no regular file")
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
    """The bytes of an image file, at hand."""

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
        pixel_boxes: The same in pixels, for data sets that do not state the image's size; the
            writer divides by it.
        synset: WordNet ID of the class, where it has one.
        text: The class in words, where the record is to hold it.
        logits: Where a teacher's logits are, numbers separated by commas, if there are any.
    """

    name: str
    source: Source
    label: int
    boxes: tuple[Box, ...] = ()
    pixel_boxes: tuple[Box, ...] = ()
    synset: str = ""
    text: str = ""
    logits: Source | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Skip:
    """A file that is left out.

    Attributes:
        file: Its name within the data set.
        reason: Why, in words.
        bad: Whether it should have been an image of the data set, or may be one: it counts as a
            bad record.
        beside: Whether it belongs to an image that is taken, as annotations do. What neither is
            bad nor belongs to one counts where a large share is left out.
    """

    file: str
    reason: str
    bad: bool = False
    beside: bool = False


@dataclasses.dataclass(frozen=True)
class Listing:
    """Everything that a data set consists of, before any image is opened.

    Attributes:
        name: Name of the data set, for the manifest.
        labels: Class names; the position is the label (a background class is listed, too).
        splits: Items by split name ("train", "validation", "test"), in a stable order.
        skipped: Files by split name that are no images of the data set.
        source: Where the data came from, for the manifest; JSON values.
        num_classes: Outputs of a classifier; None takes the number of labels. Labels from there
            on belong to classes that are only retrieved.
        as_rgb_jpeg: Whether PNG files and CMYK JPEGs become RGB JPEGs, as in the original's
            ImageNet; each is reported.
        crop_to_boxes: Whether an image with boxes is cut to the first one; the record then
            holds no boxes.
        upright: Whether an image whose EXIF orientation says that it lies on its side is turned,
            as people's own photos are; published data sets stay as they are.
    """

    name: str
    labels: tuple[str, ...]
    splits: dict[str, Sequence[Item]]
    skipped: dict[str, Sequence[Skip]] = dataclasses.field(default_factory=dict)
    source: dict[str, Any] = dataclasses.field(default_factory=dict)
    num_classes: int | None = None
    as_rgb_jpeg: bool = False
    crop_to_boxes: bool = False
    upright: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that a classifier tells apart."""
        return self.labels[: self.num_classes]

    def digests(self, options: dict[str, Any]) -> tuple[str, dict[str, list[bytes]]]:
        """Digests of the whole and of each item: equal ones give equal shards and records.

        Args:
            options: Whatever else decides about the shards' bytes; JSON values.

        Returns:
            SHA-256 over the listing and `options`, and by split one of 16 bytes for each item.
        """
        summary = hashlib.sha256()

        def add(*values: object) -> bytes:
            text = repr(values).encode("utf-8", "surrogateescape")
            summary.update(text)
            return text

        add(self.name, self.labels, sorted(options.items()))
        # Only where it is used: digests of published data sets stay what they were.
        add(self.num_classes, self.as_rgb_jpeg, self.crop_to_boxes, *["upright"] * self.upright)
        items: dict[str, list[bytes]] = {}
        for split in sorted(self.splits):
            add(split, len(self.splits[split]))
            items[split] = []
            for item in self.splits[split]:
                logits = item.logits.fingerprint() if item.logits is not None else None
                boxes = (item.boxes, item.pixel_boxes)
                text = (item.synset, item.text)
                facts = add(item.name, item.label, item.source.fingerprint(), boxes, text, logits)
                items[split].append(hashlib.sha256(facts).digest()[:16])
            for skip in self.skipped.get(split, ()):
                add(skip.file, skip.reason)
        return summary.hexdigest(), items
