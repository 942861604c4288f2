"""Which checkpoint is used: of a run, or of a path that people pass; and what it restores."""

import os
import re

import tensorflow as tf

from official.run.errors import RunError
from official.run.folder import CONFIG_FILE

# A file of a checkpoint, and its data files with how many there are.
_PART = re.compile(r"(.+)\.(index|meta|data-\d{5}-of-\d{5})")
_SHARD = re.compile(r".+\.data-\d{5}-of-(\d{5})")


def newest(folder: str) -> str | None:
    """Returns the prefix of the newest checkpoint of a folder; None where there is none."""
    return tf.train.latest_checkpoint(folder)


def latest(model_dir: str) -> str:
    """Returns the prefix of the newest checkpoint of `model_dir`; raises RunError for none."""
    path = newest(model_dir)
    if path is None:
        raise RunError(
            f"{model_dir} holds no checkpoint: train first, or point --model_dir at a folder that "
            "`python -m official.train` wrote."
        )
    return path


def restore_network(network: tf.keras.Model, model_dir: str, path: str | None = None) -> str:
    """Restores every weight of a run's `network` and returns the checkpoint's prefix, `path`.

    By default it is the newest of `model_dir`.

    Raises:
      RunError: no checkpoint, or one of another architecture.
    """
    path = path or latest(model_dir)
    try:
        status = tf.train.Checkpoint(network=network).restore(path)
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"{path} does not fit the architecture in {model_dir}/{CONFIG_FILE}: "
            f"{str(error).splitlines()[0]}"
        ) from error
    return path


def resolve_prefix(path: str) -> str:
    """Returns the prefix of the checkpoint that `path` means.

    It is a prefix (`.../model.ckpt-120`), one of the checkpoint's files, or a folder, whose newest
    checkpoint is taken.

    Raises:
      RunError: there is no checkpoint; those nearby are listed.
    """
    path = os.path.expanduser(path)
    if os.path.basename(path) == "checkpoint" and tf.io.gfile.exists(path):
        path = os.path.dirname(path) or "."
    if tf.io.gfile.isdir(path):
        return _newest(path)
    part = _PART.fullmatch(path)
    prefix = part[1] if part else path
    if tf.io.gfile.exists(f"{prefix}.index"):
        _check_shards(prefix)
        return prefix
    # The first format of TensorFlow 1 was a single file.
    if tf.io.gfile.exists(path) and not part:
        return path
    folder = os.path.dirname(path) or "."
    nearby = _prefixes(folder)
    if nearby:
        known = f"The checkpoints there: {', '.join(nearby)}."
    elif tf.io.gfile.isdir(folder):
        known = f"{folder} holds no checkpoint at all."
    else:
        known = f"{folder} does not exist."
    raise RunError(f"there is no checkpoint {prefix} ({prefix}.index is not there). {known}")


def _newest(folder: str) -> str:
    """Returns the newest checkpoint of a folder, by its state file, else by its step."""
    path = newest(folder)
    if path is not None:
        _check_shards(path)
        return path
    # A copied folder's state file may name paths of another machine.
    names = _prefixes(folder)
    if not names:
        raise RunError(
            f"{folder} holds no checkpoint (no file ends in .index). Give the prefix, such as "
            "DIR/model.ckpt-120, of NAME.index and NAME.data-00000-of-00001."
        )
    path = os.path.join(folder, names[-1])
    _check_shards(path)
    return path


def _prefixes(folder: str) -> list[str]:
    """Returns the names of the checkpoints of a folder, in the order of their steps."""
    if not tf.io.gfile.isdir(folder):
        return []
    names = [name.removesuffix(".index") for name in tf.io.gfile.listdir(folder)
             if name.endswith(".index")]  # fmt: skip
    return sorted(names, key=lambda name: (step_of(name), name))


def _check_shards(prefix: str) -> None:
    """Raises RunError unless every data file of the checkpoint is there."""
    shards = [_SHARD.fullmatch(path) for path in tf.io.gfile.glob(f"{_literal(prefix)}.data-*")]
    counts = {int(shard[1]) for shard in shards if shard}
    if not counts or len(shards) != max(counts):
        raise RunError(
            f"{prefix}.index is there, but {len(shards)} of its "
            f"{max(counts) if counts else 'data'} files {prefix}.data-*: copy or download it again."
        )


def _literal(path: str) -> str:
    """Returns `path` as a glob that matches itself alone."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def step_of(path: str) -> int:
    """Returns the step in a checkpoint's name, `.../model.ckpt-120` -> 120; 0 where it has none."""
    match = re.search(r"-(\d+)$", path)
    return int(match[1]) if match else 0
