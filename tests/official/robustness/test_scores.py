"""Scores of robustness by hand."""

import numpy as np
import pytest

from official.robustness import scores
from official.robustness.constants import (
    ALEXNET_ERROR,
    ALEXNET_FLIP,
    EXTRA,
    PERTURBATIONS,
    PERTURBATIONS_EXTRA,
    STANDARD,
)


def test_a_network_that_is_always_wrong_has_what_the_constants_give():
    found = scores.corruptions({name: dict.fromkeys(range(1, 6), 1.0) for name in ALEXNET_ERROR})
    # The mean of 1 / AlexNet's error, over the 15 and over all 19.
    assert found["mce_15"] == pytest.approx(1.2934515, abs=1e-6)
    assert found["mce_19"] == pytest.approx(1.3035749, abs=1e-6)
    assert found["mean_error_15"] == found["mean_error_19"] == 1.0
    assert found["ce"]["brightness"] == pytest.approx(1 / 0.564592)


def test_alexnet_has_100_percent():
    errors = {name: dict.fromkeys(range(1, 6), error) for name, error in ALEXNET_ERROR.items()}
    found = scores.corruptions(errors)
    assert found["mce_15"] == pytest.approx(1.0) and found["mce_19"] == pytest.approx(1.0)
    assert set(ALEXNET_ERROR) == {*STANDARD, *EXTRA} and len(STANDARD) == 15
    rates = scores.perturbations(ALEXNET_FLIP)
    assert rates["mfr_10"] == pytest.approx(1.0) and rates["mfr_14"] == pytest.approx(1.0)
    assert set(ALEXNET_FLIP) == {*PERTURBATIONS, *PERTURBATIONS_EXTRA} and len(PERTURBATIONS) == 10


def test_ce_is_of_the_mean_over_severities_and_incomplete_means_are_none():
    errors = {"fog": dict(zip(range(1, 6), (0.1, 0.2, 0.3, 0.4, 0.5), strict=True))}
    found = scores.corruptions({**errors, "snow": {1: 0.5}})
    assert found["mean_error"] == {"fog": pytest.approx(0.3)}
    assert found["ce"] == {"fog": pytest.approx(0.3 / 0.819324)}
    assert found["mce_15"] is found["mce_19"] is found["mean_error_15"] is None


def test_flips():
    answers = np.array([[1, 1, 2, 2, 1], [3, 3, 3, 3, 3]])
    # One to two, and two to one; of the first, frames 2 and 3 differ.
    np.testing.assert_array_equal(scores.flip_probability(answers, False), [0.5, 0.0])
    np.testing.assert_array_equal(scores.flip_probability(answers, True), [0.5, 0.0])
    answers = np.array([[1, 2, 2, 2, 2]])
    assert scores.flip_probability(answers, False) == [0.25]
    assert scores.flip_probability(answers, True) == [1.0]


def test_top5_distance():
    first = [10, 11, 12, 13, 14]
    swapped = [11, 10, 12, 13, 14]  # Two move by one place.
    gone = [11, 12, 13, 14, 99]  # 10 goes from 0 to the sixth place, 5; four move by one: 9.
    best = np.array([[first, swapped], [first, gone], [first, first]])
    np.testing.assert_array_equal(scores.top5_distance(best, False), [2, 9, 0])
    others = [20, 21, 22, 23, 24]  # 5 + 4 + 3 + 2 + 1.
    best = np.array([[first, others, first]])
    assert scores.top5_distance(best, False) == [15.0]
    assert scores.top5_distance(best, True) == [7.5]
