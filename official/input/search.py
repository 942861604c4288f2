"""Finds the records that cannot be used, by file, number and reason, once something went wrong."""

import contextlib
import os
import shlex
import sys
import time
from collections.abc import Iterator

import tensorflow as tf

from datasets.records import reader
from official.input import skipping
from official.input.examples import EvaluationExample, Record, TrainingExample
from official.run.configuration import RunConfig
from official.run.errors import RunError, explain

# How many are named.
SHOWN = 3
_SECONDS = 600.0
_READ = "the data could not be read: "

# What reading or decoding a record can raise; others are not worth a search.
_OF_RECORDS = (tf.errors.InvalidArgumentError, tf.errors.DataLossError, UnicodeDecodeError)

Example = TrainingExample | EvaluationExample


@contextlib.contextmanager
def named(
    config: RunConfig, training: reader.Split | None, validation: reader.Split | None
) -> Iterator[None]:
    """Says which record it was that ended the body, or which ones where all are bad.

    Looks in the shards that the body reads and whose bad records `config` does not skip.

    Raises:
      RunError: in place of an error of reading.
    """
    try:
        yield
    except _OF_RECORDS as error:
        if training is not None and skipping.NONE_LEFT in str(error):
            found, _ = find_bad(training, TrainingExample(config), SHOWN)
            raise RunError(
                f"{skipping.NONE_LEFT}. The first bad ones: {'; '.join(found)}. Repair the data "
                "or correct the flags that say what is in it, such as --num_classes and "
                "--decoder_type."
            ) from error
        data = config.data
        searched = []
        if training is not None and data.on_bad_record != "skip":
            example = TrainingExample(config)
            searched.append(_first_bad(training, example, "--on_bad_record=skip"))
        if validation is not None and data.on_bad_val_record != "skip":
            example = EvaluationExample(config)
            searched.append(_first_bad(validation, example, "--on_bad_val_record=skip"))
        if not searched:
            raise
        what = "a record is damaged"
        if isinstance(error, tf.errors.OpError):
            what = explain(error).removeprefix(_READ)
        raise RunError(f"{_READ}{what}; {'; '.join(searched)}.") from error


def _first_bad(split: reader.Split, example: Example, flag: str) -> str:
    """Raises RunError for the first bad record, with `flag` as a way out; else says: none found."""
    folder = shlex.quote(os.path.dirname(split.files[0]))
    found, looked = find_bad(split, example, 1)
    if found:
        raise RunError(
            f"{found[0]}. Repair the data (`python -m datasets.verify {folder}` names all that is "
            f"wrong), or leave such records out with {flag} (official.evaluate: "
            "--on_bad_record=skip)."
        )
    return (
        f"no bad record among {looked} of {split.num_examples} in {folder} (`python -m "
        f"datasets.verify {folder}` names what is wrong)"
    )


def find_bad(
    split: reader.Split, example: Example, most: int, seconds: float = _SECONDS
) -> tuple[list[str], int]:
    """Returns a line for each of the first bad records, and how many records were looked at.

    A line has file, number in it and reason why `example` cannot be made. The search ends with
    `most` lines, or after `seconds`; it takes as long as reading and decoding takes.
    """
    end = time.monotonic() + seconds
    print(
        f"note: looking for the bad records among {split.num_examples}, for at most "
        f"{seconds:.0f} s",
        file=sys.stderr,
    )
    found: list[str] = []
    looked = 0

    def judged(record: Record) -> tuple[Record, tf.Tensor]:
        record = {**record, "epoch": tf.constant(0, tf.int64)}
        return record, usable(record, example)

    records = reader.read_records(split, skip_damage=True).map(
        judged, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    for record, good in records:
        looked += 1
        reason = "" if good else why_bad(record, example)
        if reason:
            found.append(f"{_place(split, int(record['index']))}: {reason}")
        if len(found) == most or time.monotonic() > end:
            break
    return found, looked


def usable(record: Record, example: Example) -> tf.Tensor:
    """Returns whether `why_bad` finds nothing, bool []; inside of tf.data."""
    tried = tf.data.Dataset.from_tensors(record).map(example).ignore_errors()
    # The image goes along until the errors are gone, else nobody would decode it.
    ended = tf.data.Dataset.from_tensors(False)
    return tried.map(lambda *_: True).concatenate(ended).take(1).get_single_element()


def why_bad(record: Record, example: Example) -> str:
    """Returns why no example can be made of a record, in a line; "" where it can."""
    if record["serialized"] == reader.UNREADABLE:
        return "cannot be read: the file is damaged here or before"
    try:
        example(record)
    except tf.errors.OpError as error:
        reason = explain(error).removeprefix(_READ)
        # What decodes JPEG makes a stack of pictures of WebP, from TensorFlow 2.20 on.
        unknown = "Unknown image file format" in reason or "expected shape [?,?,3]" in reason
        if unknown and example.decoder != "any":
            reason += " WebP images need --decoder_type=webp or any"
        return reason
    except UnicodeDecodeError:
        # TensorFlow quotes the bytes that it could not parse, and Python chokes on them.
        return "is no tf.train.Example"
    return ""


def _place(split: reader.Split, index: int) -> str:
    """Returns file and number of a record in words."""
    file = max(number for number, offset in enumerate(split.offsets) if offset <= index)
    return f"record {index - split.offsets[file]} of {split.files[file]}"
