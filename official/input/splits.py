"""Which shards are read."""

import sys

import tensorflow as tf

from datasets import catalog, granted
from datasets.records import reader
from official.run.configuration import RunConfig
from official.run.errors import RunError

# The most that the shuffle buffer holds unless told otherwise, and its share of the memory.
_BUFFER_BYTES, _BUFFER_SHARE = 2 * 2**30, 8


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


def shuffle_buffer(dataset_name: str, wanted: int, split: reader.Split) -> int:
    """Returns the size of the shuffle buffer in records.

    It is what is wanted; else the catalogue's, or 10,000, but no more than fit into `_BUFFER_BYTES`
    and into a share of the memory that this process may use.
    """
    if wanted:
        return wanted
    usual = catalog.get(dataset_name).shuffle_buffer if dataset_name else 10_000
    memory = min(_BUFFER_BYTES, granted.memory_bytes() // _BUFFER_SHARE)
    return max(1, min(usual, int(memory / record_bytes(split))))


def record_bytes(split: reader.Split) -> float:
    """Returns the mean size of a record, at least 1."""
    total = sum(tf.io.gfile.stat(path).length for path in split.files)
    return max(1.0, total / max(1, split.num_examples))


def describe_memory(split: reader.Split, buffer: int) -> str:
    """Returns what the input takes of the machine, such as `shuffle buffer of 10,000 records`."""
    taken, memory = min(buffer, split.num_examples) * record_bytes(split), granted.memory_bytes()
    text = (
        f"shuffle buffer of {min(buffer, split.num_examples):,} records ({_size(taken)}); "
        f"{granted.cpus()} processors and {_size(memory)} of memory may be used"
    )
    if taken > memory / 2:
        text += "; --shuffle_buffer is large for that memory"
    return text


def _size(number: float) -> str:
    """Returns bytes in words, such as `1.2 GB`."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"
