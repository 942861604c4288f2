"""Two thousand damaged records go through a conversion: none stops it, each is counted."""

import random

import pytest
import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import example as example_lib
from datasets.records import framing
from datasets.sets.kaggle_flower import KaggleFlower

ROUNDS = 2400
GOOD = 20
# Changed in place, after the checksums were made.
CORRUPTED = 60


def record(image, label):
    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a"])),
    }
    if label is not None:
        feature["class"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def mutated(draws, jpegs, other_files):
    """One of the ways in which a record goes bad, or nearly so."""
    image, label = draws.choice(jpegs), draws.randrange(2)
    kind = draws.randrange(7)
    if kind == 0:
        return record(image[: draws.randrange(len(image))], label)
    if kind == 1:
        changed = bytearray(image)
        for _ in range(draws.choice((1, 2, 30))):
            changed[draws.randrange(3, len(changed))] = draws.randrange(256)
        return record(bytes(changed), label)
    if kind == 2:
        return record(draws.choice(other_files), label)
    if kind == 3:
        return record(image, draws.choice((None, -1, 104, 2**40)))
    if kind == 4:
        whole = record(image, label)
        return whole[: draws.randrange(len(whole))]
    if kind == 5:
        return bytes(draws.randrange(256) for _ in range(draws.randrange(60)))
    return record(image, label)


def is_good(data):
    """The verdict of the plain decoders."""
    example = example_lib.parse(data)
    if example is None:
        return False
    label = example_lib.int_feature(example, "class")
    image = example_lib.bytes_feature(example, "image")
    if label not in (0, 1) or not image.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return False
    # Training reads eight bits of a single image.
    if image.startswith(b"\x89PNG") and (image[24:25] == b"\x10" or b"acTL" in image):
        return False
    try:
        return tf.io.decode_image(image, channels=3).shape[0] > 0
    except tf.errors.OpError:
        return False


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, jpeg):
    """A directory of Kaggle's form with damaged records, and how many of them are good."""
    draws = random.Random(0)
    jpegs = [jpeg(seed, 24, 32) for seed in range(8)]
    deep = tf.io.encode_png(tf.zeros([3, 3, 3], tf.uint16)).numpy()
    gif = b"GIF89a\x00\x00\x00\x00\x00\x00\x00;"
    others = [b"", b"a text", deep, gif, b"\x89PNG\r\n\x1a\n", b"BM" + bytes(60), b"RIFF", b"\xff"]
    others.append(tf.io.encode_png(tf.zeros([3, 3, 3], tf.uint8)).numpy())
    records = [record(jpegs[n % 8], n % 2) for n in range(GOOD)]
    whole = {record(image, label) for image in jpegs for label in range(2)}
    records += [mutated(draws, jpegs, others) for _ in range(ROUNDS)]
    assert sum(data not in whole for data in records) >= 2000
    folder = tmp_path_factory.mktemp("fuzzed")
    for name, data in (("train", records), ("val", records[:GOOD])):
        (folder / name).mkdir()
        with tf.io.TFRecordWriter(str(folder / name / "00.tfrec")) as writer:
            for value in data:
                writer.write(value)
    path = folder / "train" / "00.tfrec"
    places = list(framing.frames(str(path)))
    content = bytearray(path.read_bytes())
    corrupted = set()
    while len(corrupted) < CORRUPTED:
        number = draws.randrange(GOOD, len(records))
        if places[number].size and number not in corrupted:
            content[places[number].offset + draws.randrange(places[number].size)] ^= 0x10
            corrupted.add(number)
    path.write_bytes(content)
    good = [number not in corrupted and is_good(data) for number, data in enumerate(records)]
    return str(folder), sum(good)


def test_a_conversion_counts_every_damaged_record(fuzzed, tmp_path, convert_listing, read_back):
    folder, num_good = fuzzed
    assert 500 < num_good < 1500
    listing = KaggleFlower(folder).listing()
    with pytest.raises(DatasetError, match="--on_bad_record=skip"):
        convert_listing(listing, tmp_path / "stopped", on_bad_record="fail")
    manifest = convert_listing(listing, tmp_path / "out", max_bad_fraction=1.0)
    train = manifest["splits"]["train"]
    assert train["num_images"] == num_good
    assert train["num_images"] + train["num_skipped"] == GOOD + ROUNDS
    assert all(skip["reason"] for skip in train["skipped"])
    assert len(read_back(tmp_path / "out", "train")) == num_good
    checksums = [s for s in train["skipped"] if s["reason"] == "the checksum of the data is wrong"]
    assert len(checksums) == CORRUPTED
