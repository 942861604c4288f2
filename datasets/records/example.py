"""A record outside of tf.data: its features, one by one. Free of TensorFlow until it is used."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from datasets.errors import DatasetError


def parse(data: bytes) -> Any:
    """The `tf.train.Example` in `data`; None when there is none."""
    import tensorflow as tf

    try:
        return tf.train.Example.FromString(data)
    except Exception:  # protobuf has several kinds of DecodeError
        return None


def bytes_feature(example: Any, key: str) -> bytes:
    """The one byte string under `key`; empty when there is none."""
    values = example.features.feature[key].bytes_list.value
    return values[0] if values else b""


def int_feature(example: Any, key: str) -> int | None:
    """The one whole number under `key`; None when there is none."""
    values = example.features.feature[key].int64_list.value
    return values[0] if values else None


def float_features(example: Any, key: str) -> list[float]:
    """The numbers under `key`."""
    return list(example.features.feature[key].float_list.value)


def with_logits(data: bytes, logits: Sequence[float]) -> bytes:
    """The record in `data` with these teacher's logits, in place of any that it had.

    Raises:
        DatasetError: It is no `tf.train.Example`.
    """
    from datasets.records import schema

    example = parse(data)
    if example is None:
        raise DatasetError("a record is no tf.train.Example")
    values = example.features.feature[schema.KEY_LOGIT]
    values.Clear()
    values.float_list.value.extend(logits)
    return example.SerializeToString(deterministic=True)


class StoredImage(NamedTuple):
    """What a record of a converted data set, or of Kaggle's flowers, says.

    `encoded` and `filename` are empty when there is none, `sides` are ymin, xmin, ymax and xmax of
    all boxes, as stored, and `size` is height and width in pixels, where it is stated.
    """

    encoded: bytes
    label: int | None
    filename: str
    sides: tuple[list[float], ...]
    size: tuple[int, int] | None
    num_logits: int


def stored_image(data: bytes) -> StoredImage | None:
    """What the record in `data` says; None when it is no `tf.train.Example`."""
    from datasets.records import schema

    example = parse(data)
    if example is None:
        return None

    def text(*keys: str) -> bytes:
        return b"".join(bytes_feature(example, key) for key in keys)

    label = int_feature(example, schema.KEY_LABEL)
    size = tuple(int_feature(example, key) for key in (schema.KEY_HEIGHT, schema.KEY_WIDTH))
    return StoredImage(
        encoded=text(schema.KEY_ENCODED, schema.KAGGLE_ENCODED),
        label=int_feature(example, schema.KAGGLE_LABEL) if label is None else label,
        filename=text(schema.KEY_FILENAME, schema.KAGGLE_FILENAME).decode("utf-8", "replace"),
        sides=tuple(float_features(example, key) for key in schema.BOX_KEYS),
        size=None if None in size else size,
        num_logits=len(float_features(example, schema.KEY_LOGIT)),
    )
