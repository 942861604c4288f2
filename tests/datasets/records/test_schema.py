import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import schema


def by_hand(**changes):
    """A record as the original writes it, made without our encoder."""
    values = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"jpegbytes"])),
        "image/height": tf.train.Feature(int64_list=tf.train.Int64List(value=[20])),
        "image/width": tf.train.Feature(int64_list=tf.train.Int64List(value=[30])),
        "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[7])),
        "image/format": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"JPEG"])),
        "image/filename": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a/1.jpg"])),
        "image/object/bbox/xmin": tf.train.Feature(float_list=tf.train.FloatList(value=[0.1, 0.5])),
        "image/object/bbox/xmax": tf.train.Feature(float_list=tf.train.FloatList(value=[0.3, 1.0])),
        "image/object/bbox/ymin": tf.train.Feature(float_list=tf.train.FloatList(value=[0.2, 0.0])),
        "image/object/bbox/ymax": tf.train.Feature(
            float_list=tf.train.FloatList(value=[0.4, 0.25])
        ),
        **changes,
    }
    kept = {key: value for key, value in values.items() if value is not None}
    return tf.train.Example(features=tf.train.Features(feature=kept))


BOXES = [(0.2, 0.1, 0.4, 0.3), (0.0, 0.5, 0.25, 1.0)]


def encode(**changes):
    values = {
        "encoded": b"jpegbytes",
        "height": 20,
        "width": 30,
        "label": 7,
        "image_format": "JPEG",
        "filename": "a/1.jpg",
        "boxes": BOXES,
        **changes,
    }
    return schema.encode_example(**values)


def test_encodes_the_originals_record():
    assert tf.train.Example.FromString(encode()) == by_hand()


def test_bytes_are_those_of_sorted_keys():
    example = by_hand()
    assert encode() == example.SerializeToString(deterministic=True)
    assert encode() == encode()


def test_parses_the_originals_record_inside_a_dataset():
    dataset = tf.data.Dataset.from_tensors(by_hand().SerializeToString())
    parsed = next(iter(dataset.map(schema.parse_example)))
    assert parsed["encoded"].numpy() == b"jpegbytes"
    assert parsed["label"].dtype == tf.int64
    assert parsed["label"].numpy() == 7
    assert parsed["filename"].numpy() == b"a/1.jpg"
    # ymin, xmin, ymax, xmax.
    np.testing.assert_array_equal(parsed["bbox"], np.array(BOXES, np.float32))


def test_parses_a_record_with_nothing_but_the_image():
    feature = {"image/encoded": by_hand().features.feature["image/encoded"]}
    record = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    parsed = schema.parse_example(record)
    assert parsed["label"].numpy() == schema.MISSING_LABEL
    assert parsed["filename"].numpy() == b""
    assert parsed["bbox"].shape == (0, 4)


def test_logits_round_trip():
    logits = [0.5, -1.25, 3.0]
    parsed = schema.parse_example(encode(logits=logits), num_logits=3)
    np.testing.assert_array_equal(parsed["logits"], np.array(logits, np.float32))
    assert "logits" not in schema.parse_example(encode(logits=logits))


@pytest.mark.parametrize("logits", [None, [1.0, 2.0], [1.0] * 4])
def test_wrong_number_of_logits_names_the_record(logits):
    dataset = tf.data.Dataset.from_tensors(encode(logits=logits))
    dataset = dataset.map(lambda record: schema.parse_example(record, num_logits=3))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)teacher logits.*a/1\.jpg"):
        next(iter(dataset))


def test_logits_have_a_static_shape():
    dataset = tf.data.Dataset.from_tensors(encode(logits=[1.0, 2.0, 3.0]))
    dataset = dataset.map(lambda record: schema.parse_example(record, num_logits=3))
    assert dataset.element_spec["logits"].shape == (3,)


def test_box_sides_that_differ_in_number_are_refused():
    record = by_hand(**{"image/object/bbox/xmin": None}).SerializeToString()
    with pytest.raises(tf.errors.InvalidArgumentError):
        schema.parse_example(record)


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"encoded": b""}, "'a/1.jpg' has no bytes"),
        ({"height": 0}, "0 x 30"),
        ({"label": -1}, "label -1"),
        ({"boxes": [(0.4, 0.1, 0.2, 0.3)]}, "bounding box"),
        ({"boxes": [(0.0, 0.0, 1.0, 1.5)]}, "bounding box"),
        ({"boxes": [(0.0, 0.0, 1.0)]}, "bounding box"),
        ({"boxes": [(0.0, float("nan"), 1.0, 1.0)]}, "bounding box"),
    ],
)
def test_refuses_to_encode(changes, message):
    with pytest.raises(DatasetError, match=message):
        encode(**changes)


@pytest.mark.parametrize("label,allowed", [(0, True), (4, True), (5, False), (-1, False)])
def test_label_range(label, allowed):
    dataset = tf.data.Dataset.from_tensors(tf.constant(label, tf.int64))
    dataset = dataset.map(lambda value: schema.assert_label_in_range(value, 5, "x/9.jpg"))
    if allowed:
        assert next(iter(dataset)).numpy() == label
        return
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=rf"label out of range: label\] \[{label}\].*num_classes\] \[5\].*x/9\.jpg",
    ):
        next(iter(dataset))


def test_label_range_eagerly():
    label = tf.constant(3, tf.int64)
    assert schema.assert_label_in_range(label, 5, "x").numpy() == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="label out of range"):
        schema.assert_label_in_range(label, 3, "x")
