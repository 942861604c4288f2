"""What a frozen trunk makes of the training crops: computed once, kept until training is done.

A file in MODEL_DIR is a table float16 [passes, records, ...], pass after pass, so that a run that
was stopped goes on with the pass that is missing. It goes when the training is finished.
"""

import contextlib
import hashlib
import json
import os
import sys

import numpy as np
import tensorflow as tf
import tqdm

from datasets.records import reader
from official.input import search
from official.input.examples import TrainingExample
from official.run import files, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import FEATURES_FILE, FEATURES_STATE
from official.train import freezing
from official.train.resolve import Source
from official.train.step import Trainer

_BATCH = 32
_LARGEST = float(np.finfo(np.float16).max)


class Features:
    """The table; call it with a pass and the index of a record, int64 scalars, inside of tf.data.

    Returns the features of one image, float32, of the shape that the trunk gives. Those of a record
    that could not be used are not a number.
    """

    def __init__(self, table: np.ndarray):
        """Looks up in `table`, float16 [passes, records, ...]."""
        self._table = table
        self.shape = table.shape[2:]

    def __call__(self, passed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Returns a row, after `passed` passes over the records that of `passed` modulo passes."""
        row = tf.numpy_function(self._row, [passed, index], tf.float16)
        row.set_shape(self.shape)
        return tf.cast(row, tf.float32)

    def _row(self, passed: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Reads a row from memory or disk."""
        return np.array(self._table[int(passed) % len(self._table), int(index)])


def kept(model: Trainer, source: Source, model_dir: str) -> Features | None:
    """Returns what the frozen layers make of the training images, and trains the others alone."""
    config = source.config
    parts = freezing.split(model.network) if freezing.keeps_features(config) else None
    if parts is None:
        if config.recipe.freeze and config.recipe.repeat_crops:
            print(f"note: {freezing.NOTHING_KEPT}", file=sys.stderr)
        return None
    trunk, model.learning = parts
    with search.named(config, source.training, None):
        return compute(trunk, config, source.training, model_dir)


def compute(
    trunk: tf.keras.Model, config: RunConfig, split: reader.Split, model_dir: str
) -> Features:
    """Returns the features of all training crops; computes what MODEL_DIR has not yet.

    Args:
      trunk: from images [N, S, S, 3] to features; it does not learn.
      config: the run; `recipe.repeat_crops` is the number of passes.
      split: the training records.
      model_dir: a folder on a disk of this machine.

    Raises:
      RunError: no room, a folder elsewhere, or features that float16 cannot hold.
    """
    passes, side = config.recipe.repeat_crops, config.preprocessing.train_size
    shape = (passes, split.num_examples, *trunk.compute_output_shape((1, side, side, 3))[1:])
    path, state = (os.path.join(model_dir, name) for name in (FEATURES_FILE, FEATURES_STATE))
    if not paths.is_local(model_dir):
        raise RunError(
            f"--repeat_crops={passes} keeps features in --model_dir={model_dir}, which must be a "
            "folder of this machine then; with --repeat_crops=0 they are computed in each step."
        )
    digest = _digest(trunk, config, split)
    done = 0
    if os.path.exists(state) and os.path.exists(path):
        known = files.read_json(state)
        done = known["passes"] if known["digest"] == digest else 0
    size = int(np.prod(shape)) * 2
    if not done:
        _require_room(model_dir, size, passes)
    table = np.memmap(path, np.float16, "r+" if done else "w+", shape=shape)
    if done < passes:
        print(
            f"features of {passes} crops of each of {split.num_examples} images, up to the layer "
            f"{trunk.layers[-1].name}: {size / 1e6:,.1f} MB in {path}",
            file=sys.stderr,
        )
    forward = tf.function(lambda images: trunk(images, training=False), reduce_retracing=True)
    total = passes * split.num_examples
    with tqdm.tqdm(
        total=total,
        initial=done * split.num_examples,
        unit="image",
        disable=done == passes or not sys.stderr.isatty(),
        leave=False,
    ) as bar:
        for number in range(done, passes):
            table[number] = np.nan
            for index, images in _images(config, split, number):
                values = forward(images).numpy().astype(np.float32)
                if not np.abs(values).max() <= _LARGEST:
                    raise RunError(
                        f"the layer {trunk.layers[-1].name} gives {np.abs(values).max():g}, which "
                        "is not kept in 16 bits; --repeat_crops=0 computes it in each step."
                    )
                table[number, index.numpy()] = values
                bar.update(len(values))
            table.flush()
            files.write_json(state, {"digest": digest, "passes": number + 1})
    return Features(table)


def remove(model_dir: str) -> None:
    """Removes the table, which is not needed once the training is finished."""
    for name in (FEATURES_STATE, FEATURES_FILE):
        with contextlib.suppress(FileNotFoundError, tf.errors.NotFoundError):
            tf.io.gfile.remove(os.path.join(model_dir, name))


def _images(config: RunConfig, split: reader.Split, number: int) -> tf.data.Dataset:
    """Returns batches of (index, image) of the training crops of pass `number`."""
    skip = config.data.on_bad_record == "skip"
    example = TrainingExample(config)

    def prepare(record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        image, _ = example({**record, "epoch": tf.constant(number, tf.int64)})
        return record["index"], image

    images = reader.read_records(split, skip_damage=skip).map(
        prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    if skip:
        images = images.ignore_errors()
    return images.batch(_BATCH).prefetch(2)


def _digest(trunk: tf.keras.Model, config: RunConfig, split: reader.Split) -> str:
    """Returns a number for all that the table follows from."""
    digest = hashlib.sha256()
    for weight in trunk.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    recipe = config.recipe
    named = [
        config.preprocessing.to_dict(), recipe.seed, recipe.repeat_crops, recipe.dtype,
        trunk.layers[-1].name, [os.path.basename(file) for file in split.files],
        [int(count) for count in split.counts], [os.path.getsize(file) for file in split.files],
        config.data.label_offset, list(config.data.label_map),
    ]  # fmt: skip
    digest.update(json.dumps(named).encode())
    return digest.hexdigest()


def _require_room(model_dir: str, size: int, passes: int) -> None:
    """Raises RunError where `size` bytes do not fit on the disk."""
    status = os.statvfs(model_dir)
    free = status.f_bavail * status.f_frsize
    if size > free:
        raise RunError(
            f"--repeat_crops={passes} needs {size / 2**30:.1f} GiB for features in {model_dir}, "
            f"where {free / 2**30:.1f} GiB are free. Fewer crops need less; --freeze=backbone "
            "needs a hundredth of that of fewer frozen stages; --repeat_crops=0 keeps none."
        )
