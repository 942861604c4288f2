"""Reads the checkpoints of the original: TensorFlow 1 files of named variables.

Besides the weights such a file holds what training left behind (global step, Momentum slots,
moving averages). None of it needs the meta graph.
"""

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from nets.variable_names import MOBILENET_ROOT, ROOT
from official.run import checkpoint_files
from official.run.checkpoints import resolve_prefix, step_of
from official.run.errors import RunError, short

# Scopes of the networks.
ROOTS = (f"{ROOT}/", f"{MOBILENET_ROOT}/")
MOVING_AVERAGE = "/ExponentialMovingAverage"
# The graph of objects that TensorFlow 2 stores beside its variables.
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
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
        values, bad = {}, []
        with _reader(self.prefix) as reader:
            for name in names:
                values[name] = self._value(reader, self.keys[name])
                if not np.all(np.isfinite(values[name])):
                    bad.append(self.keys[name])
        if bad:
            raise RunError(
                f"{self.prefix} holds values that are no finite numbers in {len(bad)} variables: "
                f"{', '.join(bad)}. The training that wrote it diverged; take an earlier one."
            )
        return values

    def _value(self, reader, key: str) -> np.ndarray:
        """Returns a tensor of the file; raises RunError where it is damaged."""
        try:
            return np.asarray(reader.get_tensor(key), np.float32)
        except checkpoint_files.READ_ERRORS as error:
            raise RunError(
                f"{self.prefix} is damaged: {key} cannot be read: {short(error)}"
            ) from error


def read(path: str, use_moving_averages: bool = False) -> OriginalCheckpoint:
    """Looks into a TensorFlow 1 checkpoint; for `path` see `resolve_prefix`.

    With `use_moving_averages` a weight's exponential moving average is taken where there is one.

    Raises:
      RunError: no checkpoint, one of TensorFlow 2, one that holds no network of the original, or
        no moving averages although they were asked for.
    """
    prefix = resolve_prefix(path)
    shapes = _shapes(prefix)
    if is_object_based(prefix):
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
    """Returns key of the moving average by variable, and reason by key that is to be ignored."""
    averages, ignored = {}, {}
    for key in shapes:
        name = key.removesuffix(MOVING_AVERAGE)
        owner, _, leaf = name.rpartition("/")
        if owner in shapes:
            # A variable below another one belongs to the optimiser.
            ignored[key] = f"optimiser slot {leaf}"
        elif key in (_OBJECT_GRAPH, "save_counter"):
            ignored[key] = "bookkeeping of the file"
        elif leaf in _TRAINING_STATE and shapes[key] == []:
            ignored[key] = _TRAINING_STATE[leaf]
        elif key != name:
            averages[name] = key
    return averages, ignored


def is_object_based(prefix: str) -> bool:
    """Whether a checkpoint was written by TensorFlow 2's objects, as those of a MODEL_DIR are."""
    shapes = _shapes(prefix)
    return _OBJECT_GRAPH in shapes and not any(name.startswith(ROOTS) for name in shapes)


def _shapes(prefix: str) -> dict[str, list[int]]:
    """Returns the shape of each tensor of a checkpoint."""
    with _reader(prefix) as reader:
        return reader.get_variable_to_shape_map()


@contextlib.contextmanager
def _reader(prefix: str) -> Iterator:
    """Opens a checkpoint."""
    with checkpoint_files.plain(prefix) as plain:
        try:
            reader = tf.train.load_checkpoint(plain)
        except checkpoint_files.READ_ERRORS as error:
            raise RunError(f"{prefix} cannot be read as a checkpoint: {short(error)}") from error
        yield reader


def _step(prefix: str, shapes: dict[str, list[int]]) -> int:
    """Returns the global step."""
    if shapes.get("global_step") == []:
        with _reader(prefix) as reader:
            return max(0, int(reader.get_tensor("global_step")))
    return step_of(prefix)
