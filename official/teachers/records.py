"""TFRecords with a teacher's logits: each record as it was, and `image/logit` with it."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

import preprocessing
from datasets import disk
from datasets.records import example, manifest, reader, schema
from official.input import search
from official.input.examples import class_of
from official.run import lock, paths
from official.run.configuration import DataConfig
from official.run.errors import RunError
from official.teachers.folder import Folder, Taught
from official.teachers.teacher import Teacher, in_columns

# A teacher that is right no more often than so many times chance reads another order of classes.
_CHANCE = 2.0
# What reading or decoding a bad record raises.
_OF_RECORDS = (tf.errors.InvalidArgumentError, tf.errors.DataLossError)


class _TeacherExample:
    """Makes of a record the image as the teacher sees it, and its class."""

    def __init__(self, teacher: Teacher, data: DataConfig):
        self._config = teacher.preprocessing
        self._data = data
        self.decoder = teacher.preprocessing.decoder

    def __call__(self, record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = schema.parse_example(record["serialized"])
        image = preprocessing.eval_image(parsed["encoded"], self._config)
        return image, class_of(parsed, self._data)


def write(
    teacher: Teacher,
    data: DataConfig,
    output_dir: str,
    columns: Sequence[int],
    strategy: tf.distribute.Strategy,
    batch_size: int = 64,
) -> dict[str, float]:
    """Writes the shards of all splits with the teacher's logits, and returns its top-1 by split.

    Args:
      teacher: made in the strategy's scope.
      data: the records, with `num_classes` as the student has them.
      output_dir: a local folder, apart from the data.
      columns: see `Teacher.columns`.
      strategy: whose devices share the batches.
      batch_size: images in a batch, over all devices.

    Raises:
      RunError or DatasetError: no such records, a bad one, a folder that holds something else, or
        no room.
    """
    if not paths.is_local(output_dir):
        raise RunError(f"--output_dir={output_dir} must be a local folder; copy it afterwards.")
    splits = _splits(data.data_dir)
    folder = Folder(output_dir, splits, _digest(teacher, data, columns))
    with lock.hold(output_dir):
        done = folder.finished()
        if done is None:
            folder.begin(data.data_dir)
            ask = asking(teacher, columns, strategy, batch_size)
            done = _write_all(folder, splits, _TeacherExample(teacher, data), ask, batch_size)
            about = {"name": teacher.name, "digest": teacher.digest, "of": data.data_dir}
            folder.finish(done, data.data_dir, about)
        else:
            print(f"{output_dir} has the logits of this teacher already", file=sys.stderr)
    return _scores(teacher, data, splits, done)


def _splits(data_dir: str) -> dict[str, reader.Split]:
    """Returns the shards of a folder by the name of their split."""
    names = [manifest.parse_shard_name(name) for name in paths.list_names(data_dir)]
    found = {parsed[0]: None for parsed in names if parsed}
    if not found:
        raise RunError(
            f"--data_dir={data_dir} holds no shards such as train-00000-of-00008: `python -m "
            "datasets.convert` writes them."
        )
    return {split: reader.find_split(data_dir, f"{split}-[0-9]*") for split in found}


def _write_all(
    folder: Folder,
    splits: dict[str, reader.Split],
    made: _TeacherExample,
    ask: Callable[[tf.Tensor], np.ndarray],
    batch_size: int,
) -> dict[str, Taught]:
    """Writes the shards that are not there yet; returns all, by name."""
    done: dict[str, Taught] = {}
    total = sum(split.num_examples for split in splits.values())
    with tqdm.tqdm(total=total, unit="image", disable=None, leave=False) as bar:
        for split in splits.values():
            for path in split.files:
                shard = folder.marked(os.path.basename(path))
                if shard:
                    bar.update(shard.images)
                else:
                    try:
                        shard = _write_shard(path, folder, made, ask, batch_size, bar.update)
                    except _OF_RECORDS as error:
                        raise _bad_record(split, made, path) from error
                    folder.publish(shard)
                done[shard.name] = shard
    return done


def _write_shard(
    path: str,
    folder: Folder,
    made: _TeacherExample,
    ask: Callable[[tf.Tensor], np.ndarray],
    batch_size: int,
    advance: Callable[[int], Any],
) -> Taught:
    """Writes one shard under its temporary name."""

    def prepared(serialized: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        return serialized, made({"serialized": serialized})

    records = tf.data.TFRecordDataset(disk.for_tensorflow(path)).map(
        prepared, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    name = os.path.basename(path)
    temporary = folder.temporary(name)
    images = right = 0
    with disk.removed_on_failure(temporary):
        with tf.io.TFRecordWriter(disk.for_tensorflow(temporary)) as writer:
            for serialized, (pictures, labels) in records.batch(batch_size).prefetch(2):
                logits = ask(pictures)
                if not np.isfinite(logits).all():
                    raise RunError(f"the teacher's logits for images of {path} are not finite.")
                for record, row in zip(serialized.numpy(), logits, strict=True):
                    writer.write(example.with_logits(record, row))
                right += int(np.sum(logits.argmax(-1) == labels.numpy()))
                images += len(logits)
                advance(len(logits))
        size, digest = disk.summarise(temporary)
    return Taught(name, size, digest, images, right)


def _scores(
    teacher: Teacher, data: DataConfig, splits: dict[str, reader.Split], done: dict[str, Taught]
) -> dict[str, float]:
    """Returns the teacher's top-1 by split, and warns where it knows nothing."""
    scores = {}
    for name, split in splits.items():
        shards = [done[os.path.basename(path)] for path in split.files]
        scores[name] = sum(s.right for s in shards) / max(1, sum(s.images for s in shards))
    if all(score <= _CHANCE / data.num_classes for score in scores.values()):
        print(
            f"note: the teacher {teacher.name} is hardly better than chance. Are its classes in "
            "another order, or does it want other pixels (--teacher_label_offset, "
            "--teacher_normalization, --teacher_image_size)?",
            file=sys.stderr,
        )
    return scores


def asking(
    teacher: Teacher, columns: Sequence[int], strategy: tf.distribute.Strategy, batch_size: int
) -> Callable[[tf.Tensor], np.ndarray]:
    """Returns a function of prepared images, [n, S, S, 3], n up to the batch size, to logits."""
    replicas = strategy.num_replicas_in_sync

    @tf.function(reduce_retracing=True)
    def run(parts: Any) -> Any:
        return strategy.run(
            lambda images: in_columns(teacher.network(images), columns), args=(parts,)
        )

    def ask(images: tf.Tensor) -> np.ndarray:
        count = images.shape[0]
        # Every device has as many as the others, whatever is left for the last batch.
        rows = -(-batch_size // replicas) * replicas
        padded = tf.pad(images, [[0, rows - count], [0, 0], [0, 0], [0, 0]])
        parts = tf.split(padded, replicas)
        given = strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )
        found = strategy.experimental_local_results(run(given))
        return tf.concat(found, axis=0).numpy()[:count]

    return ask


def _bad_record(split: reader.Split, made: _TeacherExample, path: str) -> RunError:
    """Returns the error for a shard with a record that cannot be used, which it names."""
    found, _ = search.find_bad(split, made, 1)
    what = found[0].rstrip(".") if found else f"a record of {path} cannot be used"
    return RunError(
        f"{what}. Shards before it are finished. Repair the data (`python -m datasets.verify "
        f"{os.path.dirname(path)}` names all that is wrong), then run the same command again."
    )


def _digest(teacher: Teacher, data: DataConfig, columns: Sequence[int]) -> str:
    """Returns a number for all that the logits follow from, but for the records."""
    prepared = teacher.preprocessing.to_dict()
    named = [teacher.digest, prepared, list(columns), data.label_offset]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()
