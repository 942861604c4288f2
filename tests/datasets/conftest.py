import numpy as np
import pytest
import tensorflow as tf

from datasets.items import BytesSource, Item, Listing


def _jpeg(seed, height=12, width=16):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return tf.io.encode_jpeg(pixels).numpy()


@pytest.fixture(scope="session")
def jpeg():
    """Makes a small JPEG; equal seeds give equal bytes."""
    return _jpeg


@pytest.fixture(scope="session")
def make_listing():
    """Makes a listing of two classes with images in memory."""

    def make(num_train=20, num_validation=4, replace=None):
        def items(split, count):
            return [
                Item(
                    f"{split}/{index:03d}.jpg",
                    BytesSource((replace or {}).get(f"{split}/{index:03d}.jpg", _jpeg(index))),
                    index % 2,
                )
                for index in range(count)
            ]

        splits = {"train": items("train", num_train)}
        if num_validation:
            splits["validation"] = items("validation", num_validation)
        return Listing("toy", ("cat", "dog"), splits)

    return make


@pytest.fixture
def make_folder(tmp_path):
    """Writes `{relative path: bytes}` below a fresh folder and returns it."""

    def make(files, name="raw"):
        for relative, data in files.items():
            path = tmp_path / name / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(tmp_path / name)

    return make
