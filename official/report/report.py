"""Finished runs in one table and one picture."""

import io
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from official.evaluate import recorded
from official.export import serving
from official.export.module import NO_CLASS
from official.input import pipeline
from official.input.splits import evaluation_split
from official.report import charts
from official.run import checkpoints, classes, configuration, files
from official.run.configuration import RunConfig
from official.run.errors import RunError, short
from official.run.folder import EVALUATION_FILE, TRAINING_LOG

_PHOTOS = 20


class Finished(NamedTuple):
    """A run with what was recorded of it."""

    name: str
    model_dir: str
    config: RunConfig
    evaluation: dict
    epochs: list[dict]


def load(name: str, model_dir: str, checkpoint: str = "") -> Finished:
    """Returns the records of a run, with the scores of its last evaluation.

    With `checkpoint` (see `checkpoints.choose`) it is the last evaluation of that checkpoint.

    Raises:
      RunError: it was not trained, or not evaluated.
    """
    config = configuration.load(model_dir)
    evaluation = _evaluation(model_dir, checkpoint)
    epochs = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
    if not epochs:
        raise RunError(f"{model_dir} has no {TRAINING_LOG} with finished epochs.")
    return Finished(name, model_dir, config, evaluation, epochs)


def _evaluation(model_dir: str, checkpoint: str) -> dict:
    """Returns what `python -m official.evaluate` wrote last, of that checkpoint if it is given."""
    if not checkpoint:
        found = recorded.last(model_dir)
        if found is None:
            path = os.path.join(model_dir, EVALUATION_FILE)
            raise RunError(f"{path} is missing: run `python -m official.evaluate` first.")
        return found
    wanted = os.path.basename(checkpoints.choose(model_dir, checkpoint))
    found = recorded.last_of(model_dir, wanted)
    if found is None:
        raise RunError(
            f"{wanted} of {model_dir} was not evaluated: run `python -m official.evaluate "
            f"--model_dir={model_dir} --checkpoint={checkpoint}` first."
        )
    return found


def table(runs: list[Finished], benchmarks: list[dict]) -> str:
    """Returns the closing table: a column per run, then a line per benchmark."""
    rows = [("", *[finished.name for finished in runs])]
    rows.append(("checkpoint", *[r.evaluation["checkpoint"] for r in runs]))
    rows.append(("images scored", *[f"{r.evaluation['images']:,}" for r in runs]))
    for key in ("top1", "top5"):
        label = f"top-{key[3:]} (%)"
        rows.append((label, *[f"{100 * r.evaluation[key]:.2f}" for r in runs]))
    rows.append(("calibration error (ECE)", *[f"{r.evaluation['ece']:.4f}" for r in runs]))
    rows.append(("epochs", *[str(r.epochs[-1]["epoch"]) for r in runs]))
    rows.append(("training time (s)", *[f"{_seconds(r):.0f}" for r in runs]))
    rows.append(("training images/s", *[f"{_rate(r):.0f}" for r in runs]))
    for line in benchmarks:
        speed = f"{line['images_per_second']:.1f}"
        rows.append(
            (f"SavedModel images/s, batch {line['batch_size']}", speed, *[""] * len(runs[1:]))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join(lines)


def draw(path: str, runs: list[Finished], saved_model: str) -> None:
    """Saves the picture as PNG: curves above, photos below.

    Raises:
      RunError: the exported model is not of the checkpoint that was evaluated.
    """
    served = _served(runs[0], saved_model) if saved_model else None
    picture = io.BytesIO()
    curves = [(run.name, run.epochs) for run in runs]
    with charts.plain_text():
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(12, 12 if served else 4), layout="constrained")
        if served:
            above, below = figure.subfigures(2, 1, height_ratios=(1, 2))
            charts.curves(above, curves)
            _photo_sheet(below, runs[0], served)
        else:
            charts.curves(figure, curves)
        figure.savefig(picture, format="png", dpi=90)
        pyplot.close(figure)
    try:
        files.write_bytes(path, picture.getvalue())
    except (OSError, tf.errors.OpError) as error:
        raise RunError(f"{path} could not be written: {short(error)}") from error


def _served(finished: Finished, saved_model: str) -> serving.Served:
    """Returns the exported model; raises RunError if the scores are not of its checkpoint."""
    served = serving.Served(saved_model)
    served.require_classes()
    exported, scored = served.description["checkpoint"], finished.evaluation["checkpoint"]
    if exported != scored:
        raise RunError(
            f"--saved_model={saved_model} is {exported}, but the scores in {finished.model_dir}/"
            f"{EVALUATION_FILE} are those of {scored}: export or evaluate the same --checkpoint."
        )
    return served


def _photo_sheet(figure, finished: Finished, served: serving.Served) -> None:
    """Draws evaluation photos, evenly spread, with the model's answer; wrong ones in red."""
    known = finished.evaluation
    split = evaluation_split(finished.config, known["data_dir"], known["val_regex"])
    config = classes.for_records(finished.config, known["data_dir"], known.get("label_offset"))
    stride = max(1, split.num_examples // _PHOTOS)
    chosen = [
        (encoded.numpy(), int(label))
        for index, (encoded, label) in enumerate(
            pipeline.encoded_dataset(config, split, batch_size=1).unbatch()
        )
        if index % stride == 0
    ][:_PHOTOS]
    answers = served.answers([encoded for encoded, _ in chosen])
    grid = np.atleast_1d(figure.subplots(-(-len(chosen) // 5), 5)).ravel()
    for axes in grid:
        axes.axis("off")
    said_of_each = zip(answers["classes"], answers["probabilities"], strict=True)
    for axes, (encoded, label), (answer, shares) in zip(grid, chosen, said_of_each, strict=False):
        axes.imshow(tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy())
        share = f"{served.class_names[answer]} {100 * shares[answer]:.0f} %"
        said = "refused" if answer == NO_CLASS else share
        if answer != label:
            said += f"\nis {served.class_names[label]}"
        axes.set_title(said, fontsize=10, color="darkgreen" if answer == label else "firebrick")


def _seconds(finished: Finished) -> float:
    """Returns the time spent in training steps."""
    return sum(line["seconds"] for line in finished.epochs)


def _rate(finished: Finished) -> float:
    """Returns images trained on per second, over the whole training."""
    images = finished.epochs[-1]["step"] * finished.config.recipe.batch_size
    return images / max(_seconds(finished), 1e-9)
