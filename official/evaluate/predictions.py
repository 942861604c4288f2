"""What an evaluation says of each image, kept as MODEL_DIR/predictions.csv, keyed by record."""

import csv
import io
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from official.evaluate.evaluation import Scored
from official.input import pipeline
from official.run import files
from official.run.errors import RunError, short
from official.run.folder import PREDICTIONS

_COLUMNS = ("record", "label", "answer", "probability")


class Predictions(NamedTuple):
    """The answers of a run.

    Attributes:
      records: name of each record, as its data set has it.
      labels: true class, int64 [N].
      answers: predicted class, int64 [N].
    """

    records: list[str]
    labels: np.ndarray
    answers: np.ndarray


def write(model_dir: str, scored: Scored) -> str:
    """Writes the answers of an evaluation; returns the path.

    Columns: record (its name in the data set; the number where it has none), label and answer
    (numbers of the network's classes), probability of the answer.

    Raises:
      RunError: it could not be written; nothing is half written.
    """
    path = os.path.join(model_dir, PREDICTIONS)
    names = pipeline.photos(scored.config, scored.split).map(lambda image, label, name: name)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS)
    for number, (name, row) in enumerate(
        zip(names.as_numpy_iterator(), scored.answers, strict=True)
    ):
        label, answer, probability = int(row[0]), int(row[1]), float(row[3])
        record = name.decode("utf-8", "replace") or str(number)
        lines.writerow([record, label, answer, f"{probability:.6g}"])
    try:
        files.write_text(path, text.getvalue())
    except (OSError, tf.errors.OpError) as error:
        raise RunError(f"{path} could not be written: {short(error)}") from error
    return path


def read(path: str) -> Predictions:
    """Returns what `write` wrote: of a MODEL_DIR, or of a file.

    Raises:
      RunError: there is no such file, or it is another one.
    """
    if tf.io.gfile.isdir(path):
        path = os.path.join(path, PREDICTIONS)
    if not tf.io.gfile.exists(path):
        raise RunError(
            f"{path} is missing: run `python -m official.evaluate` first, which writes it into "
            "MODEL_DIR."
        )
    rows = list(csv.reader(io.StringIO(files.read_text(path), newline="")))
    try:
        if not rows or tuple(rows[0]) != _COLUMNS or len(rows) == 1:
            raise ValueError(f"its first line must be {','.join(_COLUMNS)}, and images must follow")
        records, labels, answers, _ = zip(*rows[1:], strict=True)
        numbers = np.array([labels, answers], np.int64)
    except ValueError as error:
        raise RunError(f"{path} holds no predictions of official.evaluate: {error}.") from error
    return Predictions(list(records), *numbers)
