"""Which shards are read."""

import sys

import tensorflow as tf

from datasets import catalog
from datasets.records import reader
from official.run.configuration import RunConfig
from official.run.errors import RunError


def find_split(data_dir: str, pattern: str, on_bad_record: str) -> reader.Split:
    """Finds shards; damaged ones are refused, or with `skip` named and read as far as they go.

    Raises:
      DatasetError: no such data, or damaged shards that may not be skipped.
    """
    split = reader.find_split(data_dir, pattern, allow_damage=on_bad_record == "skip")
    for line in split.damage:
        print(f"note: {line}. What cannot be read is skipped and counted.", file=sys.stderr)
    return split


def evaluation_split(config: RunConfig, data_dir: str = "", pattern: str = "") -> reader.Split:
    """Returns the shards that are scored: those of the run, unless told otherwise.

    Raises:
      RunError: neither the caller nor the run says where the data is, or it has gone.
    """
    if not (data_dir or config.data.data_dir):
        raise RunError(
            "--data_dir must be given: the run was imported without data, so it has none to score."
        )
    if not data_dir and not tf.io.gfile.isdir(config.data.data_dir):
        raise RunError(
            f"the data of the run, {config.data.data_dir}, is not there any more: give "
            "--data_dir, the folder where it is now."
        )
    return find_split(
        data_dir or config.data.data_dir,
        pattern or config.data.val_regex,
        config.data.on_bad_val_record,
    )


def shuffle_buffer(dataset_name: str, wanted: int) -> int:
    """Returns the size of the shuffle buffer: what is wanted, else the catalogue's, else 10,000."""
    return wanted or (catalog.get(dataset_name).shuffle_buffer if dataset_name else 10_000)
