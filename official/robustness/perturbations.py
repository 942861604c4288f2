"""Scores a network on sequences of frames: how often its answer flips, mFR, top-5 distance."""

import os
import sys
import time

import numpy as np
import tensorflow as tf

from datasets import command_line
from official.robustness import ranking, scores
from official.robustness.constants import PERTURBATIONS, PERTURBATIONS_EXTRA
from official.robustness.results import Results, weights
from official.robustness.sequences import SequenceSource
from official.run import checkpoints, files
from official.run.errors import RunError, explain
from preprocessing.corruptions.perturbations import NOISES

FORMAT = 1


def evaluate(
    model_dir: str,
    ranker: ranking.Ranker,
    checkpoint: str,
    source: SequenceSource,
    data: dict,
    batch_size: int,
) -> dict:
    """Returns the scores of a network on all perturbations that a source has.

    What was scored before is not scored again. For the arguments see `corruptions.evaluate`.

    Returns:
      `flip_probability` and `top5_distance` by perturbation, and `scores.perturbations`.

    Raises:
      RunError: frames of another size, or that cannot be decoded.
    """
    images = {**data, **source.facts}
    facts = {"format": FORMAT, "kind": "p", **weights(checkpoint), **images}
    results = Results(model_dir, facts, source.identity)
    missing = [name for name in source.names if (name, 0) not in results.known]
    if len(missing) < len(source.names):
        count = len(source.names) - len(missing)
        print(f"note: {count} of {len(source.names)} are known already", file=sys.stderr)
    each = source.facts.get("records")
    show = sys.stderr.isatty()
    with command_line.progress_bar(each and each * len(missing), "perturbed", show) as bar:
        for name in missing:
            bar.set_description(name)
            result = _scored(ranker, source, name, batch_size, bar.update)
            results.add(name, 0, result)
            bar.write(
                f"{name}: flip probability {100 * result['flip_probability']:.2f} % over "
                f"{result['sequences']:,} sequences, "
                f"{result['frames'] / result['seconds']:.0f} frames/s",
                file=sys.stderr,
            )
    every = (*PERTURBATIONS, *PERTURBATIONS_EXTRA)
    found = {name: results.known[name, 0] for name in every if (name, 0) in results.known}
    flips = {name: result["flip_probability"] for name, result in found.items()}
    return {
        "format": FORMAT,
        "checkpoint": os.path.basename(checkpoint),
        "step": checkpoints.step_of(checkpoint),
        "images": images,
        "sequences": next(iter(found.values()))["sequences"],
        "flip_probability": flips,
        "top5_distance": {name: result["top5_distance"] for name, result in found.items()},
        **scores.perturbations(flips),
        "time": files.now(),
    }


def _scored(
    ranker: ranking.Ranker, source: SequenceSource, name: str, batch_size: int, on_sequence
) -> dict:
    """Returns what the answers to all sequences of a perturbation give."""
    start, lengths = time.monotonic(), []

    def frames():
        for sequence in source.sequences(name):
            lengths.append(len(sequence))
            yield from sequence
            on_sequence(1)

    try:
        best = ranking.answers(ranker, frames(), source.prepare, batch_size)
    except tf.errors.InvalidArgumentError as error:
        raise RunError(
            f"{name}: {explain(error)}. Give the size that they have by --corruption_size, or have "
            "them squeezed by --resize_corrupted."
        ) from error
    flips, distances = [], []
    for sequence in np.split(best, np.cumsum(lengths)[:-1]):
        one = sequence[np.newaxis]
        flips += scores.flip_probability(one[..., 0], name in NOISES).tolist()
        distances += scores.top5_distance(one, name in NOISES).tolist()
    return {
        "sequences": len(lengths),
        "frames": len(best),
        "flip_probability": float(np.mean(flips)),
        "top5_distance": float(np.mean(distances)),
        "seconds": round(max(time.monotonic() - start, 1e-6), 3),
    }


def table(found: dict) -> str:
    """Returns the scores for people."""
    lines = [
        f"{found['checkpoint']} on {found['sequences']:,} sequences for each perturbation",
        f"{'':16}{'flips (%)':>11}{'flip rate (%)':>15}{'top-5 distance':>16}",
    ]
    for name, flip in found["flip_probability"].items():
        rate, distance = found["flip_rate"][name], found["top5_distance"][name]
        lines.append(f"{name:16}{100 * flip:11.2f}{100 * rate:15.2f}{distance:16.3f}")
    named = {
        "mFR over the 10 of ImageNet-P, divided by AlexNet": "mfr_10",
        "mFR over all 14": "mfr_14",
        "mean flip probability over the 10, not divided": "mean_flip_10",
        "mean flip probability over all 14, not divided": "mean_flip_14",
    }
    for text, key in named.items():
        value = found[key]
        lines.append(f"{text:50}" + (f"{100 * value:7.2f}" if value is not None else f"{'-':>7}"))
    return "\n".join(lines)
