"""The files of one checkpoint: NAME.index and NAME.data-00000-of-00001; whole or not there."""

import contextlib
import os
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from official.run import files, paths
from official.run.errors import RunError, short
from official.run.folder import CHECKPOINT_NAME, STATE_FILE, UNFINISHED

_INDEX = ".index"
_PART = re.compile(r"(.+)(\.index|\.meta|\.data-\d{5}-of-(\d{5}))", re.DOTALL)
_OF_RUN = re.compile(rf"{re.escape(CHECKPOINT_NAME)}-\d+")
_SHOWN = 3
# What TensorFlow's reader raises for damaged files.
READ_ERRORS = (
    tf.errors.OpError, ValueError, TypeError, RuntimeError, LookupError, ArithmeticError,
    MemoryError, SystemError,
)  # fmt: skip


class Unusable(RunError):
    """What may not be saved: the message says how many variables are not finite, or the damage."""


def prefix_of(path: str) -> str:
    """Returns the prefix of the checkpoint that the file `path` belongs to by its name."""
    part = _PART.fullmatch(path)
    return part[1] if part else path


def names(folder: str) -> list[str]:
    """Returns the names of the checkpoints of a folder, in the order of their steps."""
    found = [n.removesuffix(_INDEX) for n in paths.list_names(folder) if n.endswith(_INDEX)]
    return sorted(found, key=lambda name: (step_of(name), name))


def names_of_run(folder: str) -> list[str]:
    """Returns those of `names` that a run writes: model.ckpt-STEP."""
    return [name for name in names(folder) if _OF_RUN.fullmatch(name)]


def step_of(path: str) -> int:
    """Returns the step in a checkpoint's name, `.../model.ckpt-120` -> 120; 0 where it has none."""
    match = re.search(r"-(\d+)$", path)
    return int(match[1]) if match else 0


def files_of(prefix: str) -> dict[str, str]:
    """Returns the path of each file of a checkpoint by its ending; the index comes last."""
    folder, name = os.path.split(prefix)
    found = {}
    for file in paths.list_names(folder or "."):
        part = _PART.fullmatch(file)
        if part and part[1] == name:
            found[part[2]] = os.path.join(folder, file)
    return dict(sorted(found.items(), key=lambda item: item[0] == _INDEX))


def missing(prefix: str) -> str:
    """Returns which files of a checkpoint are not there, in words; "" if all are."""
    found = files_of(prefix)
    if _INDEX not in found:
        return f"{prefix}.index is not there"
    counts = {int(ending[-5:]) for ending in found if ending.startswith(".data-")}
    shards = len([ending for ending in found if ending.startswith(".data-")])
    if len(counts) == 1 and counts == {shards}:
        return ""
    wanted = max(counts) if counts else "data"
    return f"{prefix}.index is there, but {shards} of its {wanted} files {prefix}.data-*"


def problem(prefix: str) -> str:
    """Returns why a checkpoint cannot be used; "" if all of it can.

    Every value is read, so that sizes and checksums are looked at, and must be finite. That takes
    a second for some hundred megabytes.
    """
    lacking = missing(prefix)
    if lacking:
        return lacking
    try:
        with plain(prefix) as path:
            reader = tf.train.load_checkpoint(path)
            known = sorted(reader.get_variable_to_shape_map())
            bad = [name for name in known if not _is_finite(reader.get_tensor(name))]
    except READ_ERRORS as error:
        return f"it is damaged ({short(error)})"
    if not bad:
        return ""
    shown = ", ".join(name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for name in bad[:_SHOWN])
    more = ", ..." if len(bad) > _SHOWN else ""
    return f"{len(bad)} of its {len(known)} variables are not finite ({shown}{more})"


def _is_finite(value: object) -> bool:
    """Whether a tensor of a checkpoint holds neither infinities nor NaN; strings hold none."""
    value = np.asarray(value)
    return value.dtype.kind not in "fV" or bool(np.isfinite(value).all())


@contextlib.contextmanager
def plain(prefix: str) -> Iterator[str]:
    """Yields a name of the checkpoint that TensorFlow takes for no pattern."""
    if not paths.has_signs(prefix):
        yield prefix
        return
    parts = files_of(prefix) or {"": prefix}
    with paths.renamed({f"model{ending}": path for ending, path in parts.items()}) as folder:
        yield os.path.join(folder, "model")


def write(checkpoint: tf.train.Checkpoint, folder: str, name: str) -> str:
    """Writes a checkpoint and returns its prefix; its names are there when all of it is on disk.

    Raises:
      Unusable: a value is not finite, or cannot be read back; nothing stays of it.
      OSError or tf.errors.OpError: it could not be written; what was there before stays.
    """
    place = os.path.join(folder, UNFINISHED)
    try:
        tf.io.gfile.makedirs(place)
        made = checkpoint.write(os.path.join(place, name))
        for path in files_of(made).values():
            paths.sync(path)
        wrong = problem(made)
        if wrong:
            raise Unusable(wrong)
        prefix = os.path.join(folder, name)
        # A damaged one of this step; without its index the rest counts for nothing.
        remove(prefix)
        move(made, folder)
        # For TensorFlow's own tools.
        state = f'model_checkpoint_path: "{name}"\n'
        files.write_text(os.path.join(folder, STATE_FILE), state)
    finally:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.rmtree(place)
    return prefix


def move(prefix: str, folder: str) -> None:
    """Moves a checkpoint into a folder of the same file system: data first, the index last."""
    for path in files_of(prefix).values():
        tf.io.gfile.rename(path, os.path.join(folder, os.path.basename(path)), overwrite=True)
        paths.sync(folder)


def copy(prefix: str, folder: str) -> None:
    """Copies a checkpoint into a folder, as links where the disk can do that; the index last."""
    tf.io.gfile.makedirs(folder)
    for path in files_of(prefix).values():
        target = os.path.join(folder, os.path.basename(path))
        temporary = f"{target}.tmp-{os.getpid()}"
        _remove_file(temporary)  # Were it a link to `path`, copying would empty that.
        try:
            try:
                os.link(path, temporary)
            except OSError:
                tf.io.gfile.copy(path, temporary, overwrite=True)
                paths.sync(temporary)
            tf.io.gfile.rename(temporary, target, overwrite=True)
        finally:
            _remove_file(temporary)
        paths.sync(folder)


def _remove_file(path: str) -> None:
    """Removes a file, if it is there."""
    if tf.io.gfile.exists(path):
        tf.io.gfile.remove(path)


def remove(prefix: str) -> None:
    """Removes the files of a checkpoint, its index first."""
    for path in reversed(files_of(prefix).values()):
        tf.io.gfile.remove(path)
