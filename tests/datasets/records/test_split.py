import gzip
import json
import os

import pytest
import tensorflow as tf

from datasets.conversion.plan import WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.errors import DatasetError
from datasets.records.reader import find_split, load_labels, load_manifest


@pytest.fixture
def converted(tmp_path, make_listing):
    shards = {"train": 4, "validation": 2}
    write_dataset(make_listing(), str(tmp_path), WriterConfig(shards, show_progress=False))
    return tmp_path


def write(path, count):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index in range(count):
            writer.write(b"record %d" % index)


def test_counts_from_the_manifest(converted):
    split = find_split(str(converted))
    assert (split.name, split.pattern) == ("train", "train-*")
    assert split.files == tuple(f"{converted}/train-{i:05d}-of-00004" for i in range(4))
    assert split.counts == (5, 5, 5, 5)
    assert split.num_examples == 20
    assert split.offsets == (0, 5, 10, 15)
    assert find_split(str(converted), "validation-*").num_examples == 4


def test_counts_without_a_manifest(converted):
    os.remove(converted / "manifest.json")
    assert find_split(str(converted)).counts == (5, 5, 5, 5)


def test_counts_of_files_that_the_manifest_does_not_know(converted):
    write(converted / "more-a.tfrecord", 3)
    write(converted / "more-b.tfrecord", 4)
    split = find_split(str(converted), "more-*.tfrecord")
    assert (split.name, split.counts) == ("more", (3, 4))


def test_through_gfile(converted):
    split = find_split("file://" + str(converted))
    assert split.counts == (5, 5, 5, 5)
    assert split.files[0].startswith("file:///")
    assert load_labels("file://" + str(converted)) == ["cat", "dog"]


def test_labels_and_manifest(converted, tmp_path):
    assert load_labels(str(converted)) == ["cat", "dog"]
    assert load_manifest(str(converted))["dataset"] == "toy"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert load_labels(str(empty)) is None
    assert load_manifest(str(empty)) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format_version": 9, "splits": {}}',
        '{"format_version": 1, "splits": {"train": {}}}',
        '{"format_version": 1, "splits": {"train": {"shards": [{"name": "train-00000"}]}}}',
    ],
)
def test_unreadable_manifest(converted, text):
    (converted / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match="manifest.json"):
        find_split(str(converted))


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"num_classes": "2"}, "has num_classes '2'; must be a whole number of at least 0"),
        ({"num_labels": True}, "has num_labels True; must be a whole number of at least 0"),
        ({"dataset": ["toy"]}, r"has dataset \['toy'\]; must be a text"),
        ({"splits": {"num_images": "20"}}, "split 'train', has num_images '20'; must be a whole"),
        ({"splits": {"num_skipped": -1}}, "split 'train', has num_skipped -1; must be a whole"),
        ({"splits": {"skipped": 0}}, "split 'train', has skipped 0; must be a list"),
        (
            {"splits": {"class_counts": [10, 10]}},
            r"has class_counts \[10, 10\]; must be whole numbers by class name. It was changed",
        ),
        ({"splits": {"class_counts": {"cat": "10"}}}, "has class_counts {'cat': '10'}; must be"),
    ],
)
def test_manifest_with_values_of_the_wrong_kind(converted, changes, message):
    path = converted / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"].update(changes.pop("splits", {}))
    path.write_text(json.dumps({**manifest, **changes}))
    with pytest.raises(DatasetError, match=message):
        load_manifest(str(converted))


def test_labels_that_are_no_text(converted):
    (converted / "labels.txt").write_bytes(b"caf\xe9\ndog\n")
    with pytest.raises(DatasetError, match=f"{converted}/labels.txt is no UTF-8 text .*byte 0xe9"):
        load_labels(str(converted))


def test_no_such_directory(tmp_path):
    with pytest.raises(DatasetError, match="nowhere does not exist; it must hold TFRecord"):
        find_split(str(tmp_path / "nowhere"))
    write(tmp_path / "file", 1)
    with pytest.raises(DatasetError, match="file is no directory"):
        find_split(str(tmp_path / "file"))


def test_no_matching_file_lists_what_is_there(converted):
    with pytest.raises(DatasetError, match="matches 'test-.'; there is: labels.txt, manifest"):
        find_split(str(converted), "test-*")


def test_empty_directory(tmp_path):
    with pytest.raises(DatasetError, match="there is: nothing"):
        find_split(str(tmp_path))


def test_missing_shards_are_named(converted):
    os.remove(converted / "train-00001-of-00004")
    os.remove(converted / "train-00003-of-00004")
    with pytest.raises(
        DatasetError,
        match="lacks 2 of 4 train shards: train-00001-of-00004, train-00003-of-00004",
    ):
        find_split(str(converted))


def test_two_sets_of_shards(converted):
    write(converted / "train-00000-of-00001", 3)
    with pytest.raises(DatasetError, match=r"several sets .of \[1, 4\]"):
        find_split(str(converted))


@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_shard_cut_off_in_the_middle(converted, with_manifest):
    path = converted / "train-00002-of-00004"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    if not with_manifest:
        os.remove(converted / "manifest.json")
    with pytest.raises(DatasetError, match="train-00002-of-00004.* cut off"):
        find_split(str(converted))


def test_a_shard_that_has_grown(converted):
    with open(converted / "train-00002-of-00004", "ab") as file:
        file.write(b"more")
    with pytest.raises(DatasetError, match="is changed: it has"):
        find_split(str(converted))
    assert find_split(str(converted), verify=False).num_examples == 20


def test_no_records(tmp_path):
    write(tmp_path / "train-00000-of-00001", 0)
    with pytest.raises(DatasetError, match="hold no records"):
        find_split(str(tmp_path))


def test_unfinished_conversion(converted):
    (converted / "unfinished.jsonl").write_text(json.dumps({"digest": "x"}))
    with pytest.raises(DatasetError, match="has not finished"):
        find_split(str(converted))


def test_directory_with_special_characters(tmp_path):
    directory = tmp_path / "photos [2024] *"
    directory.mkdir()
    write(directory / "train-00000-of-00001", 2)
    assert find_split(str(directory)).num_examples == 2


@pytest.mark.parametrize("with_manifest", [True, False])
@pytest.mark.parametrize("allow_damage", [True, False])
def test_a_compressed_shard_is_refused(converted, with_manifest, allow_damage):
    path = converted / "train-00002-of-00004"
    path.write_bytes(gzip.compress(path.read_bytes()))
    if not with_manifest:
        os.remove(converted / "manifest.json")
    with pytest.raises(DatasetError, match=f"{path} is gzip-compressed; .* gunzip it first"):
        find_split(str(converted), allow_damage=allow_damage)
