"""Whether two networks differ on the same images, by more than chance.

McNemar's test asks whether, of the images that only one of them gets right, one has more than
chance would give. The interval is that of a bootstrap over the images (Efron, 1979).
"""

import collections
import math
from typing import NamedTuple

import numpy as np

from official.evaluate.predictions import Predictions
from official.run.errors import RunError

_RESAMPLES = 20_000
_SEED = 1


class Comparison(NamedTuple):
    """Two networks on the same images.

    Attributes:
      images: how many.
      both: that both get right.
      only_first: that only the first gets right.
      only_second: that only the second gets right.
      p_value: of McNemar's exact test, two-sided.
      interval: 95 % interval of the difference of the two shares, second minus first.
    """

    images: int
    both: int
    only_first: int
    only_second: int
    p_value: float
    interval: tuple[float, float]


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compares two runs on the images that both answered, which are matched by record.

    Raises:
      RunError: they did not answer the same images, or a record has two labels.
    """
    right_first, right_second = _by_record(first), _by_record(second)
    if right_first.keys() != right_second.keys():
        only = [len(right_first.keys() - right_second), len(right_second.keys() - right_first)]
        raise RunError(
            f"the two were not scored on the same images: {only[0]} records are of the first "
            f"alone, {only[1]} of the second, {len(right_first.keys() & right_second)} of both. "
            "Score both on the same --data_dir and --val_regex."
        )
    pairs = collections.Counter((right_first[key], right_second[key]) for key in right_first)
    images, gained, lost = len(right_first), pairs[False, True], pairs[True, False]
    return Comparison(
        images, pairs[True, True], lost, gained, mcnemar(lost, gained),
        bootstrap(images, lost, gained),
    )  # fmt: skip


def _by_record(run: Predictions) -> dict[tuple[str, int, int], bool]:
    """Returns whether each image is right, by record, label, and how often that came before.

    Names may come twice, in two folders of classes.
    """
    seen: collections.Counter = collections.Counter()
    found = {}
    for record, label, answer in zip(run.records, run.labels, run.answers, strict=True):
        seen[record, label] += 1
        found[record, int(label), seen[record, label]] = bool(label == answer)
    return found


def mcnemar(only_first: int, only_second: int) -> float:
    """Returns the p-value of McNemar's exact test, two-sided: a fair coin for each such image."""
    count, fewer = only_first + only_second, min(only_first, only_second)
    logarithms = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        for k in range(fewer + 1)
    ]
    tail = math.fsum(math.exp(one - count * math.log(2)) for one in logarithms)
    return min(1.0, 2 * tail)


def bootstrap(images: int, only_first: int, only_second: int) -> tuple[float, float]:
    """Returns the 95 % interval of the share of the second minus that of the first.

    Drawing images again and again, with their two answers together, is drawing how many are of
    each kind.
    """
    kinds = np.array([only_first, only_second, images - only_first - only_second]) / images
    drawn = np.random.default_rng(_SEED).multinomial(images, kinds, _RESAMPLES)
    low, high = np.percentile((drawn[:, 1] - drawn[:, 0]) / images, [2.5, 97.5])
    return float(low), float(high)


def words(found: Comparison, names: tuple[str, str]) -> str:
    """Returns it for people."""
    shares = [
        100 * (found.both + alone) / found.images for alone in (found.only_first, found.only_second)
    ]
    low, high = (100 * one for one in found.interval)
    differ = found.p_value < 0.05
    return "\n".join(
        [
            f"{name}: top-1 {share:.2f} % of {found.images:,} images"
            for name, share in zip(names, shares, strict=True)
        ]
        + [
            f"difference {shares[1] - shares[0]:+.2f} points, 95 % interval {low:+.2f} to "
            f"{high:+.2f} (bootstrap over the images)",
            f"right by the first alone {found.only_first:,}, by the second alone "
            f"{found.only_second:,}: McNemar's exact test p = {found.p_value:.2g}",
            "they differ by more than these images would by chance (p < 0.05)"
            if differ
            else "on these images they cannot be told apart (p >= 0.05)",
            "(another training of the same flags may differ as much: that is not in it)",
        ]
    )
