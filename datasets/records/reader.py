"""Records out of shards: one ordered pass, or an endless shuffled stream.

Both yield serialised records with a global index that shuffling does not change, so that
whatever is drawn at random for an example can depend on (seed, epoch, index) alone.
"""

from collections.abc import Callable

import tensorflow as tf

from datasets import disk
from datasets.errors import DatasetError
from datasets.records import salvage
from datasets.records.manifest import load_labels, load_manifest
from datasets.records.split import Split, find_split

__all__ = [
    "Split",
    "find_split",
    "load_labels",
    "load_manifest",
    "read_records",
    "shared_stream",
    "training_stream",
]

_DEFAULT_CYCLE_LENGTH = 8

Repeats = Callable[[tf.Tensor], tf.Tensor]

# Stands for a record that cannot be read; as an Example it would have no image.
UNREADABLE = b""

# Dataset.shuffle mixes its seed with the global one; inside a pass that one is pinned, so
# that the caller's tf.random.set_seed does not change the order.
_PINNED_GLOBAL_SEED = 1


def _check(**numbers: int) -> None:
    for name, value in numbers.items():
        minimum = 1 if name == "cycle_length" else 0
        if value < minimum:
            raise DatasetError(f"{name}={value}; must be {minimum} or more")


def _file_records(
    file: tf.Tensor, offset: tf.Tensor, count: tf.Tensor, skip_damage: bool
) -> tf.data.Dataset:
    """(index, serialized) of each record of one file.

    With `skip_damage` always `count` of them: what cannot be read is `UNREADABLE`, that is a record
    whose data was changed, or one with a broken length and all behind it.
    """
    if skip_damage:
        records = salvage.read_or(file, UNREADABLE).take(count)
    else:
        records = tf.data.TFRecordDataset(file)
    return records.enumerate(start=offset)


def _named(index: tf.Tensor, serialized: tf.Tensor, **epoch: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"serialized": serialized, "index": index, **epoch}


def _shuffled_files(split: Split, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Paths, offsets and counts of all files, in an order that `seed` (int64 [2]) decides."""
    draws = tf.random.stateless_uniform([len(split.files)], seed)
    order = tf.argsort(draws, stable=True)
    return tuple(tf.gather(column, order) for column in _file_columns(split))


def _file_columns(split: Split) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Paths, offsets and counts of all files in order."""
    offsets, counts = tf.constant(split.offsets, tf.int64), tf.constant(split.counts, tf.int64)
    return tf.constant([disk.for_tensorflow(path) for path in split.files]), offsets, counts


def _shuffled_pass(
    split: Split,
    seed: tf.Tensor,
    shuffle_buffer: int,
    cycle_length: int,
    skip_damage: bool,
    repeats: Repeats | None = None,
) -> tf.data.Dataset:
    """(index, serialized) of each record once, in an order that `seed` (int64 [2]) decides.

    With `repeats` as often as it says, each time with an index of its own.
    Call it where a graph is built: it pins that graph's seed.
    """
    tf.random.set_seed(_PINNED_GLOBAL_SEED)
    files = tf.data.Dataset.from_tensor_slices(_shuffled_files(split, seed))
    records = files.interleave(
        lambda file, offset, count: _file_records(file, offset, count, skip_damage),
        cycle_length=min(cycle_length, len(split.files)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if repeats is not None:
        counts = repeats(seed)
        records = records.flat_map(
            lambda index, serialized: tf.data.Dataset.range(counts[index]).map(
                lambda time: (index + time * split.num_examples, serialized)
            )
        )
    if shuffle_buffer > 1:
        # Not 0: a seed of 0 has a meaning of its own.
        buffer_seed = tf.random.stateless_uniform(
            [], seed, minval=1, maxval=2**31 - 1, dtype=tf.int32
        )
        records = records.shuffle(
            min(shuffle_buffer, split.num_examples),
            seed=tf.cast(buffer_seed, tf.int64),
            reshuffle_each_iteration=False,
        )
    return records


def read_records(
    split: Split,
    *,
    shuffle_seed: int | None = None,
    shuffle_buffer: int = 0,
    cycle_length: int = _DEFAULT_CYCLE_LENGTH,
    skip_damage: bool = False,
) -> tf.data.Dataset:
    """One pass over all records, in the same order each time.

    Args:
        split: The shards.
        shuffle_seed: None reads file after file; a number shuffles files and records.
        shuffle_buffer: Encoded records to shuffle over, when there is a seed.
        cycle_length: Files that are read in turn, when there is a seed.
        skip_damage: Whether records that cannot be read come as `UNREADABLE` bytes. Else they
            end the pass with an error (tf.errors.DataLossError).

    Returns:
        Dataset of {"serialized": string [], "index": int64 []}; the index counts records in
        the order of the shards, from 0, whatever the shuffling.

    Raises:
        DatasetError: A number out of its range.
    """
    _check(shuffle_buffer=shuffle_buffer, cycle_length=cycle_length)
    if shuffle_seed is None:
        files = tf.data.Dataset.from_tensor_slices(_file_columns(split))
        records = files.flat_map(
            lambda file, offset, count: _file_records(file, offset, count, skip_damage)
        )
    else:
        # Seeds of the stream are (seed, epoch): epoch 0.
        seeds = tf.data.Dataset.from_tensors(tf.constant([shuffle_seed, 0], tf.int64))
        records = seeds.flat_map(
            lambda seed: _shuffled_pass(split, seed, shuffle_buffer, cycle_length, skip_damage)
        )
    records = records.map(_named)
    return records.apply(tf.data.experimental.assert_cardinality(split.num_examples))


def training_stream(
    split: Split,
    *,
    seed: int,
    shuffle_buffer: int,
    start_example: int = 0,
    cycle_length: int = _DEFAULT_CYCLE_LENGTH,
    skip_damage: bool = False,
    repeats: Repeats | None = None,
) -> tf.data.Dataset:
    """Endless passes over all records, each shuffled by (seed, number of the pass).

    Every pass holds each record exactly once. The stream is a function of its arguments
    alone: started at `start_example`, it goes on exactly where a run that has consumed that
    many examples stopped. Records are skipped before they are parsed.

    Args:
        split: The shards.
        seed: Of the run.
        shuffle_buffer: Encoded records to shuffle over; the files' order is shuffled, too.
        start_example: Number of examples that have been consumed already.
        cycle_length: Files that are read in turn.
        skip_damage: As in `read_records`.
        repeats: From (seed, pass), int64 [2], to how often each record comes in that pass, int64
            [records], whose sum is the number of records. The n-th time, from 0, its index is
            n * records larger. None: once.

    Returns:
        Dataset of {"serialized": string [], "index": int64 [], "epoch": int64 []} of infinite
        cardinality. The epoch counts passes from 0.

    Raises:
        DatasetError: A number out of its range, or a split without records.
    """
    _check(shuffle_buffer=shuffle_buffer, start_example=start_example, cycle_length=cycle_length)
    if not split.num_examples:
        raise DatasetError(f"{split.pattern}: {len(split.files)} files without a record")
    first_epoch, skipped = divmod(start_example, split.num_examples)

    def one_pass(epoch: tf.Tensor) -> tf.data.Dataset:
        seed_pair = tf.stack([tf.constant(seed, tf.int64), epoch])
        records = _shuffled_pass(
            split, seed_pair, shuffle_buffer, cycle_length, skip_damage, repeats
        )
        # A pass without a record would be followed by the next one for ever.
        records = records.apply(tf.data.experimental.assert_cardinality(split.num_examples))
        records = records.skip(tf.where(epoch == first_epoch, tf.constant(skipped, tf.int64), 0))
        return records.map(lambda *record: _named(*record, epoch=epoch))

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    stream = epochs.flat_map(one_pass)
    return stream.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def shared_stream(
    split: Split,
    *,
    seed: int,
    shuffle_buffer: int,
    start_example: int = 0,
    passes: int | None = None,
    cycle_length: int = _DEFAULT_CYCLE_LENGTH,
    skip_damage: bool = False,
) -> tf.data.Dataset:
    """The passes of `training_stream` in pieces that several readers can share.

    Its source is a plain range of (pass, file) numbers, which tf.data service hands out one by one
    (`ShardingPolicy.DYNAMIC`): together the readers see each record once in each pass. The order is
    that of files from (seed, pass) and a shuffle buffer in each reader, so it depends on who reads
    what, and passes overlap at their edges.

    Arguments, results and errors are those of `training_stream`. But the stream starts with the
    file, in that pass, at which about `start_example` examples have gone by, and it ends after
    `passes` passes where that is given.
    """
    _check(shuffle_buffer=shuffle_buffer, start_example=start_example, cycle_length=cycle_length)
    files = len(split.files)
    first_epoch, skipped = divmod(start_example, split.num_examples)
    first = first_epoch * files + skipped * files // split.num_examples
    last = tf.int64.max if passes is None else (first_epoch + passes) * files

    def one_file(item: tf.Tensor) -> tf.data.Dataset:
        epoch = item // files
        columns = _shuffled_files(split, tf.stack([tf.constant(seed, tf.int64), epoch]))
        file, offset, count = (column[item % files] for column in columns)
        records = _file_records(file, offset, count, skip_damage)
        return records.map(lambda *record: _named(*record, epoch=epoch))

    records = tf.data.Dataset.range(first, last).interleave(
        one_file,
        cycle_length=min(cycle_length, files),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if shuffle_buffer > 1:
        buffer = min(shuffle_buffer, split.num_examples)
        records = records.shuffle(buffer, seed=seed + 1, reshuffle_each_iteration=False)
    return records
