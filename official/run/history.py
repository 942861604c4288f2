"""Writes down what a run is and how it was started, each time that it is."""

import os
import sys
import time
from typing import Any

from official.run import files
from official.run.configuration import RunConfig
from official.run.folder import CONFIG_FILE, HISTORY_FILE
from official.run.options import RunOptions
from official.run.versions import versions


def write(
    model_dir: str, config: RunConfig, options: RunOptions | None = None, step: int = 0
) -> None:
    """Writes MODEL_DIR/config.json and adds a line to MODEL_DIR/history.jsonl.

    Both say the configuration, the options, versions and the command. config.json is what
    evaluate and export go by; the history keeps what every earlier start was given.

    Args:
      model_dir: the run's folder.
      config: what the run is.
      options: how it is run; None for a run that is not trained, such as an imported network.
      step: updates that were done before this start.
    """
    record: dict[str, Any] = {
        **config.to_dict(),
        "options": options.to_dict() if options else None,
        "versions": versions(),
        "command": sys.argv,
    }
    files.write_json(os.path.join(model_dir, CONFIG_FILE), record)
    path = os.path.join(model_dir, HISTORY_FILE)
    files.drop_torn_line(path)
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    files.append_json_line(path, {"started": started, "step": step, **record})
