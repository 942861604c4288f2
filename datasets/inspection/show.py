"""Draws a converted data set: samples.png and distributions.png.

What training does to an image is none of this wing's business: a function that is handed in makes
its view of an image, as `python -m official.show` does.
"""

import collections
import dataclasses
import io
import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from datasets import command_line, disk
from datasets.errors import DatasetError
from datasets.inspection import figures
from datasets.records import example

SAMPLES_FILE = "samples.png"
DISTRIBUTIONS_FILE = "distributions.png"
SPLITS = ("train", "validation", "test")

# From the image's bytes, its boxes float32 [n, 4] (ymin, xmin, ymax, xmax as fractions), its
# index in the split and the number of the view: the image that training sees, uint8 [H, W, 3].
View = Callable[[bytes, np.ndarray, int, int], np.ndarray]


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
                if number not in wanted or frame.damage:
                    continue
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


def show(
    data_dir: str,
    output_dir: str,
    *,
    view: View | None = None,
    split: str = "train",
    num_samples: int = 12,
    num_views: int = 3,
    max_records: int = 5000,
    seed: int = 0,
) -> list[str]:
    """Draws both files; returns their paths.

    Args:
        data_dir: Directory of the shards.
        output_dir: Where the files go.
        view: What training makes of an image; None leaves that out.
        split: Whose samples are shown.
        num_samples: How many.
        num_views: How often training's view of each is drawn.
        max_records: Of a split, that are read for the sizes; more are sampled.
        seed: Which samples.

    Raises:
        DatasetError: No such split, or nothing in it that can be drawn.
    """
    found = _splits(data_dir, split)
    names = class_names(data_dir)
    indices = choose(found[split].num_examples, num_samples, seed)
    rows = [
        _row(sample, names, view, num_views)
        for sample in read_samples(found[split], indices)
        if _decodes(sample)
    ]
    if not rows:
        raise DatasetError(
            f"no sample of {split!r} in {data_dir} can be drawn; see datasets.verify"
        )
    titles = ["as it is"] + (["as training sees it"] if view is not None else [])
    disk.make_directory(output_dir)
    drawn = {
        SAMPLES_FILE: figures.sheet(titles, rows),
        DISTRIBUTIONS_FILE: distributions(data_dir, found, names, max_records, seed),
    }
    paths = []
    for name, figure in drawn.items():
        paths.append(os.path.join(output_dir, name))
        output = io.BytesIO()
        figures.save(figure, output)
        disk.write_atomically(paths[-1], output.getvalue())
    return paths


def _splits(data_dir: str, wanted: str) -> dict[str, Any]:
    """Splits of the directory by name; only the wanted one must be there and whole."""
    from datasets.records import reader

    found = {}
    for name in SPLITS:
        try:
            found[name] = reader.find_split(data_dir, f"{name}-*")
        except DatasetError:
            # Others that are missing or damaged are left out of the charts.
            if name == wanted:
                raise
    return found


def _decodes(sample: Sample) -> bool:
    from datasets.conversion.image_check import BadImageError, check_image

    try:
        check_image(sample.encoded)
    except BadImageError:
        return False
    return True


def _row(
    sample: Sample, names: Sequence[str], view: View | None, num_views: int
) -> tuple[str, list[np.ndarray]]:
    """The caption, and the image with its views."""
    import tensorflow as tf

    images = [tf.io.decode_image(sample.encoded, channels=3, expand_animations=False).numpy()]
    for number in range(num_views if view is not None else 0):
        images.append(view(sample.encoded, sample.boxes, sample.index, number))
    height, width = sample.size
    caption = f"{_class_name(sample.label, names)}  {width} x {height}  {sample.filename}"
    return figures.drawable(command_line.one_line(caption)), images


def _class_name(label: int, names: Sequence[str]) -> str:
    return names[label] if 0 <= label < len(names) else f"label {label}"


def class_names(data_dir: str) -> list[str]:
    """What stands for each label in a figure; empty where there is no labels.txt."""
    from datasets.records import reader

    return [_drawable(name, place) for place, name in enumerate(reader.load_labels(data_dir) or ())]


def _drawable(name: str, label: int) -> str:
    """The name of a class, or its label where the font lacks a character of it."""
    return name if figures.has_glyphs(name) else f"label {label}"


def distributions(
    data_dir: str, found: Mapping[str, Any], names: Sequence[str], max_records: int, seed: int
) -> Any:
    """Images per class, their sides and their encoded sizes, as a `matplotlib.figure.Figure`.

    `found` holds the splits (`reader.Split`) by name, `names` what stands for each label.
    """
    from datasets.records import reader

    manifest = reader.load_manifest(data_dir)
    counts: dict[str, dict[str, int]] = {}
    sides: dict[str, list[float]] = {"width": [], "height": []}
    kilobytes: dict[str, list[float]] = {}
    read = total = 0
    for name, split in found.items():
        samples = read_samples(split, choose(split.num_examples, max_records, seed))
        read, total = read + len(samples), total + split.num_examples
        known = (manifest or {}).get("splits", {}).get(name, {}).get("class_counts", {})
        labels = collections.Counter(sample.label for sample in samples)
        counts[name] = {
            _drawable(name, label): count for label, (name, count) in enumerate(known.items())
        } or {_class_name(label, names): labels[label] for label in sorted(labels)}
        sides["width"] += [sample.size[1] for sample in samples]
        sides["height"] += [sample.size[0] for sample in samples]
        kilobytes[name] = [len(sample.encoded) / 1000 for sample in samples]
    of = f"{read:,} of {total:,} images" if read < total else f"all {total:,} images"
    exact = "" if manifest is not None or read == total else f" ({of})"
    figure, axes = figures.charts(3)
    figures.draw_classes(axes[0], f"images per class{exact}", counts)
    figures.draw_histogram(axes[1], f"sides of {of}", sides, "pixels")
    figures.draw_histogram(axes[2], f"encoded size of {of}", kilobytes, "kB")
    return figure
