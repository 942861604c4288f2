"""A small data set on disk: four classes of plain colours, as TFRecords, and a run over it."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from datasets import convert

REFERENCE = pathlib.Path(__file__).parent.parent / "reference"
COLOURS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (200, 40, 40), "white": (230,) * 3}


def write_photos(folder: pathlib.Path, per_class: int, seed: int) -> None:
    """Writes noisy pictures of one colour per class, of different sizes."""
    random = np.random.RandomState(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            height, width = random.randint(40, 64, 2)
            pixels = np.array(colour) + random.normal(0, 20, (height, width, 3))
            picture = np.clip(pixels, 0, 255).astype(np.uint8)
            encoded = tf.io.encode_jpeg(picture, quality=95).numpy()
            (folder / name / f"{number:03d}.jpg").write_bytes(encoded)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder / "train", per_class=10, seed=1)
    write_photos(folder / "validation", per_class=5, seed=2)
    return folder


@pytest.fixture(scope="session")
def records(photos, tmp_path_factory) -> pathlib.Path:
    """TFRecords of 40 training and 20 validation pictures of 4 classes."""
    folder = tmp_path_factory.mktemp("records")
    arguments = ["image_folder", f"--raw_dir={photos}", f"--output_dir={folder}"]
    assert convert.main([*arguments, "--train_shards=2", "--validation_shards=1"]) == 0
    return folder
