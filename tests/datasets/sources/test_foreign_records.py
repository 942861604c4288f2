"""TFRecords of others: Kaggle's 104 flowers, TensorFlow Datasets, and damaged files."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.conversion import command
from datasets.errors import DatasetError
from datasets.inspection import verification
from datasets.records import reader, salvage, schema
from datasets.sets.kaggle_flower import KaggleFlower, KaggleFlowerAllSizes
from datasets.sources.tfds_set import TfdsSet, import_tfds


def bytes_feature(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def int_feature(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def kaggle_record(image, label, name):
    feature = {"image": bytes_feature(image), "id": bytes_feature(name)}
    if label is not None:
        feature["class"] = int_feature(label)
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


@pytest.fixture
def flowers(tmp_path, jpeg):
    folder = tmp_path / "tfrecords-jpeg-192x192"
    train = [kaggle_record(jpeg(n), 10 * n, f"id{n}".encode()) for n in range(5)]
    write(folder / "train" / "00-192x192-3.tfrec", train[:3])
    write(folder / "train" / "01-192x192-2.tfrec", train[3:])
    write(folder / "val" / "00-192x192-1.tfrec", [kaggle_record(jpeg(9), 103, b"id9")])
    write(folder / "test" / "00-192x192-1.tfrec", [kaggle_record(jpeg(8), None, b"id8")])
    return folder


@pytest.mark.parametrize(
    "pattern,names,labels",
    [
        ("train-*", [f"id{n}" for n in range(5)], [0, 10, 20, 30, 40]),
        ("train/01*.tfrec", ["id3", "id4"], [30, 40]),
        ("validation-*", ["id9"], [103]),
        ("test-*", ["id8"], [schema.MISSING_LABEL]),
    ],
)
def test_kaggles_records_are_read_as_they_are(flowers, jpeg, pattern, names, labels):
    split = reader.find_split(str(flowers), pattern)
    assert split.name in ("train", "train/01", "validation", "test")
    parsed = reader.read_records(split).map(
        lambda record: schema.parse_example(record["serialized"])
    )
    found = list(parsed.as_numpy_iterator())
    assert [example["filename"].decode() for example in found] == names
    assert [example["label"] for example in found] == labels
    assert all(example["bbox"].shape == (0, 4) for example in found)
    assert found[0]["encoded"] == jpeg(int(names[0][2:]))


def test_all_sizes_become_one_data_set(flowers, tmp_path):
    for size in (224, 331):
        shutil.copytree(flowers, tmp_path / f"tfrecords-jpeg-{size}x{size}")
    sizes = KaggleFlowerAllSizes(str(tmp_path))
    with pytest.raises(DatasetError, match="lacks tfrecords-jpeg-512x512; it must hold"):
        sizes.listing()
    shutil.copytree(flowers, tmp_path / "tfrecords-jpeg-512x512")
    splits = sizes.listing().splits
    assert {split: len(items) for split, items in splits.items()} == {"train": 20, "validation": 4}
    assert len({item.name for items in splits.values() for item in items}) == 24


def test_hidden_files_beside_kaggles_records(flowers):
    for folder in ("train", "val"):
        (flowers / folder / "._00-192x192-3.tfrec").write_bytes(b"Mac OS X")
    listing = KaggleFlower(str(flowers)).listing()
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 5,
        "validation": 1,
    }
    assert listing.skipped == {"train": [], "validation": []}
    report = verification.verify(str(flowers), dataset_name="kaggle_flower")
    assert report.findings == ()
    assert [found["shards"] for found in report.splits.values()] == [2, 1]


def test_kaggles_records_are_converted(flowers, jpeg, tmp_path, convert_listing, read_back):
    listing = KaggleFlower(str(flowers)).listing()
    convert_listing(listing, tmp_path / "out")
    assert len((tmp_path / "out" / "labels.txt").read_text().splitlines()) == 104
    found = {e["filename"].decode(): e for e in read_back(tmp_path / "out", "train")}
    assert {name: e["label"] for name, e in found.items()} == {
        f"train/id{n}": 10 * n for n in range(5)
    }
    assert found["train/id3"]["encoded"] == jpeg(3)
    assert listing.labels[103] == "wild rose"


def damage_data(path, record):
    """Changes one byte in the data of a record."""
    places = list(salvage.read(str(path)))
    with open(path, "rb+") as file:
        file.seek(places[record].frame.offset + 5)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def test_damaged_records_stop_a_conversion_or_are_counted(flowers, tmp_path, convert_listing, jpeg):
    damage_data(flowers / "train" / "00-192x192-3.tfrec", 1)
    extra = [kaggle_record(jpeg(1), 104, b"high"), kaggle_record(jpeg(2), None, b"none"), b"\xff"]
    write(flowers / "train" / "02-192x192-3.tfrec", extra)
    listing = KaggleFlower(str(flowers)).listing()
    with pytest.raises(DatasetError, match="record 1 .the checksum of the data is wrong.*=skip"):
        convert_listing(listing, tmp_path / "out", on_bad_record="fail")
    with pytest.raises(DatasetError, match="4 of 8 images of split 'train' cannot be used"):
        convert_listing(listing, tmp_path / "out")
    manifest = convert_listing(listing, tmp_path / "out", max_bad_fraction=0.5)
    assert manifest["splits"]["train"]["num_images"] == 4
    assert [skip["reason"] for skip in manifest["splits"]["train"]["skipped"]] == [
        "the checksum of the data is wrong",
        "class 104; 0 to 103 are possible",
        "class None; 0 to 103 are possible",
        "no tf.train.Example",
    ]


def test_every_record_around_the_damage_is_read(tmp_path):
    path = tmp_path / "records"
    write(path, [bytes([n]) * 40 for n in range(5)])
    whole = list(salvage.read(str(path)))
    assert [record.data for record in whole] == [bytes([n]) * 40 for n in range(5)]
    assert [record.frame.offset for record in whole] == [12 + 56 * n for n in range(5)]
    damage_data(path, 2)
    found = list(salvage.read(str(path)))
    assert [record.data is None for record in found] == [False, False, True, False, False]
    assert found[3] == whole[3]
    with open(path, "rb+") as file:
        file.seek(56 * 3)
        file.write(b"\xff")
    found = list(salvage.read(str(path)))
    assert [bool(record.damage) for record in found] == [False, False, True, True]
    assert found[3].damage == "broken length at byte 168; nothing behind it can be read"


@pytest.mark.parametrize("size,damage", [(60, "inside a length"), (100, "inside the data")])
def test_cut_off_records(tmp_path, size, damage):
    path = tmp_path / "records"
    write(path, [b"x" * 40, b"y" * 40])
    with open(path, "rb+") as file:
        file.truncate(size)
    found = list(salvage.read(str(path)))
    assert found[0].data == b"x" * 40
    assert found[1].damage == f"cut off {damage}, at byte {size}"
    assert len(found) == 2


def test_kaggle_folders_that_are_not(tmp_path):
    with pytest.raises(DatasetError, match="holds no train/.*tfrecords-jpeg-224x224"):
        KaggleFlower(str(tmp_path)).listing()


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory):
    """A small data set prepared by TensorFlow Datasets itself."""
    tfds = import_tfds()
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["disc", "square", "star"]),
            "bbox": tfds.features.BBoxFeature(),
            "colour": tf.int64,
            # Of the test images nobody says.
            "kept_back": tf.int64,
        }
    )

    def examples(count, known=True):
        for number in range(count):
            # The box of image 3 has no area.
            xmax = 0.0 if number == 3 else 0.5
            box = tfds.features.BBox(ymin=0.25, xmin=0.0, ymax=1.0, xmax=xmax)
            image = np.full((4, 6, 3), number, np.uint8)
            labels = {"label": number % 3, "colour": number, "kept_back": number if known else -1}
            yield number, {"image": image, "bbox": box, **labels}

    folder = tmp_path_factory.mktemp("tfds")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="toy_shapes",
        version="1.0.0",
        features=features,
        split_datasets={"train": list(examples(10)), "test": list(examples(4, False))},
        data_dir=str(folder),
        disable_shuffling=True,
    )
    return str(folder)


def test_a_data_set_of_tfds(tfds_dir, tmp_path, read_back):
    output = str(tmp_path / "out")
    arguments = ["tfds:toy_shapes", "--raw_dir", tfds_dir, "--output_dir", output]
    assert command.main([*arguments, "--train_shards=2"]) == 0
    assert (tmp_path / "out" / "labels.txt").read_text() == "disc\nsquare\nstar\n"
    found = read_back(output, "train")
    values = {tf.io.decode_png(e["encoded"]).numpy().max(): e for e in found}
    assert sorted(values) == list(range(10))
    assert {value: e["label"] for value, e in values.items()} == {n: n % 3 for n in range(10)}
    boxes = {value: e["bbox"].tolist() for value, e in values.items()}
    assert boxes == {n: [[0.25, 0.0, 1.0, 0.5]] if n != 3 else [] for n in range(10)}
    repaired = json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"]
    assert [file["reason"] for split in repaired.values() for file in split["repaired"]] == [
        "1 bounding boxes of no area in the image left out"
    ] * 2
    # It has no split "validation": the test images take its place.
    assert len(read_back(output, "validation")) == 4
    assert not [name for name in os.listdir(output) if name.startswith("test")]


def test_splits_and_features_of_tfds_by_name(tfds_dir):
    listing = TfdsSet(
        "toy_shapes",
        tfds_dir,
        {"train": "train[:60%]", "validation": "train[60%:]"},
        label_key="colour",
    ).listing()
    sizes = {split: len(items) for split, items in listing.splits.items()}
    assert sizes == {"train": 6, "validation": 4, "test": 4}
    colours = [item.label for split in ("train", "validation") for item in listing.splits[split]]
    assert sorted(colours) == list(range(10))
    assert listing.labels[9] == "9"


def test_a_test_split_without_labels_is_left_out(tfds_dir, capsys):
    splits = {"train": "train[:60%]", "validation": "train[60%:]"}
    listing = TfdsSet("toy_shapes", tfds_dir, splits, label_key="kept_back").listing()
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 6,
        "validation": 4,
    }
    assert "test" not in listing.skipped and "test" not in listing.source["splits"]
    assert "split 'test' has no labels and is left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes,message",
    [
        (
            {"label_key": "kind"},
            "has no feature 'kind'; it has: bbox, colour, image, kept_back, label",
        ),
        ({"splits": {"train": "holidays"}}, "split 'holidays' of tfds:toy_shapes"),
        (
            {"tfds_name": "toy_shape_s"},
            "tfds:toy_shape_s in .*: Dataset toy_shape_s not found; must be a name of "
            "https://www.tensorflow.org/datasets/catalog such as tfds:cifar10, or be prepared",
        ),
    ],
)
def test_unusable_tfds_requests(tfds_dir, changes, message):
    values = {"tfds_name": "toy_shapes", "raw_dir": tfds_dir, **changes}
    with pytest.raises(DatasetError, match=message):
        TfdsSet(**values).listing()
