"""Scores: reference values, numbers by hand, and independence of how images fall into batches."""

import pathlib

import numpy as np
import pytest

from official.evaluate import metrics

VALUES = np.load(pathlib.Path(__file__).parents[2] / "reference/official/metrics.npz")


def test_ece_equals_the_original_after_each_batch():
    metric = metrics.ExpectedCalibrationError()
    batches = zip(VALUES["ece_conf"], VALUES["ece_pred"], VALUES["ece_label"], strict=True)
    for wanted, batch in zip(VALUES["ece_value"], batches, strict=True):
        metric.update_state(*batch)
        assert float(metric.result()) == pytest.approx(float(wanted), abs=2e-7)


def test_ece_by_hand():
    metric = metrics.ExpectedCalibrationError()
    # Bin (0.5, 0.6]: 0.55 right; bin (0.8, 0.9]: 0.85 right, 0.9 wrong (a boundary goes down).
    metric.update_state([0.55, 0.85, 0.9], [0, 1, 2], [0, 1, 0])
    assert float(metric.result()) == pytest.approx((abs(1 - 0.55) + abs(1 - 1.75)) / 3, abs=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_correct_counts_the_best_k():
    logits = np.array([[0.1, 0.9, 0.5], [0.8, 0.1, 0.3], [0.3, 0.2, 0.1]], np.float32)
    labels = np.array([2, 0, 2])
    for k, wanted in ((1, 1), (2, 2), (5, 3)):
        metric = metrics.Correct(k)
        metric.update_state(labels, logits)
        assert int(metric.result()) == wanted


def test_equal_logits_are_not_all_right():
    """A dead network knows one class of four, not all; a broken one knows none."""
    labels = np.arange(4)
    for logits, one, two in ((np.zeros([4, 4]), 1, 2), (np.full([4, 4], np.nan), 0, 0)):
        for k, wanted in ((1, one), (2, two)):
            metric = metrics.Correct(k)
            metric.update_state(labels, logits.astype(np.float32))
            assert int(metric.result()) == wanted


def test_scores_do_not_depend_on_the_batches():
    random = np.random.RandomState(0)
    confidence, labels = random.rand(23).astype(np.float32), random.randint(0, 2, 23)
    whole, parts = metrics.ExpectedCalibrationError(), metrics.ExpectedCalibrationError()
    images = metrics.Images()
    whole.update_state(confidence, np.ones(23, int), labels)
    for start in range(0, 23, 10):
        piece = slice(start, start + 10)
        parts.update_state(confidence[piece], np.ones(23, int)[piece], labels[piece])
        images.update_state(labels[piece])
    assert float(parts.result()) == pytest.approx(float(whole.result()), abs=1e-6)
    assert int(images.result()) == 23
