"""Scores a network on corrupted images: error by corruption and severity, CE and mCE."""

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import preprocessing
from datasets import command_line
from official.robustness import ranking, scores
from official.robustness.making import CLEAN
from official.robustness.results import Results, weights
from official.robustness.sources import Source
from official.run import checkpoints, files
from official.run.configuration import RunConfig
from official.run.errors import RunError, explain

FORMAT = 1


def evaluate(
    model_dir: str,
    config: RunConfig,
    ranker: ranking.Ranker,
    checkpoint: str,
    source: Source,
    data: dict,
    size: int,
    resized: bool = False,
) -> dict:
    """Returns the scores of a network on all that a source has; see `scores.corruptions`.

    What was scored before is not scored again.

    Args:
      model_dir: the run, whose folder keeps the results.
      config: the run.
      ranker: with the weights of `checkpoint`.
      checkpoint: its prefix.
      source: the images.
      data: what else decides about them, such as their folder; JSON values.
      size: side of the images in pixels.
      resized: whether others are squeezed to that size.

    Raises:
      RunError: images of another size, or that cannot be decoded.
    """
    images = {"size": size, **({"resized": True} if resized else {}), **data, **source.facts}
    facts = {"format": FORMAT, **weights(checkpoint), **images}
    results = Results(model_dir, facts, source.identity)
    missing = [one for one in source.conditions if one not in results.known]
    if len(missing) < len(source.conditions):
        count = len(source.conditions) - len(missing)
        print(f"note: {count} of {len(source.conditions)} are known already", file=sys.stderr)

    def prepare(encoded: tf.Tensor) -> tf.Tensor:
        return preprocessing.stored_image(encoded, config.preprocessing, size, resized)

    each = source.facts.get("records")
    # A log has a line for each of them anyway.
    show = sys.stderr.isatty()
    with command_line.progress_bar(each and each * len(missing), "corrupted", show) as bar:
        for name, severity in missing:
            bar.set_description(_words(name, severity))
            result = _scored(ranker, source, name, severity, prepare, config, bar.update)
            results.add(name, severity, result)
            bar.write(
                f"{_words(name, severity)}: error {100 * result['error']:.2f} % of "
                f"{result['images']:,} images, {result['images'] / result['seconds']:.0f} images/s",
                file=sys.stderr,
            )
    # Also what was asked for before: the same weights on the same images.
    every = [(CLEAN, 0), *((n, s) for n in preprocessing.CORRUPTIONS for s in scores.SEVERITIES)]
    found = {one: results.known[one] for one in every if one in results.known}
    return collected(found, checkpoint, images)


def _scored(
    ranker: ranking.Ranker,
    source: Source,
    name: str,
    severity: int,
    prepare: Callable[[tf.Tensor], tf.Tensor],
    config: RunConfig,
    on_images: Callable[[int], object],
) -> dict:
    """Returns counts and the error of one corruption and severity."""
    start, labels = time.monotonic(), []

    def encoded():
        for image, label in source.images(name, severity):
            labels.append(label)
            yield image
            on_images(1)

    try:
        best = ranking.answers(ranker, encoded(), prepare, config.data.val_batch_size)
    except tf.errors.InvalidArgumentError as error:
        raise RunError(
            f"{_words(name, severity)}: {explain(error)}. Give the size that they have by "
            "--corruption_size, or have them squeezed by --resize_corrupted."
        ) from error
    top1, top5 = ranking.right(best, np.array(labels))
    return {
        "images": len(labels),
        "correct_top1": top1,
        "correct_top5": top5,
        "error": 1 - top1 / len(labels),
        "seconds": round(max(time.monotonic() - start, 1e-6), 3),
    }


def collected(found: dict[tuple[str, int], dict], checkpoint: str, images: dict) -> dict:
    """Returns all scores, named, as corruptions.json has them."""
    errors: dict[str, dict[int, float]] = {}
    for (name, severity), result in found.items():
        if name != CLEAN:
            errors.setdefault(name, {})[severity] = result["error"]
    clean = found.get((CLEAN, 0))
    return {
        "format": FORMAT,
        "checkpoint": os.path.basename(checkpoint),
        "step": checkpoints.step_of(checkpoint),
        "images": images,
        "count": next(iter(found.values()))["images"],
        "clean_error": clean and clean["error"],
        "error": errors,
        **scores.corruptions(errors),
        "time": files.now(),
    }


def table(found: dict) -> str:
    """Returns what `collected` returned, for people: errors in per cent, and what each score is."""
    severities = sorted({s for by_severity in found["error"].values() for s in by_severity})
    lines = [
        f"{found['checkpoint']} on {found['count']:,} images, wrong answers in per cent",
        f"images: {_described(found['images'])}",
        f"{'':18}" + "".join(f"{severity:>7}" for severity in severities) + "   mean     CE",
    ]
    for name, by_severity in found["error"].items():
        cells = [by_severity.get(severity) for severity in severities]
        cells += [found[score].get(name) for score in ("mean_error", "ce")]
        lines.append(f"{name:18}" + "".join(_percent(cell) for cell in cells))
    named = {
        "clean crop, top-1 error": "clean_error",
        "mCE over the 15 of ImageNet-C, divided by AlexNet": "mce_15",
        "mCE over all 19, as the original averages": "mce_19",
        "mean error over the 15, not divided": "mean_error_15",
        "mean error over all 19, not divided (table 8, Food-101-C)": "mean_error_19",
    }
    width = max(map(len, named))
    lines += [f"{text:{width}}{_percent(found[key])}" for text, key in named.items()]
    if found["mce_15"] is None:
        lines.append("A mean needs every corruption that it is of, at all five severities.")
    return "\n".join(lines)


def _described(images: dict) -> str:
    """Returns in words where the images come from, and how they were made."""
    size = f"{images['size']} pixels{', squeezed' if images.get('resized') else ''}"
    if "corrupted_dir" in images:
        return f"{images['corrupted_dir']}, {size}"
    jpeg = f"JPEG {images['jpeg']}" if images["jpeg"] else "no JPEG"
    return (
        f"made of {images['data_dir']} ({images['val_regex']}), {size}, {jpeg}, strengths of "
        f"{images['parameters']}, seed {images['seed']}"
    )


def row(name: str, found: dict) -> str:
    """Returns a header and a row in Markdown, for tables of several networks."""
    columns = {
        "clean error": "clean_error", "mCE (15)": "mce_15", "mCE (19)": "mce_19",
        "mean error (15)": "mean_error_15", "mean error (19)": "mean_error_19",
    }  # fmt: skip
    cells = [_percent(found[key]).strip() for key in columns.values()]
    header = " | ".join(["model", *columns])
    rule = "|".join(["---"] * (1 + len(columns)))
    return f"| {header} |\n|{rule}|\n| {' | '.join([name, *cells])} |"


def _words(name: str, severity: int) -> str:
    return name if name == CLEAN else f"{name} {severity}"


def _percent(value: float | None) -> str:
    return f"{100 * value:7.2f}" if value is not None else f"{'-':>7}"
