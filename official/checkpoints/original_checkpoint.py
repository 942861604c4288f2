"""Reads the checkpoints of the original: TensorFlow 1 files of named variables.

Besides the weights such a file holds what training left behind (global step, Momentum slots,
moving averages). None of it needs the meta graph.
"""

import dataclasses
import os
import re

import numpy as np
import tensorflow as tf

from nets.variable_names import MOBILENET_ROOT, ROOT
from official.run.configuration import RunError

# What `official.import_checkpoint` leaves in a MODEL_DIR.
IMPORT_FILE = "import.json"
# Scopes of the networks.
ROOTS = (f"{ROOT}/", f"{MOBILENET_ROOT}/")
MOVING_AVERAGE = "/ExponentialMovingAverage"
# The graph of objects that TensorFlow 2 stores beside its variables.
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_PART = re.compile(r"(.+)\.(index|meta|data-\d{5}-of-\d{5})")
_SHARD = re.compile(r".+\.data-\d{5}-of-(\d{5})")
# Numbers that training keeps beside the variables.
_TRAINING_STATE = {
    "global_step": "step of the training",
    "beta1_power": "state of Adam",
    "beta2_power": "state of Adam",
    "loss_scale": "state of the loss scale",
    "current_loss_scale": "state of the loss scale",
    "good_steps": "state of the loss scale",
    "num_good_steps": "state of the loss scale",
}


@dataclasses.dataclass(frozen=True)
class OriginalCheckpoint:
    """What a TensorFlow 1 checkpoint holds.

    Attributes:
      prefix: its path without `.index`.
      shapes: shape of each variable of the network, by name.
      keys: key in the file of each variable; its moving average where those were asked for.
      averaged: names of the variables that have a moving average in the file.
      ignored: reason by key, for everything that is no variable of the network.
      step: global step; of the file's name where the file has none; else 0.
    """

    prefix: str
    shapes: dict[str, tuple[int, ...]]
    keys: dict[str, str]
    averaged: frozenset[str]
    ignored: dict[str, str]
    step: int

    def values(self, names: list[str]) -> dict[str, np.ndarray]:
        """Returns float32 values by name.

        Raises:
          RunError: the file is damaged, or a value is no finite number.
        """
        reader = _reader(self.prefix)
        values, bad = {}, []
        for name in names:
            try:
                value = np.asarray(reader.get_tensor(self.keys[name]), np.float32)
            except (tf.errors.OpError, ValueError, TypeError, RuntimeError) as error:
                raise RunError(
                    f"{self.prefix} is damaged: {self.keys[name]} cannot be read: {_short(error)}"
                ) from error
            if not np.all(np.isfinite(value)):
                bad.append(self.keys[name])
            values[name] = value
        if bad:
            raise RunError(
                f"{self.prefix} holds values that are no finite numbers in {len(bad)} variables: "
                f"{', '.join(bad)}. The training that wrote it diverged; take an earlier one."
            )
        return values


def read(path: str, use_moving_averages: bool = False) -> OriginalCheckpoint:
    """Looks into a TensorFlow 1 checkpoint.

    Args:
      path: see `resolve_prefix`.
      use_moving_averages: take a weight's exponential moving average where the file has one.

    Raises:
      RunError: no checkpoint, one of TensorFlow 2, one that holds no network of the original, or
        no moving averages although they were asked for.
    """
    prefix = resolve_prefix(path)
    shapes = _reader(prefix).get_variable_to_shape_map()
    if _OBJECT_GRAPH in shapes and not any(name.startswith(ROOTS) for name in shapes):
        raise RunError(
            f"{prefix} is a checkpoint of TensorFlow 2, not one of the original. A MODEL_DIR of "
            "this program needs no import: evaluate and export take it as it is, and training "
            "starts from it with --pretrained_model_checkpoint_path."
        )
    averages, ignored = _sort_keys(shapes)
    keys = {name: name for name in shapes if name not in ignored and name not in averages.values()}
    if averages and not keys and not use_moving_averages:
        raise RunError(f"{prefix} holds moving averages only; take them: --use_moving_averages.")
    if not any(name.startswith(ROOTS) for name in {**keys, **averages}):
        scopes = sorted({name.split("/")[0] for name in shapes})
        raise RunError(
            f"{prefix} holds no variable under {ROOTS[0]}, so it is no network of the original; it "
            f"has {len(shapes)} variables under: {', '.join(scopes[:10]) or 'nothing'}."
        )
    if use_moving_averages and not averages:
        raise RunError(f"--use_moving_averages: {prefix} holds no moving averages.")
    for name, key in averages.items():
        if use_moving_averages:
            if name in keys:
                ignored[name] = "raw weight; its moving average is taken"
            keys[name] = key
        else:
            ignored[key] = "moving average; --use_moving_averages takes it"
    return OriginalCheckpoint(
        prefix=prefix,
        shapes={name: tuple(shapes[key]) for name, key in keys.items()},
        keys=keys,
        averaged=frozenset(averages),
        ignored=ignored,
        step=_step(prefix, shapes),
    )


def _sort_keys(shapes: dict[str, list[int]]) -> tuple[dict[str, str], dict[str, str]]:
    """Tells training state from weights.

    Returns:
      Key of the moving average by variable, and the reason to ignore a key by key.
    """
    averages, ignored = {}, {}
    for key in shapes:
        name = key.removesuffix(MOVING_AVERAGE)
        owner, _, slot = name.rpartition("/")
        leaf = name.rpartition("/")[2]
        if owner in shapes:
            # A variable below another one belongs to the optimiser.
            ignored[key] = f"optimiser slot {slot}"
        elif key in (_OBJECT_GRAPH, "save_counter"):
            ignored[key] = "bookkeeping of the file"
        elif leaf in _TRAINING_STATE and shapes[key] == []:
            ignored[key] = _TRAINING_STATE[leaf]
        elif key != name:
            averages[name] = key
    return averages, ignored


def is_object_based(prefix: str) -> bool:
    """Whether a checkpoint was written by TensorFlow 2's objects, as those of a MODEL_DIR are."""
    shapes = _reader(prefix).get_variable_to_shape_map()
    return _OBJECT_GRAPH in shapes and not any(name.startswith(ROOTS) for name in shapes)


def resolve_prefix(path: str) -> str:
    """Returns the prefix of the checkpoint that `path` means.

    Args:
      path: a prefix (`.../model.ckpt-120`), one of the checkpoint's files, or a folder, whose
        newest checkpoint is taken.

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
    path = tf.train.latest_checkpoint(folder)
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
    newest = os.path.join(folder, max(names, key=lambda name: (_name_step(name) or 0, name)))
    _check_shards(newest)
    return newest


def _prefixes(folder: str) -> list[str]:
    """Returns the names of the checkpoints of a folder, in the order of their steps."""
    if not tf.io.gfile.isdir(folder):
        return []
    names = [name.removesuffix(".index") for name in tf.io.gfile.listdir(folder)
             if name.endswith(".index")]  # fmt: skip
    return sorted(names, key=lambda name: (_name_step(name) or 0, name))


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


def _reader(prefix: str):
    """Opens a checkpoint."""
    try:
        return tf.train.load_checkpoint(prefix)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise RunError(f"{prefix} cannot be read as a checkpoint: {_short(error)}") from error


def _step(prefix: str, shapes: dict[str, list[int]]) -> int:
    """Returns the global step."""
    if shapes.get("global_step") == []:
        return max(0, int(_reader(prefix).get_tensor("global_step")))
    return _name_step(prefix) or 0


def _name_step(name: str) -> int | None:
    """Returns the number at the end of a checkpoint's name, `model.ckpt-120` -> 120."""
    match = re.search(r"-(\d+)$", name)
    return int(match[1]) if match else None


def _short(error: BaseException) -> str:
    """Returns the first line of an error."""
    lines = str(getattr(error, "message", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
