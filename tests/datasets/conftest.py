import io
import pathlib
import tarfile
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from datasets.conversion.plan import WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.records import reader, schema
from datasets.sources.items import BytesSource, Item, Listing


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


def _add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _tar(files, compressed=False):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz" if compressed else "w") as archive:
        for name, data in files.items():
            _add(archive, name, data)
    return output.getvalue()


@pytest.fixture(scope="session")
def tar():
    """Packs `{name: bytes}` as a tar archive, perhaps compressed."""
    return _tar


@pytest.fixture(scope="session")
def zipped():
    """Packs `{name: bytes}` as a zip archive."""

    def make(files):
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return output.getvalue()

    return make


@pytest.fixture(scope="session")
def reference():
    """Bytes of a file made by another program, below tests/reference/datasets."""
    folder = pathlib.Path(__file__).parent.parent / "reference" / "datasets"
    return lambda name: (folder / name).read_bytes()


@pytest.fixture(scope="session")
def convert_listing():
    """Writes a listing as one shard per split and returns the manifest."""

    def convert(listing, output_dir, **changes):
        shards = {split: 1 for split in listing.splits}
        config = WriterConfig(**{"num_shards": shards, "show_progress": False, **changes})
        return write_dataset(listing, str(output_dir), config)

    return convert


@pytest.fixture(scope="session")
def read_back():
    """Parsed examples of a split, in order."""

    def read(output_dir, split):
        records = reader.read_records(reader.find_split(str(output_dir), f"{split}-*"))
        parsed = records.map(lambda record: schema.parse_example(record["serialized"]))
        return list(parsed.as_numpy_iterator())

    return read
