"""Some images of a converted data set, and what is said of them."""

import dataclasses
import io
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from datasets.records import example


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image of a split, at place `index` of it.

    `label` is -1 where there is none, `boxes` are float32 [n, 4], each (ymin, xmin, ymax, xmax) as
    fractions, and `size` is height and width in pixels.
    """

    index: int
    encoded: bytes
    label: int
    filename: str
    boxes: np.ndarray
    size: tuple[int, int]


def choose(num_examples: int, count: int, seed: int) -> list[int]:
    """Indices of `count` images, or of all if there are fewer, in order."""
    count = min(count, num_examples)
    return sorted(random.Random(seed).sample(range(num_examples), count))


def read_samples(split: Any, indices: Sequence[int]) -> list[Sample]:
    """Reads the records of `split` (`reader.Split`) at `indices`; broken ones are left out."""
    from datasets.records import framing

    wanted = set(indices)
    samples = []
    for path, offset, count in zip(split.files, split.offsets, split.counts, strict=True):
        if not wanted.intersection(range(offset, offset + count)):
            continue
        with open(path, "rb") as file:
            for number, frame in enumerate(framing.frames(path), offset):
                if number in wanted and not frame.damage:
                    file.seek(frame.offset)
                    stored = example.stored_image(file.read(frame.size))
                    size = stored and (stored.size or _measured(stored.encoded))
                    if size:
                        boxes = np.array(stored.sides, np.float32).T.reshape(-1, 4)
                        label = -1 if stored.label is None else stored.label
                        image = (stored.encoded, label, stored.filename, boxes, size)
                        samples.append(Sample(number, *image))
    return samples


def _measured(encoded: bytes) -> tuple[int, int] | None:
    """Height and width out of the image itself; None when it is no image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.height, image.width
    except (UnidentifiedImageError, OSError):
        return None
