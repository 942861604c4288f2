import dataclasses
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from datasets import catalog
from datasets.conversion.plan import WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.errors import DatasetError
from datasets.inspection import show_command, verify_command
from datasets.records import manifest, salvage, schema


@pytest.fixture
def converted(tmp_path, make_listing):
    """Twenty training images in four shards, four for validation in two, all different."""
    listing = make_listing(
        replace={f"validation/{n:03d}.jpg": _png(n) for n in range(4)},
    )
    shards = {"train": 4, "validation": 2}
    write_dataset(listing, str(tmp_path / "out"), WriterConfig(shards, show_progress=False))
    return tmp_path / "out"


def _png(number):
    return tf.io.encode_png(np.full((3, 4, 3), number, np.uint8)).numpy()


def kinds(report):
    return {kind: count for kind, count in report.counts.items() if count}


def test_nothing_is_wrong(converted, capsys):
    assert verify_command.main([str(converted)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["train", "4", "20", "20"] in [line[:4] for line in lines]
    assert ["cat", "10", "2"] in lines
    assert ["nothing", "is", "wrong"] in lines
    assert verify_command.main([str(converted), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["splits"]["validation"]["class_counts"] == {"cat": 2, "dog": 2}
    assert found["counts"] == dict.fromkeys(found["counts"], 0)


def record(encoded, label=0, size=None, name="a.jpg", **more):
    height, width = size or tf.io.decode_image(encoded).shape[:2]
    return schema.encode_example(
        encoded=encoded,
        height=height,
        width=width,
        label=label,
        image_format="PNG",
        filename=name,
        **more,
    )


def write(path, records):
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for data in records:
            writer.write(data)


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def floats(*values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def test_every_kind_of_bad_record(tmp_path):
    box = tf.train.Example.FromString(record(_png(6)))
    box.features.feature["image/object/bbox/xmin"].float_list.value.extend([0.5])
    flat = tf.train.Example.FromString(record(_png(7), boxes=[(0, 0, 1, 1)]))
    flat.features.feature["image/object/bbox/ymax"].float_list.value[0] = -1
    records = [
        record(_png(0), 1),
        record(_png(1), 2),
        record(_png(2), 0, name="zero.jpg"),
        record(b"just text", 1, (1, 1)),
        example(**{"image/class/label": _int(1)}),
        example(**{"image/encoded": _bytes(_png(3))}),
        record(_png(4), 1, (30, 40)),
        record(_png(5), 1, logits=[0.5, 0.5]),
        box.SerializeToString(),
        flat.SerializeToString(),
        record(_png(0), 0),
        b"\xff\xff",
    ]
    write(tmp_path / "train-00000-of-00001", records)
    report = verify_command.verify(str(tmp_path), num_classes=3)
    assert {(f.kind, f.where.split(", ")[1].split(" (")[0], f.what) for f in report.findings} == {
        ("undecodable", "record 3", "not an image (starts with b'just tex')"),
        ("undecodable", "record 4", "the record holds no image"),
        ("label", "record 5", "the record holds no label"),
        ("size", "record 6", "the record says 30 x 40, the image is 3 x 4"),
        ("logits", "record 7", "2 teacher logits, not 3"),
        ("box", "record 8", "sides of bounding boxes differ in number: [0, 1, 0, 0]"),
        (
            "box",
            "record 9",
            "bounding box (0.0, 0.0, -1.0, 1.0) of 'a.jpg': must be (ymin, xmin, ymax, xmax) as "
            "fractions of height and width, 0 <= min < max <= 1",
        ),
        (
            "duplicate",
            "record 10",
            "the same image as in train-00000-of-00001, record 0, where its label is 1, not 0",
        ),
        ("damaged", "record 11", "no tf.train.Example"),
    }
    assert (report.splits["train"]["records"], report.splits["train"]["images"]) == (12, 9)
    assert "duplicate" not in kinds(verify_command.verify(str(tmp_path), allow_duplicates=True))
    two = verify_command.verify(str(tmp_path), num_classes=2)
    assert [f.what for f in two.findings if f.kind == "label"] == [
        "label 2 is out of range: 0 to 1",
        "the record holds no label",
    ]


def _int(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def test_labels_of_imagenet_begin_at_one(tmp_path):
    write(tmp_path / "train-00000-of-00001", [record(_png(0), 0, name="x"), record(_png(1), 1000)])
    report = verify_command.verify(str(tmp_path), dataset_name="imagenet")
    assert [(f.where, f.what) for f in report.findings] == [
        ("train-00000-of-00001, record 0 (x)", "label 0 is out of range: 1 to 1000")
    ]


def test_classes_that_are_only_retrieved(tmp_path):
    assert catalog.get("cub_200_2011").num_classes == 100
    write(tmp_path / "train-00000-of-00001", [record(_png(0), 99), record(_png(1), 100)])
    write(tmp_path / "validation-00000-of-00001", [record(_png(2), 199), record(_png(3), 200)])
    report = verify_command.verify(str(tmp_path), dataset_name="cub_200_2011")
    assert [f.what for f in report.findings] == [
        "label 100 is out of range: 0 to 99",
        "label 200 is out of range: 0 to 199",
    ]


def test_every_teacher_must_have_spoken(tmp_path):
    write(tmp_path / "train-00000-of-00001", [record(_png(0)), record(_png(1), logits=[0, 1, 2])])
    report = verify_command.verify(str(tmp_path), num_logits=3)
    assert [f.what for f in report.findings] == ["0 teacher logits, not 3"]


def test_damage_is_found_and_the_rest_is_read(converted):
    shard = converted / "train-00001-of-00004"
    places = list(salvage.read(str(shard)))
    data = bytearray(shard.read_bytes())
    data[places[2].frame.offset + 30] ^= 1
    shard.write_bytes(data)
    report = verify_command.verify(str(converted))
    assert kinds(report) == {"damaged": 1, "manifest": 2}
    whats = [finding.what for finding in report.findings]
    assert whats[0] == "the checksum of the data is wrong"
    assert whats[1].startswith("sha256: ")
    assert whats[2].startswith("9 good images; the manifest says 10")
    assert report.splits["train"]["records"] == 20
    assert report.splits["train"]["images"] == 19


def test_missing_changed_and_foreign_shards(converted, capsys):
    os.remove(converted / "train-00002-of-00004")
    (converted / "validation-00001-of-00002").write_bytes(
        (converted / "validation-00000-of-00002").read_bytes()
    )
    write(converted / "test-00000-of-00001", [record(_png(50), 1)])
    (converted / "labels.txt").write_text("cat\n")
    assert verify_command.main([str(converted)]) == 1
    out = capsys.readouterr().out
    assert "manifest: train-00002-of-00004: this shard is missing" in out
    assert "train-00002-of-00004: the manifest has it with 5 images" in out
    assert "manifest: validation-00001-of-00002: sha256: " in out
    assert "manifest: test: the manifest does not know this split" in out
    assert "labels.txt: has 1 lines; the manifest has 2 classes" in out
    assert "duplicate: validation-00001-of-00002, record 0: the same image as in" in out


def change_manifest(directory, **of_train):
    path = directory / "manifest.json"
    changed = json.loads(path.read_text())
    changed["splits"]["train"].update(of_train)
    path.write_text(json.dumps(changed))
    return changed


def test_names_in_another_order(converted):
    (converted / "labels.txt").write_text("dog\ncat\n")
    report = verify_command.verify(str(converted))
    assert [(f.kind, f.where, f.what) for f in report.findings] == [
        ("manifest", "labels.txt", "label 0 is 'dog'; the manifest's is 'cat'")
    ]


def test_a_manifest_that_contradicts_itself(converted):
    skip = {"file": "a.jpg", "reason": "empty file"}
    changed = change_manifest(converted, num_images=99, skipped=[skip])
    changed["num_labels"] = 3
    (converted / "manifest.json").write_text(json.dumps(changed))
    report = verify_command.verify(str(converted))
    assert [(f.where, f.what) for f in report.findings] == [
        ("train", "num_images: 99; the manifest names 20 images in its shards"),
        ("train", "num_images: 99; the manifest names 20 images in its classes"),
        ("train", "num_skipped: 0; the manifest names 1 skipped files"),
        ("train", "num_labels: 3; the manifest names 2 classes with counts"),
        ("validation", "num_labels: 3; the manifest names 2 classes with counts"),
    ]


def test_classes_without_images_and_those_that_are_only_retrieved(tmp_path, make_listing):
    listing = make_listing()
    plain = dataclasses.replace(listing, labels=("cat", "dog", "background"))
    cats = [item for item in listing.splits["train"] if not item.label]
    splits = {**listing.splits, "train": cats}
    zero_shot = dataclasses.replace(listing, splits=splits, num_classes=1)
    config = WriterConfig({"train": 1, "validation": 1}, show_progress=False)
    for name, made in (("plain", plain), ("zero_shot", zero_shot)):
        write_dataset(made, str(tmp_path / name), config)
        report = verify_command.verify(str(tmp_path / name), allow_duplicates=True)
        assert report.findings == ()
    (tmp_path / "zero_shot" / "labels.txt").write_text("dog\n")
    report = verify_command.verify(str(tmp_path / "zero_shot"), allow_duplicates=True)
    assert [f.what for f in report.findings] == ["label 0 is 'dog'; the manifest's is 'cat'"]


def test_a_manifest_of_shards_alone(converted):
    path = converted / "manifest.json"
    whole = json.loads(path.read_text())
    shards = {split: {"shards": known["shards"]} for split, known in whole["splits"].items()}
    path.write_text(json.dumps({"format_version": 1, "splits": shards}))
    report = verify_command.verify(str(converted))
    assert report.findings == ()
    assert report.splits["train"]["class_counts"] == {"cat": 10, "dog": 10}


@pytest.mark.parametrize("command", [verify_command.main, show_command.main])
def test_unreadable_labels_and_manifest_are_one_line(converted, capsys, command):
    (converted / "labels.txt").write_bytes(b"caf\xe9\ndog\n")
    assert command([str(converted)]) == 1
    assert capsys.readouterr().err == (
        f"error: {converted}/labels.txt is no UTF-8 text ('utf-8' codec can't decode byte 0xe9 in "
        "position 3: invalid continuation byte); it must hold a class name per line. Convert the "
        "data again\n"
    )
    change_manifest(converted, class_counts=[10, 10])
    (converted / "labels.txt").write_text("cat\ndog\n")
    assert command([str(converted)]) == 1
    assert capsys.readouterr().err == (
        f"error: {converted}/manifest.json, split 'train', has class_counts [10, 10]; must be "
        "whole numbers by class name. It was changed: convert the data again\n"
    )


def test_the_originals_directories_need_no_manifest(converted):
    os.remove(converted / "manifest.json")
    assert verify_command.verify(str(converted)).findings == ()
    os.remove(converted / "labels.txt")
    report = verify_command.verify(str(converted))
    assert report.findings == ()
    assert report.splits["train"]["class_counts"] == {"0": 10, "1": 10}


def test_empty_shards_that_nobody_knows(tmp_path, converted):
    (converted / "train-00001-of-00004").write_bytes(b"")
    changed = [finding.what for finding in verify_command.verify(str(converted)).findings]
    assert "bytes: 0; the manifest says" in changed[0]
    assert "the file is empty" not in changed
    os.remove(converted / "manifest.json")
    report = verify_command.verify(str(converted))
    assert [(f.kind, f.where, f.what) for f in report.findings] == [
        ("damaged", "train-00001-of-00004", "the file is empty")
    ]
    for folder in ("train", "val"):
        (tmp_path / "flowers" / folder).mkdir(parents=True)
    write(tmp_path / "flowers" / "train" / "00.tfrec", [record(_png(0))])
    (tmp_path / "flowers" / "val" / "00.tfrec").write_bytes(b"")
    report = verify_command.verify(str(tmp_path / "flowers"))
    assert [(f.where, f.what) for f in report.findings] == [("val/00.tfrec", "the file is empty")]


@pytest.mark.parametrize("flag", ["--num_classes", "--num_logits"])
@pytest.mark.parametrize("value", ["-5", "x", "2.0"])
def test_numbers_of_flags(flag, value, capsys):
    with pytest.raises(SystemExit) as caught:
        verify_command.main(["somewhere", f"{flag}={value}"])
    assert caught.value.code == 2
    message = f"argument {flag}: must be a whole number of at least 0. Received: {value!r}"
    assert message in capsys.readouterr().err


def test_directories_that_cannot_be_verified(tmp_path, converted, capsys):
    assert verify_command.main([str(tmp_path / "nowhere")]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err
    with pytest.raises(DatasetError, match="holds no shards such as train-00000-of-00008"):
        verify_command.verify(str(tmp_path))
    (converted / manifest.done_name("train-00000-of-00004")).write_text("")
    with pytest.raises(DatasetError, match="has not finished"):
        verify_command.verify(str(converted))
