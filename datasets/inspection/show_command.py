"""Command line: pictures of a converted data set.

`python -m datasets.show DIR`

Saves samples.png, some images as they are and as training sees them, and distributions.png, the
number of images per class and how large they are.

What training does to an image is none of this wing's business: a function that it is handed draws
that. From the command line it is named, MODULE:FUNCTION; the default is the training pipeline's
own. `python -m official.show` hands in that of any training flags.
"""

import argparse
import collections
import dataclasses
import importlib
import inspect
import io
import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from datasets import command_line, disk
from datasets.errors import DatasetError

DEFAULT_VIEW = "official.command.show:training_view"
SAMPLES_FILE = "samples.png"
DISTRIBUTIONS_FILE = "distributions.png"

# From the image's bytes, its boxes float32 [n, 4] (ymin, xmin, ymax, xmax as fractions), its
# index in the split and the number of the view, the picture that training sees: uint8 [H, W, 3].
View = Callable[[bytes, np.ndarray, int, int], np.ndarray]

_SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image of a split.

    Attributes:
        index: Its place in the split.
        encoded: Its bytes.
        label: Its label, or -1.
        filename: Its name.
        boxes: float32 [n, 4].
        size: Height and width in pixels.
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
    from datasets.records import salvage
    from datasets.sources import record_source

    wanted = set(indices)
    samples = []
    for path, offset, count in zip(split.files, split.offsets, split.counts, strict=True):
        if not wanted.intersection(range(offset, offset + count)):
            continue
        with open(path, "rb") as file:
            for number, frame in enumerate(salvage.frames(path), offset):
                if number in wanted and not frame.damage:
                    file.seek(frame.offset)
                    example = record_source.parse(file.read(frame.size))
                    sample = _sample(number, example) if example is not None else None
                    samples += [sample] if sample is not None else []
    return samples


def _sample(index: int, example: Any) -> Sample | None:
    from datasets.records import schema
    from datasets.sources import record_source

    def text(*keys: str) -> bytes:
        return b"".join(record_source.bytes_feature(example, key) for key in keys)

    encoded = text(schema.KEY_ENCODED, schema.KAGGLE_ENCODED)
    labels = (
        record_source.int_feature(example, key) for key in (schema.KEY_LABEL, schema.KAGGLE_LABEL)
    )
    sides = [example.features.feature[key].float_list.value for key in schema.BOX_KEYS]
    size = tuple(
        record_source.int_feature(example, key) for key in (schema.KEY_HEIGHT, schema.KEY_WIDTH)
    )
    size = size if None not in size else _measured(encoded)
    if size is None:
        return None
    return Sample(
        index,
        encoded,
        next((label for label in labels if label is not None), -1),
        text(schema.KEY_FILENAME, schema.KAGGLE_FILENAME).decode("utf-8", "replace"),
        np.array(sides, np.float32).T.reshape(-1, 4),
        size,
    )


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
    view: View | None,
    split: str = "train",
    num_samples: int = 12,
    num_views: int = 3,
    max_records: int = 5000,
    seed: int = 0,
) -> list[str]:
    """Draws both pictures.

    Args:
        data_dir: Directory of the shards.
        output_dir: Where the pictures go.
        view: What training makes of an image; None leaves that out.
        split: Whose samples are shown.
        num_samples: How many.
        num_views: How often training's view of each is drawn.
        max_records: Records that are read for the sizes; more are sampled.
        seed: Which samples, and how the views fall out.

    Returns:
        Paths of the pictures.

    Raises:
        DatasetError: No such split, nothing in it that can be drawn, or Pillow is missing.
    """
    from datasets.inspection import drawing

    found = _splits(data_dir, split)
    names = class_names(data_dir)
    indices = choose(found[split].num_examples, num_samples, seed)
    rows = [
        row
        for sample in read_samples(found[split], indices)
        if (row := _row(sample, names, view, num_views)) is not None
    ]
    if not rows:
        raise DatasetError(
            f"no sample of {split!r} in {data_dir} can be drawn; see datasets.verify"
        )
    titles = ["as it is"] + (["as training sees it"] if view is not None else [])
    disk.make_directory(output_dir)
    samples_path = os.path.join(output_dir, SAMPLES_FILE)
    _save(drawing.sheet(titles, rows), samples_path)
    charts_path = os.path.join(output_dir, DISTRIBUTIONS_FILE)
    _save(drawing.page(_charts(data_dir, found, names, max_records, seed)), charts_path)
    return [samples_path, charts_path]


def _splits(data_dir: str, wanted: str) -> dict[str, Any]:
    """Splits of the directory by name.

    Raises:
        DatasetError: The wanted one is not there, or damaged.
    """
    from datasets.records import reader

    found = {}
    for name in _SPLITS:
        try:
            found[name] = reader.find_split(data_dir, f"{name}-*")
        except DatasetError:
            # Another one that is missing or damaged is left out of the charts.
            if name == wanted:
                raise
    return found


def _row(sample: Sample, names: Sequence[str], view: View | None, num_views: int) -> Any:
    from datasets.conversion.image_check import BadImageError, check_image
    from datasets.inspection import drawing

    try:
        check_image(sample.encoded)
    except BadImageError:
        return None
    pictures = [_decoded(sample.encoded)]
    if view is not None:
        pictures += [
            _checked(view(sample.encoded, sample.boxes, sample.index, number))
            for number in range(num_views)
        ]
    height, width = sample.size
    caption = f"{_class_name(sample.label, names)}  {width} x {height}  {sample.filename}"
    return drawing.Row(command_line.one_line(caption), pictures)


def _checked(picture: Any) -> np.ndarray:
    """What a view returned, as an array.

    Raises:
        DatasetError: It is no picture.
    """
    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise DatasetError(
            f"the function of --view returned {type(picture).__name__}, {pixels.dtype} "
            f"{list(pixels.shape)}; must be a picture, uint8 [H, W, 3]"
        )
    return pixels


def _decoded(encoded: bytes) -> np.ndarray:
    import tensorflow as tf

    return tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()


def _class_name(label: int, names: Sequence[str]) -> str:
    return names[label] if 0 <= label < len(names) else f"label {label}"


def class_names(data_dir: str) -> list[str]:
    """What stands for each label in a picture; empty where there is no labels.txt."""
    from datasets.records import reader

    return [_drawable(name, place) for place, name in enumerate(reader.load_labels(data_dir) or ())]


def _drawable(name: str, label: int) -> str:
    """The name of a class, or its label where the font lacks a character of it."""
    from datasets.inspection import drawing

    return name if drawing.has_glyphs(name) else f"label {label}"


def _charts(
    data_dir: str, found: Mapping[str, Any], names: Sequence[str], max_records: int, seed: int
) -> list[Any]:
    from datasets.inspection import drawing
    from datasets.records import reader

    manifest = reader.load_manifest(data_dir)
    counts: dict[str, dict[str, int]] = {}
    sizes: dict[str, list[float]] = collections.defaultdict(list)
    kilobytes: dict[str, list[float]] = {}
    read = total = 0
    for name, split in found.items():
        samples = read_samples(split, choose(split.num_examples, max_records, seed))
        read, total = read + len(samples), total + split.num_examples
        counted = collections.Counter(_class_name(sample.label, names) for sample in samples)
        known = (manifest or {}).get("splits", {}).get(name, {}).get("class_counts", {})
        counts[name] = {
            _drawable(name, label): count for label, (name, count) in enumerate(known.items())
        } or {name: counted[name] for name in sorted(counted, key=_by_label(names))}
        sizes["width"] += [sample.size[1] for sample in samples]
        sizes["height"] += [sample.size[0] for sample in samples]
        kilobytes[name] = [len(sample.encoded) / 1000 for sample in samples]
    of = f"{read:,} of {total:,} images" if read < total else f"all {total:,} images"
    exact = "" if manifest is not None or read == total else f" ({of})"
    return [
        drawing.class_chart(f"images per class{exact}", counts),
        drawing.histogram(f"sides of {of}", sizes, "pixels"),
        drawing.histogram(f"encoded size of {of}", kilobytes, "kB"),
    ]


def _by_label(names: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    places = {name: place for place, name in enumerate(names)}

    def key(name: str) -> tuple[int, str]:
        number = name.removeprefix("label ")
        return places.get(name, int(number) if number.lstrip("-").isdigit() else 0), name

    return key


def _save(picture: Any, path: str) -> None:
    output = io.BytesIO()
    picture.save(output, "PNG")
    disk.write_atomically(path, output.getvalue())


def load_view(name: str) -> View:
    """The function that MODULE:FUNCTION names.

    Raises:
        DatasetError: There is none, or it takes other arguments.
    """
    module, _, function = name.partition(":")
    try:
        view = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise DatasetError(
            f"--view={name} cannot be loaded ({error}); it must be MODULE:FUNCTION, or empty to "
            "show the images only as they are"
        ) from error
    if not callable(view):
        raise DatasetError(f"--view={name} is no function")
    try:
        inspect.signature(view).bind(b"", np.zeros([0, 4], np.float32), 0, 0)
    except TypeError as error:
        raise DatasetError(
            f"--view={name} cannot be called ({error}); it must take an image's bytes, its boxes, "
            "its index and the number of the view"
        ) from error
    except ValueError:
        # Of some that are written in C nobody knows the arguments.
        pass
    return view


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.show",
        description=f"Saves {SAMPLES_FILE} (images as they are and as training sees them) and "
        f"{DISTRIBUTIONS_FILE} (classes and sizes) of a converted data set.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    default = " (default: %(default)s)"
    add("data_dir", metavar="DIR", help="directory of the shards")
    add("--output_dir", metavar="DIR", help="where the pictures go (default: beside the shards)")
    add("--split", default="train", choices=_SPLITS, help="whose samples are shown" + default)
    add("--num_samples", type=int, default=12, metavar="N", help="samples" + default)
    add("--num_views", type=int, default=3, metavar="N", help="views of each" + default)
    add(
        "--max_records",
        type=int,
        default=5000,
        metavar="N",
        help="records of a split that are read for the sizes" + default,
    )
    add("--seed", type=int, default=0, metavar="N", help="which samples" + default)
    add(
        "--view",
        default=DEFAULT_VIEW,
        metavar="MODULE:FUNCTION",
        help="what makes of an image what training sees; empty for none" + default,
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments after the program's name; None takes those of the process.

    Returns:
        Exit status: 0, 1 after an error, 130 after Ctrl-C.
    """
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    def body() -> None:
        paths = show(
            args.data_dir,
            args.output_dir or args.data_dir,
            view=load_view(args.view) if args.view else None,
            split=args.split,
            num_samples=max(1, args.num_samples),
            num_views=max(1, args.num_views),
            max_records=max(1, args.max_records),
            seed=args.seed,
        )
        print("\n".join(paths))

    return command_line.run(body, "no half-drawn picture was left")
