"""What was scored before, so that a run that was stopped goes on.

MODEL_DIR/robustness/results.jsonl has a line for each corruption and severity, or perturbation,
with all that decides about its result: the weights, the images, and how they were made.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from official.run import files
from official.run.folder import ROBUSTNESS, ROBUSTNESS_LOG


class Results:
    """The results that belong to one set of facts."""

    def __init__(
        self, model_dir: str, facts: dict[str, Any], identity: Callable[[str, int], dict[str, Any]]
    ):
        """Reads what is known.

        Args:
          model_dir: the run.
          facts: what decides about all results; JSON values.
          identity: what decides about one of them beside.
        """
        self._path = os.path.join(model_dir, ROBUSTNESS, ROBUSTNESS_LOG)
        identity = functools.cache(identity)
        self._facts, self._identity = facts, identity
        tf.io.gfile.makedirs(os.path.dirname(self._path))
        files.drop_torn_line(self._path)
        self.known: dict[tuple[str, int], dict[str, Any]] = {}
        for line in files.read_json_lines(self._path):
            one = line["name"], line["severity"]
            if line["facts"] == facts and line["identity"] == identity(*one):
                self.known[one] = line

    def add(self, name: str, severity: int, result: dict[str, Any]) -> None:
        """Writes a result down."""
        line = {"name": name, "severity": severity, **result, "time": files.now()}
        line |= {"facts": self._facts, "identity": self._identity(name, severity)}
        files.append_json_line(self._path, line)
        self.known[name, severity] = line


def weights(prefix: str) -> dict[str, Any]:
    """Returns what tells the weights of a checkpoint from others of the same name."""
    index = f"{prefix}.index"
    status = tf.io.gfile.stat(index if tf.io.gfile.exists(index) else prefix)
    return {
        "checkpoint": os.path.basename(prefix),
        "written": status.mtime_nsec,
        "bytes": status.length,
    }
