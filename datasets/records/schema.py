"""The record: keys and types of the `tf.train.Example` that every shard holds.

Keys are the original's, so that its TFRecords are read here and ours there.
"""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import whole_jpeg

KEY_ENCODED = "image/encoded"
KEY_HEIGHT = "image/height"
KEY_WIDTH = "image/width"
KEY_LABEL = "image/class/label"
KEY_FORMAT = "image/format"
KEY_FILENAME = "image/filename"
KEY_YMIN = "image/object/bbox/ymin"
KEY_XMIN = "image/object/bbox/xmin"
KEY_YMAX = "image/object/bbox/ymax"
KEY_XMAX = "image/object/bbox/xmax"
KEY_LOGIT = "image/logit"
# Only ImageNet's records hold these; nothing reads them.
KEY_SYNSET = "image/class/synset"
KEY_TEXT = "image/class/text"
KEY_BOX_LABEL = "image/object/bbox/label"
KEY_COLORSPACE = "image/colorspace"
KEY_CHANNELS = "image/channels"

# The keys of Kaggle's 104 flowers, whose TFRecords are read as they are.
KAGGLE_ENCODED = "image"
KAGGLE_LABEL = "class"
KAGGLE_FILENAME = "id"

# The order in which tf.image expects the sides of a box.
BOX_KEYS = (KEY_YMIN, KEY_XMIN, KEY_YMAX, KEY_XMAX)

# What a record without a label parses to; never a valid label.
MISSING_LABEL = -1

_JPEG_START = b"\xff\xd8\xff"

Box = tuple[float, float, float, float]


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int_feature(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _float_feature(values: Sequence[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def check_box(box: Sequence[float], filename: str) -> Box:
    """Returns `box` (ymin, xmin, ymax, xmax as fractions of height and width) as four floats.

    Raises:
        DatasetError: Not four finite numbers with 0 <= min < max <= 1.
    """
    values = tuple(float(side) for side in box)
    well_formed = len(values) == 4 and all(math.isfinite(side) for side in values)
    if well_formed:
        ymin, xmin, ymax, xmax = values
        well_formed = 0.0 <= ymin < ymax <= 1.0 and 0.0 <= xmin < xmax <= 1.0
    if not well_formed:
        raise DatasetError(
            f"bounding box {tuple(box)} of {filename!r}: must be (ymin, xmin, ymax, xmax) as "
            "fractions of height and width, 0 <= min < max <= 1"
        )
    return values


def encode_example(
    *,
    encoded: bytes,
    height: int,
    width: int,
    label: int,
    image_format: str,
    filename: str,
    boxes: Sequence[Sequence[float]] = (),
    logits: Sequence[float] | None = None,
    synset: str = "",
    text: str = "",
) -> bytes:
    """Serialises one record; equal arguments give equal bytes.

    Args:
        encoded: The image file's bytes.
        height: In pixels.
        width: In pixels.
        label: Class, 0 or more (1 or more where 0 is a background class).
        image_format: "JPEG" or "PNG".
        filename: Name of the image within its data set.
        boxes: Each (ymin, xmin, ymax, xmax), as fractions of height and width.
        logits: Teacher's logits, one for each class, or None.
        synset: WordNet ID of the class; with it, the record holds every key of the original's
            ImageNet records.
        text: The class in words, where there is a synset.

    Raises:
        DatasetError: Empty image, size under one pixel, negative label or malformed box.
    """
    if not encoded:
        raise DatasetError(f"image {filename!r} has no bytes; a record needs an encoded image")
    if height < 1 or width < 1:
        raise DatasetError(f"image {filename!r} is {height} x {width}; at least 1 x 1 is needed")
    if label < 0:
        raise DatasetError(f"label {label} of image {filename!r}; a label is 0 or more")
    checked = [check_box(box, filename) for box in boxes]
    feature = {
        KEY_ENCODED: _bytes_feature(encoded),
        KEY_HEIGHT: _int_feature(height),
        KEY_WIDTH: _int_feature(width),
        KEY_LABEL: _int_feature(label),
        KEY_FORMAT: _bytes_feature(image_format.encode("ascii")),
        KEY_FILENAME: _bytes_feature(filename.encode("utf-8", "surrogateescape")),
    }
    for side, key in enumerate(BOX_KEYS):
        feature[key] = _float_feature([box[side] for box in checked])
    if synset:
        feature[KEY_SYNSET] = _bytes_feature(synset.encode())
        feature[KEY_TEXT] = _bytes_feature(text.encode())
        feature[KEY_BOX_LABEL] = _int_feature(*[label] * len(checked))
        feature[KEY_COLORSPACE] = _bytes_feature(b"RGB")
        feature[KEY_CHANNELS] = _int_feature(3)
    if logits is not None:
        feature[KEY_LOGIT] = _float_feature(logits)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    # A protobuf map has no order of its own: without this, bytes may differ between runs.
    return example.SerializeToString(deterministic=True)


def parse_example(serialized: tf.Tensor, num_logits: int = 0) -> dict[str, tf.Tensor]:
    """Parses one record, ours or one of Kaggle's flowers; works eagerly and inside tf.data.

    Args:
        serialized: string [], a serialised `tf.train.Example`.
        num_logits: Number of teacher logits that the record must hold; 0 leaves them out.

    Returns:
        `encoded` string [], `label` int64 [] (`MISSING_LABEL` when there is none), `bbox`
        float32 [n, 4] as (ymin, xmin, ymax, xmax), `filename` string [] (empty when there is
        none), and with `num_logits` also `logits` float32 [num_logits].

    Raises:
        tf.errors.InvalidArgumentError: Bytes that are no Example, box sides that differ in
            number, another number of logits, or logits that are not finite.
    """
    text = tf.io.FixedLenFeature([], tf.string, default_value="")
    number = tf.io.FixedLenFeature([], tf.int64, default_value=MISSING_LABEL)
    features = dict.fromkeys((KEY_ENCODED, KEY_FILENAME, KAGGLE_ENCODED, KAGGLE_FILENAME), text)
    features |= dict.fromkeys((KEY_LABEL, KAGGLE_LABEL), number)
    floats = (*BOX_KEYS, KEY_LOGIT) if num_logits else BOX_KEYS
    features |= dict.fromkeys(floats, tf.io.VarLenFeature(tf.float32))
    values = tf.io.parse_single_example(serialized, features)
    label = values[KEY_LABEL]
    parsed = {
        # Of each pair at most one is there, and nothing joined to a text is the text.
        "encoded": values[KEY_ENCODED] + values[KAGGLE_ENCODED],
        "label": tf.where(label == MISSING_LABEL, values[KAGGLE_LABEL], label),
        "bbox": tf.stack([values[key].values for key in BOX_KEYS], axis=-1),
        "filename": values[KEY_FILENAME] + values[KAGGLE_FILENAME],
    }
    if num_logits:
        parsed["logits"] = _exact_logits(values[KEY_LOGIT].values, num_logits, parsed["filename"])
    return parsed


def count_logits(serialized: tf.Tensor) -> tf.Tensor:
    """Returns how many teacher's logits a record holds, int32 []."""
    features = {KEY_LOGIT: tf.io.VarLenFeature(tf.float32)}
    return tf.size(tf.io.parse_single_example(serialized, features)[KEY_LOGIT].values)


def _exact_logits(logits: tf.Tensor, num_logits: int, filename: tf.Tensor) -> tf.Tensor:
    """Gives `logits` its static shape [num_logits], or stops with the record's name."""
    count = tf.size(logits)
    what = ["number of teacher logits in a record:", count, "but needed:", num_logits]
    logits = _checked(logits, count == num_logits, [*what, "record:", filename])
    finite = tf.reduce_all(tf.math.is_finite(logits))
    what = ["teacher logits that are no finite numbers in a record:", filename]
    return tf.reshape(_checked(logits, finite, what), [num_logits])


def _checked(value: tf.Tensor, right: tf.Tensor, what: list[Any]) -> tf.Tensor:
    """Returns `value`, or stops with `what` where it is not right."""
    check = tf.debugging.Assert(right, what)
    # Eagerly an assertion returns None: it has raised already.
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(value)


def assert_label_in_range(
    label: tf.Tensor, num_classes: int, filename: tf.Tensor | str
) -> tf.Tensor:
    """Returns `label` (int64 []), or raises InvalidArgumentError outside of [0, num_classes)."""
    what = ["label out of range: label", label, "must be 0 or more and less than num_classes"]
    in_range = tf.logical_and(label >= 0, label < num_classes)
    return _checked(label, in_range, [*what, num_classes, "record:", filename])


def assert_whole_image(encoded: tf.Tensor, filename: tf.Tensor | str) -> tf.Tensor:
    """Returns `encoded` (string []), or stops when there are no bytes or a JPEG that was cut off.

    A training crop decodes no more of a JPEG than its window, so a missing end would be noticed in
    some passes only. A JPEG without its end marker is therefore decoded in full.

    Raises:
        tf.errors.InvalidArgumentError: Empty, or a JPEG that cannot be decoded to its end.
    """
    what = ["no image in the record, or no whole one:", filename]
    encoded = _checked(encoded, tf.strings.length(encoded) > 4, what)
    is_whole = tf.cond(
        tf.equal(tf.strings.substr(encoded, 0, 3), _JPEG_START),
        lambda: whole_jpeg.has_end(encoded),
        lambda: True,
    )
    pixels = tf.cond(
        is_whole, lambda: tf.constant(1), lambda: tf.size(tf.io.decode_jpeg(encoded, channels=3))
    )
    with tf.control_dependencies([pixels]):
        return tf.identity(encoded)
