"""MODEL_DIR/report: what an evaluation found, as a page, a picture, and numbers.

All three are made of one value, which report.json holds.
"""

import os
import sys

import tensorflow as tf

from nets import cost
from official.evaluate import recorded
from official.evaluate.evaluation import Scored
from official.report import charts, page, photos, statistics
from official.run import files, history, paths
from official.run.classes import names_or_numbers
from official.run.errors import RunError, short
from official.run.folder import (
    HISTORY_FILE,
    REPORT,
    REPORT_FILE,
    REPORT_PAGE,
    REPORT_PICTURE,
    TRAINING_LOG,
)

FORMAT = 1


def report(folder: str, model_dir: str, scored: Scored) -> str:
    """Writes the report of an evaluation into `folder`; returns the path of its page.

    That of an evaluation before is removed first.

    Raises:
      RunError: it could not be written; no part of a report is left in the folder.
    """
    remove(folder)
    return write(folder, collect(model_dir, scored))


def collect(model_dir: str, scored: Scored) -> dict:
    """Returns all that a report of an evaluation shows, as JSON can hold it.

    Its parts: evaluation (see `evaluation.evaluate`), intervals (95 %, of top1 and top5), network,
    confusion, classes, reliability (see `statistics`), training (lines of training.jsonl),
    throughput (images per second), commands, photos (see `photos.choose`).
    """
    result, config = scored.result, scored.config
    names = names_or_numbers(config)
    pairs = statistics.confusion(scored.answers)
    counted = cost(config.model, config.preprocessing.eval_size)
    images = result["images"]
    epochs = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
    return {
        "format": FORMAT,
        "run": os.path.basename(paths.absolute(model_dir).rstrip("/")),
        "evaluation": result,
        "intervals": {
            f"top{k}": recorded.interval(result[f"correct_top{k}"], images) for k in (1, 5)
        },
        "network": {
            "architecture": config.model.architecture,
            "resnet_size": config.model.resnet_size,
            "image_size": config.preprocessing.eval_size,
            "parameters": counted.trainable,
            "multiply_adds": counted.multiply_adds,
        },
        "confusion": pairs,
        "classes": statistics.classes(pairs, names),
        "reliability": statistics.reliability(scored.answers),
        "training": epochs,
        "throughput": _throughput(result, epochs),
        "commands": _commands(model_dir),
        "photos": photos.choose(scored, names),
    }


def _throughput(result: dict, epochs: list[dict]) -> list[dict]:
    """Returns what was measured on the way: `what` and `images_per_second`."""
    found = []
    rates = [line["images_per_second"] for line in epochs if line.get("images_per_second")]
    if rates:
        found.append({"what": "training, last epoch", "images_per_second": rates[-1]})
    if result["seconds"]:
        rate = round(result["images"] / result["seconds"], 2)
        what = "this evaluation, with reading and the start of the network"
        found.append({"what": what, "images_per_second": rate})
    return found


def _commands(model_dir: str) -> list[dict]:
    """Returns the command lines that made the run, and this one: `time`, `directory`, `line`."""
    starts = files.read_json_lines(os.path.join(model_dir, HISTORY_FILE))
    starts = [start for start in starts if "command" in start]
    starts.append({"started": files.now(), "directory": os.getcwd(), "command": sys.argv})
    return [
        {
            "time": start.get("started", ""),
            "directory": start.get("directory", ""),
            "line": history.command_line(start["command"]),
        }
        for start in starts
    ]


def write(folder: str, found: dict) -> str:
    """Writes page, picture and numbers into `folder`; returns the path of the page.

    All three are made before the first is written. Those of an evaluation before are removed first,
    and report.json comes last: where it is, all are there, and of one evaluation.

    Raises:
      RunError: the folder cannot be written to; no part of a report is left in it.
    """
    made = {
        REPORT_PAGE: page.html(found).encode(),
        REPORT_PICTURE: charts.picture(found),
        REPORT_FILE: files.as_json(found).encode(),
    }
    try:
        remove(folder)
        for name, data in made.items():
            files.write_bytes(os.path.join(folder, name), data)
    except BaseException as error:
        remove(folder)
        if isinstance(error, OSError | tf.errors.OpError):
            raise RunError(
                f"the report could not be written into {folder}: {short(error)}. The scores are "
                "not lost; --report_dir takes another folder, --noreport leaves the report out."
            ) from error
        raise
    return os.path.join(folder, REPORT_PAGE)


def remove(folder: str) -> None:
    """Removes the report in `folder`, if there is one, and nothing else."""
    for name in (REPORT_FILE, REPORT_PICTURE, REPORT_PAGE):
        path = os.path.join(folder, name)
        if tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path):
            tf.io.gfile.remove(path)


def add_throughput(model_dir: str, benchmarks: list[dict]) -> str:
    """Writes MODEL_DIR/report again with the lines of `python -m official.benchmark`.

    Returns:
      The path of the page; empty if there is no report, or of a version before.
    """
    folder = os.path.join(model_dir, REPORT)
    path = os.path.join(folder, REPORT_FILE)
    found = files.read_json(path) if tf.io.gfile.exists(path) else {}
    if found.get("format") != FORMAT:
        return ""
    measured = [line for line in found["throughput"] if "device" not in line]
    measured += [
        {
            "what": f"SavedModel, batches of {line['batch_size']}",
            "images_per_second": line["images_per_second"],
            "device": line.get("device", ""),
        }
        for line in benchmarks
    ]
    return write(folder, {**found, "throughput": measured})
