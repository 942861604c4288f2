"""The temperature that fits, found and not guessed."""

import numpy as np
import pytest

from official.export import calibration


def test_two_classes_by_hand():
    """Logits 4 : 0, right in 3 of 4 cases: softmax(4 / T) = 3/4 where 4 / T = log 3."""
    logits = np.array([[4.0, 0.0]] * 4)
    labels = np.array([0, 0, 0, 1])
    assert calibration.fit(logits, labels) == pytest.approx(4 / np.log(3), rel=1e-6)
    assert calibration.fit(logits * 3, labels) == pytest.approx(12 / np.log(3), rel=1e-6)


def test_what_is_always_right_ends_at_the_bound():
    logits = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert calibration.fit(logits, np.array([0, 1])) == pytest.approx(0.05, rel=1e-3)
    assert calibration.fit(logits, np.array([1, 0])) == pytest.approx(20, rel=1e-3)
