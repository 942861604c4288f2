"""From the errors of single pictures to the scores of a network (1903.12261, sections 3 and 5).

All errors and probabilities are shares in 0 to 1, and so are the scores: mCE is often given times
100. What is not complete has no score: None.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from official.robustness.constants import (
    ALEXNET_ERROR,
    ALEXNET_FLIP,
    EXTRA,
    PERTURBATIONS,
    PERTURBATIONS_EXTRA,
    STANDARD,
)

SEVERITIES = (1, 2, 3, 4, 5)


def corruptions(errors: Mapping[str, Mapping[int, float]]) -> dict:
    """Returns the scores of corruptions.

    Args:
      errors: share of wrong answers, by corruption and severity.

    Returns:
      `mean_error` and `ce` by corruption (CE: the mean over the five severities, divided by
      AlexNet's); `mce_15` and `mce_19`, their means over the fifteen of the paper and, as the
      original has it, over all; `mean_error_15` and `mean_error_19`, the same without AlexNet, as
      table 8 of Assembled-CNN has it.
    """
    means = {
        name: _mean(by_severity[severity] for severity in SEVERITIES)
        for name, by_severity in errors.items()
        if set(SEVERITIES) <= set(by_severity)
    }
    ce = {name: mean / ALEXNET_ERROR[name] for name, mean in means.items()}
    return {
        "mean_error": means,
        "ce": ce,
        "mce_15": _mean_of(ce, STANDARD),
        "mce_19": _mean_of(ce, (*STANDARD, *EXTRA)),
        "mean_error_15": _mean_of(means, STANDARD),
        "mean_error_19": _mean_of(means, (*STANDARD, *EXTRA)),
    }


def perturbations(flips: Mapping[str, float]) -> dict:
    """Returns the scores of perturbations from their flip probabilities.

    Returns:
      `flip_rate` by perturbation (the probability, divided by AlexNet's); `mfr_10` and `mfr_14`,
      their means over the ten of the paper and over all; `mean_flip_10` and `mean_flip_14`, the
      same without AlexNet.
    """
    rates = {name: flip / ALEXNET_FLIP[name] for name, flip in flips.items()}
    every = (*PERTURBATIONS, *PERTURBATIONS_EXTRA)
    return {
        "flip_rate": rates,
        "mfr_10": _mean_of(rates, PERTURBATIONS),
        "mfr_14": _mean_of(rates, every),
        "mean_flip_10": _mean_of(flips, PERTURBATIONS),
        "mean_flip_14": _mean_of(flips, every),
    }


def flip_probability(answers: np.ndarray, from_first: bool) -> np.ndarray:
    """Returns the share of frames whose answer is another than the one before's.

    Args:
      answers: predicted class, integer [N, frames].
      from_first: compare with the first frame, as for noise, of which no frame follows another.

    Returns:
      float64 [N].
    """
    before = answers[:, :1] if from_first else answers[:, :-1]
    return np.mean(answers[:, 1:] != before, axis=1)


def top5_distance(best: np.ndarray, from_first: bool) -> np.ndarray:
    """Returns by how many places the five best answers move from frame to frame, in the mean.

    Each of the five best of the frame before counts from its place to where it stands now; what is
    no longer among the five best stands at the sixth place, as in the published code.

    Args:
      best: the best classes of each frame, the very best first, integer [N, frames, 5] (fewer than
        5 of a network that has fewer classes).
      from_first: compare with the first frame; see `flip_probability`.

    Returns:
      float64 [N], 0 to 15.
    """
    before, after = (best[:, :1] if from_first else best[:, :-1]), best[:, 1:]
    count = best.shape[-1]
    same = before[..., :, np.newaxis] == after[..., np.newaxis, :]
    places = np.where(same.any(axis=-1), same.argmax(axis=-1), count)
    return np.mean(np.abs(places - np.arange(count)).sum(axis=-1), axis=1)


def _mean_of(values: Mapping[str, float], names: Sequence[str]) -> float | None:
    """Returns the mean of these; None where one of them is missing."""
    return _mean(values[name] for name in names) if set(names) <= set(values) else None


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
