"""Writes down what a run is and how it was started, each time that it is."""

import dataclasses
import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from official.run import devices, files, paths
from official.run.configuration import RunConfig
from official.run.folder import CONFIG_FILE, HISTORY_FILE
from official.run.options import RunOptions


def write(
    model_dir: str, config: RunConfig, options: RunOptions | None = None, step: int = 0
) -> None:
    """Writes MODEL_DIR/config.json and adds a line to MODEL_DIR/history.jsonl.

    Both say the configuration, the options (None for an imported network, which is not trained),
    versions, the command and the directory it was typed in; paths are absolute. config.json is what
    evaluate and export go by; the history keeps what every earlier start was given, and the updates
    that were done before.
    """
    record: dict[str, Any] = {
        **resolved(config, options),
        "versions": versions(),
        "command": sys.argv,
        "directory": os.getcwd(),
    }
    files.write_json(os.path.join(model_dir, CONFIG_FILE), record)
    path = os.path.join(model_dir, HISTORY_FILE)
    files.drop_torn_line(path)
    files.append_json_line(path, {"started": files.now(), "step": step, **record})


def resolved(config: RunConfig, options: RunOptions | None) -> dict[str, Any]:
    """Returns what is run and how, as JSON can hold it: `model`, `recipe`, ..., `options`."""
    return {**config.to_dict(), "options": _lasting(options) if options else None}


def birth(model_dir: str) -> str:
    """Returns what tells a run from all others: the first line of its history; empty without one.

    It stays the same however often the run goes on, and is another once MODEL_DIR was cleaned.
    """
    try:
        with tf.io.gfile.GFile(os.path.join(model_dir, HISTORY_FILE), "rb") as file:
            return file.readline().decode(errors="replace")
    except (OSError, tf.errors.OpError):
        return ""


def command_line(words: list[str]) -> str:
    """Returns a command as it can be typed again, of what a process finds in `sys.argv`."""
    module = re.search(r"(official/[\w/]+)\.py$", words[0]) if words else None
    if module:
        name = module[1].removesuffix("/__main__").replace("/", ".")
        words = ["python", "-m", name, *words[1:]]
    return shlex.join(words)


def _lasting(options: RunOptions) -> dict[str, Any]:
    """Returns options whose paths mean the same from every working directory."""
    values = dataclasses.asdict(options)
    for name in ("model_dir", "pretrained_model_checkpoint_path"):
        values[name] = paths.absolute(values[name])
    return values


def versions() -> dict[str, str]:
    """Returns what computed a run: versions, the git revision if there is one, the device."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        # The package behind tf.keras: keras, or tf_keras beside Keras 3.
        "keras": importlib.metadata.version(tf.keras.Model.__module__.split(".")[0]),
        "numpy": np.__version__,
        "git_revision": _git_revision(),
        "platform": platform.platform(),
        "device": devices.device_name(),
    }


def _git_revision() -> str:
    """Returns the revision of this source tree, marked if it has changes, or `unknown`."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
