"""Which checkpoint is used: of a run, or of a path that people pass; and what it restores.

A folder is always listed. The file `checkpoint`, in which TensorFlow notes the newest one, is not
read: it is lost or names paths of another machine once people copy things.
"""

import os
import sys

import tensorflow as tf

from official.run import checkpoint_files, files
from official.run.checkpoint_files import step_of
from official.run.errors import RunError, short
from official.run.folder import BEST, BEST_LIST, CONFIG_FILE, PERIODICAL, STATE_FILE

__all__ = [
    "best", "choose", "describe", "latest", "newest", "resolve_prefix", "restore_network",
    "step_of",
]  # fmt: skip


def newest(folder: str) -> str | None:
    """Returns the prefix of a run's newest whole checkpoint in `folder`; None where there is none.

    Those that are damaged, or hold values that are not finite, are passed over, and that is said.
    In a run's folder `best` it is the one with the best score. Only names as a run gives them
    count, `model.ckpt-STEP`, not what somebody put beside them.

    Raises:
      RunError: there are checkpoints, but none of them can be used.
    """
    return _first_usable(folder, checkpoint_files.names_of_run(folder))


def _first_usable(folder: str, names: list[str]) -> str | None:
    """Returns the prefix of the last of the checkpoints `names` that can be used; see `newest`."""
    listed, wrong = _listed(folder), []
    if listed:
        # Of equal scores the earlier step counts for more; what has none counts least.
        names = sorted(reversed(names), key=lambda name: listed.get(name, -1.0))
    for name in reversed(names):
        prefix = os.path.join(folder, name)
        problem = checkpoint_files.problem(prefix)
        if not problem:
            for line in wrong:
                print(f"note: {line}; {prefix} is taken instead", file=sys.stderr)
            return prefix
        wrong.append(f"{prefix} cannot be used: {problem}")
    if wrong:
        raise RunError(
            f"no checkpoint in {folder} can be used: {'; '.join(wrong)}. Copy or download one of "
            "them again, or use another folder; a training starts over there with --clean."
        )
    return None


def latest(model_dir: str) -> str:
    """Returns the prefix of the newest whole checkpoint of `model_dir`.

    Raises:
      RunError: there is none.
    """
    path = newest(model_dir)
    if path is None:
        raise RunError(
            f"{model_dir} holds no checkpoint: train first, or point --model_dir at a folder that "
            "`python -m official.train` wrote."
        )
    return path


def scores(model_dir: str) -> dict[str, float]:
    """Returns the validation top-1, in 0 to 1, of the checkpoints in MODEL_DIR/best, by name."""
    return _listed(os.path.join(model_dir, BEST))


def best(model_dir: str) -> str:
    """Returns the prefix of the checkpoint of `model_dir` with the best validation top-1.

    Raises:
      RunError: none was kept.
    """
    path = newest(os.path.join(model_dir, BEST))
    if path is None:
        raise RunError(
            f"{os.path.join(model_dir, BEST)} holds no checkpoint: no epoch of this run was "
            "scored, or --num_best_ckpt_to_keep was 0. Without --checkpoint the newest is taken."
        )
    return path


def choose(model_dir: str, wanted: str = "") -> str:
    """Returns the prefix of the checkpoint of a run that somebody means by `wanted`.

    Nothing: the newest. `best`: the one with the best validation top-1. A name such as
    `model.ckpt-120`: of MODEL_DIR, or of its folders `best` and `periodical`. Else a path, see
    `resolve_prefix`.

    Raises:
      RunError: there is no such checkpoint, or it is damaged.
    """
    if not wanted:
        return latest(model_dir)
    if wanted == "best":
        return best(model_dir)
    name = checkpoint_files.prefix_of(wanted)
    if not os.path.isabs(wanted) and not _is_there(wanted):
        for folder in (model_dir, *(os.path.join(model_dir, f) for f in (BEST, PERIODICAL))):
            if _is_there(os.path.join(folder, name)):
                wanted = os.path.join(folder, name)
                break
        else:
            wanted = wanted if os.path.dirname(wanted) else os.path.join(model_dir, wanted)
    prefix = resolve_prefix(wanted)
    problem = checkpoint_files.problem(prefix)
    if problem:
        raise RunError(
            f"{prefix} cannot be used: {problem}. The checkpoints there: {_nearby(prefix)}."
        )
    return prefix


def describe(model_dir: str, path: str) -> str:
    """Returns in a line which checkpoint of a run is used, and which one is the best, if known."""
    line = f"checkpoint {path}"
    listed = scores(model_dir)
    name = max(listed, key=lambda name: listed[name], default="")
    if name and listed[name] > listed.get(os.path.basename(path), -1.0):
        line += (
            f"; the best in validation is {BEST}/{name} (top-1 {100 * listed[name]:.2f} %), which "
            "evaluate, export and report take with --checkpoint=best"
        )
    return line


def restore_network(network: tf.keras.Model, model_dir: str, path: str | None = None) -> str:
    """Restores every weight of a run's `network`; returns the prefix of the checkpoint.

    By default it is the newest of `model_dir`; see `choose` for `path`.

    Raises:
      RunError: no checkpoint, one that is damaged, or one of another architecture.
    """
    path = choose(model_dir, path or "")
    try:
        with checkpoint_files.plain(path) as plain:
            status = tf.train.Checkpoint(network=network).read(plain)
            status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"{path} does not fit the architecture in {model_dir}/{CONFIG_FILE}: {short(error)}"
        ) from error
    return path


def resolve_prefix(path: str) -> str:
    """Returns the prefix of the checkpoint that `path` means.

    It is a prefix (`.../model.ckpt-120`), one of the checkpoint's files, or a folder, whose newest
    checkpoint is taken (of a run's folder `best`: the best).

    Raises:
      RunError: there is no checkpoint; those nearby are listed.
    """
    path = os.path.expanduser(path)
    if os.path.basename(path) == STATE_FILE and tf.io.gfile.exists(path):
        path = os.path.dirname(path) or "."
    if tf.io.gfile.isdir(path):
        path = path.rstrip("/") or path
        names = checkpoint_files.names_of_run(path) or checkpoint_files.names(path)
        found = _first_usable(path, names)
        if found is None:
            raise RunError(
                f"{path} holds no checkpoint (no file ends in .index). Give the prefix, such as "
                "DIR/model.ckpt-120, of NAME.index and NAME.data-00000-of-00001."
            )
        return found
    prefix = checkpoint_files.prefix_of(path)
    if tf.io.gfile.exists(f"{prefix}.index"):
        lacking = checkpoint_files.missing(prefix)
        if lacking:
            raise RunError(f"{lacking}: copy or download it again.")
        return prefix
    # The first format of TensorFlow 1 was a single file.
    if tf.io.gfile.exists(path) and prefix == path:
        return path
    raise RunError(f"there is no checkpoint {prefix} ({prefix}.index is not there). {_known(path)}")


def _is_there(path: str) -> bool:
    """Whether `path` is a folder, a file of a checkpoint, or its prefix."""
    prefix = checkpoint_files.prefix_of(path)
    return tf.io.gfile.exists(path) or tf.io.gfile.exists(f"{prefix}.index")


def _known(path: str) -> str:
    """Returns in a sentence which checkpoints lie where `path` should be."""
    folder = os.path.dirname(path) or "."
    if checkpoint_files.names(folder):
        return f"The checkpoints there: {_nearby(path)}."
    if tf.io.gfile.isdir(folder):
        return f"{folder} holds no checkpoint at all."
    return f"{folder} does not exist."


def _nearby(path: str) -> str:
    """Returns the names of the checkpoints beside `path`."""
    return ", ".join(checkpoint_files.names(os.path.dirname(path) or "."))


def _listed(folder: str) -> dict[str, float]:
    """Returns the scores that the list of a run's folder `best` gives, by name."""
    path = os.path.join(folder, BEST_LIST)
    return files.read_json(path) if tf.io.gfile.exists(path) else {}
