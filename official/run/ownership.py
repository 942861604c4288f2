"""What in a folder a run wrote: only that is ever removed."""

import os
import re

import tensorflow as tf

from official.run import files, paths
from official.run.errors import RunError
from official.run.folder import (
    BAD_RECORDS_LOG,
    BENCHMARK_FILE,
    BEST,
    BEST_LIST,
    CHECKPOINT_NAME,
    CONFIG_FILE,
    CORRUPTIONS_FILE,
    CORRUPTIONS_PICTURE,
    EVALUATION_FILE,
    EVALUATION_LOG,
    EVENTS,
    FEATURES_FILE,
    FEATURES_STATE,
    HISTORY_FILE,
    IMPORT_FILE,
    LABELS_FILE,
    LOCK_FILE,
    PERIODICAL,
    PERTURBATIONS_FILE,
    PREDICTIONS,
    PRETRAINED_FILE,
    REPORT,
    REPORT_FILE,
    REPORT_PAGE,
    REPORT_PICTURE,
    ROBUSTNESS,
    ROBUSTNESS_LOG,
    STATE_FILE,
    TRAINING_LOG,
    UNFINISHED,
)

_CHECKPOINT = re.escape(CHECKPOINT_NAME) + r"-\d+\.(index|data-\d{5}-of-\d{5})"
_NAMES = "|".join(
    re.escape(name)
    for name in (
        CONFIG_FILE, HISTORY_FILE, LABELS_FILE, TRAINING_LOG, EVALUATION_LOG, EVALUATION_FILE,
        PREDICTIONS, BAD_RECORDS_LOG, IMPORT_FILE, PRETRAINED_FILE, STATE_FILE,
        FEATURES_FILE, FEATURES_STATE, BENCHMARK_FILE,
    )
)  # fmt: skip
# Files of a run by the folder in MODEL_DIR that they lie in, innermost folders first.
_OWN = {
    os.path.join(EVENTS, "train"): r"events\.out\.tfevents\..+",
    os.path.join(EVENTS, "validation"): r"events\.out\.tfevents\..+",
    EVENTS: r"events\.out\.tfevents\..+",
    BEST: f"{_CHECKPOINT}|{BEST_LIST}",
    PERIODICAL: _CHECKPOINT,
    REPORT: "|".join(map(re.escape, (REPORT_PAGE, REPORT_PICTURE, REPORT_FILE))),
    ROBUSTNESS: "|".join(
        map(
            re.escape,
            (ROBUSTNESS_LOG, CORRUPTIONS_FILE, CORRUPTIONS_PICTURE, PERTURBATIONS_FILE),
        )
    ),
    "": f"{_NAMES}|{_CHECKPOINT}",
}
# What `files.write_bytes` had not finished when its process ended.
_TEMPORARY = r"(\.tmp-\d+)?"
# These say that a run is here, so that they go last.
_LAST = (HISTORY_FILE, CONFIG_FILE)
_SHOWN = 5


def is_run(folder: str) -> bool:
    """Whether `folder` holds a run: its config.json is one of this program."""
    path = os.path.join(folder, CONFIG_FILE)
    if not tf.io.gfile.exists(path):
        return False
    try:
        config = files.read_json(path)
    except (RunError, UnicodeDecodeError):
        return False
    return isinstance(config, dict) and {"model", "preprocessing", "recipe", "data"} <= set(config)


def written(model_dir: str) -> list[str]:
    """Returns the files of MODEL_DIR that a run writes, as paths in it, the run's own mark last."""
    found = [
        os.path.join(place, name)
        for place, pattern in _OWN.items()
        for name in paths.list_names(os.path.join(model_dir, place))
        if re.fullmatch(f"({pattern}){_TEMPORARY}", name)
    ]
    return sorted(found, key=lambda path: _LAST.index(path) if path in _LAST else -1)


def foreign(model_dir: str) -> list[str]:
    """Returns what else lies in MODEL_DIR and its folders of a run, as paths in it."""
    own = {*written(model_dir), *filter(None, _OWN), LOCK_FILE, UNFINISHED}
    return sorted(
        path
        for place in _OWN
        for name in paths.list_names(os.path.join(model_dir, place))
        if (path := os.path.join(place, name)) not in own
    )


def clean(model_dir: str) -> list[str]:
    """Removes from MODEL_DIR what a run wrote; returns what else lies there, which stays."""
    for path in written(model_dir):
        tf.io.gfile.remove(os.path.join(model_dir, path))
    for place in filter(None, _OWN):
        folder = os.path.join(model_dir, place)
        if tf.io.gfile.isdir(folder) and not tf.io.gfile.listdir(folder):
            tf.io.gfile.rmtree(folder)
    return foreign(model_dir)


def describe_foreign(model_dir: str, names: list[str]) -> str:
    """Returns a line about what stays in a folder that was cleaned."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"not of this run, so they stay in {model_dir}: {', '.join(names[:_SHOWN])}{more}"


def require_apart(flag: str, folder: str, removed: bool, **sources: str) -> None:
    """Looks whether a folder that is written to is apart from those that are read.

    Args:
      flag: the flag that names `folder`.
      folder: where is written.
      removed: whether what a run wrote is removed from it before.
      **sources: what is read, by the names of flags; empty ones do not count.

    Raises:
      RunError: `data_dir` is the folder or lies in it; or, if something is removed, a source is
        the folder, lies in it, or holds it.
    """
    for name, source in sources.items():
        if not source:
            continue
        inside, around = paths.within(source, folder), paths.within(folder, source)
        if inside and (removed or name == "data_dir"):
            relation = "is" if around else "holds"
        elif around and removed:
            relation = "lies in"
        else:
            continue
        raise RunError(
            f"--{flag}={folder} {relation} --{name}={source}"
            + (", and with --clean files are removed from it" if removed else "")
            + f": what is read and what is written must lie apart. Nothing was touched; choose "
            f"another --{flag}."
        )
