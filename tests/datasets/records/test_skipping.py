"""A cut image is found; damaged shards give every record or its place-holder."""

import json

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import reader, schema

# 50 bytes of data in a frame of 16 more.
FRAME = 66


def test_a_cut_jpeg_is_found_whatever_its_window(jpeg):
    whole = jpeg(1, 64, 64)
    padded = whole + bytes(7)  # Some published photos have such a tail.
    png = tf.io.encode_png(np.zeros([3, 3, 3], np.uint8)).numpy()
    for good in (whole, padded, png):
        assert schema.assert_whole_image(tf.constant(good), "x").numpy() == good
    for bad in (whole[: len(whole) // 2], whole[:-40], b"", b"\xff\xd8\xff"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            schema.assert_whole_image(tf.constant(bad), "x")


def write_shards(folder, manifest=False):
    """Two shards of 10 records, byte i of the alphabet 50 times."""
    names = [f"train-{number:05d}-of-00002" for number in range(2)]
    for number, name in enumerate(names):
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for record in range(10):
                writer.write(bytes([65 + 10 * number + record]) * 50)
    if manifest:
        shards = [{"name": name, "bytes": 10 * FRAME, "images": 10} for name in names]
        content = {"format_version": 1, "splits": {"train": {"shards": shards}}}
        (folder / "manifest.json").write_text(json.dumps(content))
    return folder / names[0]


DAMAGE = {
    # What is done to shard 0, records that stay readable, records that it is known to have had.
    "data": (lambda data: changed(data, 4 * FRAME + 20), "ABCD_FGHIJ", 10),
    "data checksum": (lambda data: changed(data, 5 * FRAME - 1), "ABCD_FGHIJ", 10),
    "first and last": (lambda data: changed(data, 30, 9 * FRAME + 30), "_BCDEFGHI_", 10),
    "two together": (lambda data: changed(data, 2 * FRAME + 30, 3 * FRAME + 30), "AB__EFGHIJ", 10),
    "a length behind data": (lambda data: changed(data, 90, 5 * FRAME), "A_CDE", 6),
    "length": (lambda data: changed(data, 4 * FRAME), "ABCD", 5),
    "length checksum": (lambda data: changed(data, 4 * FRAME + 9), "ABCD", 5),
    "cut behind data": (lambda data: changed(data[: 6 * FRAME + 30], 90), "A_CDEF", 7),
    "cut in a record": (lambda data: data[: 6 * FRAME + 30], "ABCDEF", 7),
    "cut in a length": (lambda data: changed(data[: 6 * FRAME + 5], 30), "_BCDEF", 7),
    "cut between records": (lambda data: data[: 6 * FRAME], "ABCDEF", 6),
    "a text file": (lambda data: b"this is no TFRecord file" * 9, "", 1),
    "empty": (lambda data: b"", "", 0),
}


def changed(data, *places):
    """`data` with other bytes at `places`."""
    data = bytearray(data)
    for place in places:
        data[place] ^= 4
    return bytes(data)


@pytest.mark.parametrize("manifest", [False, True])
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_shard_keeps_its_place(tmp_path, name, manifest):
    damage, readable, known = DAMAGE[name]
    path = write_shards(tmp_path, manifest)
    path.write_bytes(damage(path.read_bytes()))
    known = 10 if manifest else known
    split = reader.find_split(str(tmp_path), allow_damage=True)
    assert split.counts == (known, 10) and split.num_examples == known + 10

    expected = [b"" if letter == "_" else letter.encode() for letter in readable.ljust(known, "_")]
    expected += [bytes([75 + record]) for record in range(10)]
    one_pass = reader.read_records(split, skip_damage=True).as_numpy_iterator()
    assert [element["serialized"][:1] for element in one_pass] == expected

    stream = reader.training_stream(split, seed=1, shuffle_buffer=5, skip_damage=True)
    elements = list(stream.take(2 * split.num_examples).as_numpy_iterator())
    for epoch in range(2):
        seen = {e["index"]: e["serialized"][:1] for e in elements if e["epoch"] == epoch}
        assert [seen[index] for index in range(split.num_examples)] == expected


@pytest.mark.parametrize("name", ["length checksum", "cut in a record", "a text file"])
def test_damage_is_refused_unless_allowed(tmp_path, name):
    damage, readable, _ = DAMAGE[name]
    path = write_shards(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match=str(path)):
        reader.find_split(str(tmp_path))
    (line,) = reader.find_split(str(tmp_path), allow_damage=True).damage
    assert str(path) in line and f"{len(readable)} " in line


def test_undamaged_shards_read_the_same_either_way(tmp_path):
    write_shards(tmp_path)
    split = reader.find_split(str(tmp_path), allow_damage=True)
    assert split.damage == ()
    streams = [
        reader.training_stream(split, seed=1, shuffle_buffer=5, skip_damage=skip_damage)
        for skip_damage in (False, True)
    ]
    first, second = (list(stream.take(50).as_numpy_iterator()) for stream in streams)
    assert [e["serialized"] for e in first] == [e["serialized"] for e in second]


def test_shared_pieces_hold_each_record_once_in_each_pass(tmp_path):
    write_shards(tmp_path)
    split = reader.find_split(str(tmp_path))
    stream = reader.shared_stream(split, seed=4, shuffle_buffer=5, start_example=20, passes=3)
    found = [(int(e["epoch"]), int(e["index"]), e["serialized"][0] - 65) for e in
             stream.as_numpy_iterator()]  # fmt: skip
    assert sorted(found) == [(epoch, i, i) for epoch in (1, 2, 3) for i in range(20)]
    half = reader.shared_stream(split, seed=4, shuffle_buffer=0, start_example=30, passes=1)
    # Pass 1 is half over: one of its two files is left, and none of a pass behind.
    assert len(list(half)) == 10
