"""Images inside other people's TFRecords: where each record lies, and its image."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from datasets.records import example as example_lib


@dataclasses.dataclass(frozen=True, slots=True)
class RecordSource:
    """The image of one record, in the feature `key` of the `tf.train.Example` at `offset`.

    `checksum` is the masked CRC-32C of the record, as stored behind it.
    """

    path: str
    offset: int
    size: int
    key: str
    checksum: int

    def read(self) -> bytes:
        """Returns the bytes of the image file."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            data = file.read(self.size)
        example = example_lib.parse(data)
        if example is None:
            raise OSError(f"a record of {self.path} is no tf.train.Example")
        return example_lib.bytes_feature(example, self.key)

    def fingerprint(self) -> str:
        """The record's place and checksum."""
        return f"{self.offset}:{self.size}:{self.checksum}"


def read_examples(path: str, key: str) -> Iterator[tuple[RecordSource | None, Any, str]]:
    """Each record of a local TFRecord file whose images are in the feature `key`.

    Yields:
        Where its image is, the parsed example, and an empty text; or None, None and what is wrong
        with the record.
    """
    # Here: a command line's help needs no TensorFlow.
    from datasets.records import salvage

    for record in salvage.read(path):
        example = example_lib.parse(record.data) if record.data is not None else None
        if example is None:
            yield None, None, record.damage or "no tf.train.Example"
        else:
            frame = record.frame
            source = RecordSource(path, frame.offset, frame.size, key, frame.checksum)
            yield source, example, ""
