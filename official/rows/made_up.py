"""Small data sets of made-up pictures, with the schema and class names of a published one."""

import importlib.resources

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from datasets import catalog
from datasets.conversion import writer
from datasets.conversion.plan import WriterConfig
from datasets.sets.flower_names import KAGGLE, OXFORD
from datasets.sources.items import BytesSource, Item, Listing
from official.benchmark import made_up_photos

# Few, but two batches of mixup and a split that is no multiple of a batch.
IMAGES = {"train": 24, "validation": 20, "test": 12}
_HEIGHT, _WIDTH = 72, 96

# Data sets of the catalogue -> those of TFDS with the same names.
_IN_TFDS = {
    "imagenet": "imagenet2012", "food101": "food101", "cars196": "cars196",
    "cars196_zeroshot": "cars196", "oxford_iiit_pet": "oxford_iiit_pet",
}  # fmt: skip
_FLOWERS = {"oxford_flowers102": OXFORD, "kaggle_flower_all_sizes": KAGGLE}
_IN_FILES = {"fgvc_aircraft": "fgvc_aircraft.txt", "cub_200_2011": "cub_200_2011.txt",
             "cub_200_2011_72_8_20": "cub_200_2011.txt"}  # fmt: skip
_PRODUCTS = (
    "bicycle", "cabinet", "chair", "coffee_maker", "fan", "kettle", "lamp", "mug", "sofa",
    "stapler", "table", "toaster",
)  # fmt: skip


def class_names(dataset: str, folder: str) -> tuple[str, ...]:
    """Returns the names of all labels of a data set, a background class included.

    Args:
      dataset: name in the catalogue.
      folder: any folder; TFDS looks for prepared data there, and finds none.
    """
    if dataset in _FLOWERS:
        return tuple(_FLOWERS[dataset])
    if dataset in _IN_FILES:
        files = importlib.resources.files("official.rows") / "class_names"
        return tuple((files / _IN_FILES[dataset]).read_text("utf-8").splitlines())
    if dataset == "SOP":
        labels = range(catalog.get(dataset).num_labels)
        return tuple(f"{_PRODUCTS[label % len(_PRODUCTS)]} {label + 1}" for label in labels)
    builder = tfds.builder(_IN_TFDS[dataset], data_dir=folder, try_gcs=False)
    names = tuple(builder.info.features["label"].names)
    return ("background", *names) if dataset == "imagenet" else names


def write(dataset: str, folder: str, with_logits: bool = False) -> None:
    """Writes the data set: train-*, validation-*, labels.txt, manifest.json.

    Its labels are those that occur in the splits of the published one: of data sets for retrieval
    the validation has other classes than the training.

    Args:
      dataset: name in the catalogue.
      folder: where it goes.
      with_logits: whether the records hold a teacher's logits, made up as well.
    """
    info = catalog.get(dataset)
    names = class_names(dataset, folder)
    apart = info.num_labels > info.num_classes or dataset == "cars196_zeroshot"
    middle = info.num_classes if info.num_labels > info.num_classes else info.num_classes // 2
    ranges = {split: (info.label_offset, info.num_labels) for split in info.num_images}
    if apart:
        ranges = {"train": (0, middle), "validation": (middle, info.num_labels)}
    random = np.random.default_rng(0)
    splits = {}
    for split, bounds in ranges.items():
        splits[split] = []
        for number, label in enumerate(_labels(*bounds, IMAGES[split])):
            logits = random.normal(size=info.num_classes) if with_logits else None
            synset = names[label] if dataset == "imagenet" else ""
            splits[split].append(_item(f"{split}_{number}.jpg", label, random, synset, logits))
    classes = info.num_classes if info.num_labels > info.num_classes else None
    listing = Listing(
        dataset, names, splits, num_classes=classes, as_rgb_jpeg=dataset == "imagenet"
    )
    shards = dict.fromkeys(IMAGES, 2)
    writer.write_dataset(listing, folder, WriterConfig(shards, show_progress=False))


def _labels(first: int, end: int, count: int) -> list[int]:
    """Returns labels from `first` on, spread up to `end`, each twice: retrieval needs a pair."""
    return [first + (number // 2) * (end - first) * 2 // count for number in range(count)]


def _item(
    name: str,
    label: int,
    random: np.random.Generator,
    synset: str,
    logits: np.ndarray | None,
) -> Item:
    """One made-up picture; with a synset it has a box, too, as ImageNet's have."""
    pixels = made_up_photos.photo(random, _HEIGHT, _WIDTH)
    encoded = tf.io.encode_jpeg(pixels, quality=95).numpy()
    numbers = None if logits is None else ",".join(f"{logit:.4f}" for logit in logits)
    return Item(
        name,
        BytesSource(encoded),
        label,
        boxes=((0.1, 0.1, 0.9, 0.9),) if synset else (),
        synset=synset,
        logits=None if numbers is None else BytesSource(numbers.encode("ascii")),
    )
