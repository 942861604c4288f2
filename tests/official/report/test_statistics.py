"""Confusion, scores of classes, calibration and intervals, by hand."""

import numpy as np
import pytest

from official.evaluate import metrics, recorded
from official.report import statistics

# True class, answer, next best class, their probabilities.
ANSWERS = np.array(
    [
        [0, 0, 1, 0.90, 0.05],
        [0, 0, 2, 0.50, 0.49],
        [0, 1, 0, 0.60, 0.30],
        [1, 0, 1, 0.95, 0.04],
        [1, 1, 0, 0.70, 0.20],
        [1, 0, 2, 0.55, 0.25],
        [3, 1, 3, 0.41, 0.40],
    ],
    np.float32,
)


def test_confusion_recall_and_precision_by_hand():
    pairs = statistics.confusion(ANSWERS)
    assert pairs[:2] == [[0, 0, 2], [1, 0, 2]]
    assert sorted(pairs[2:]) == [[0, 1, 1], [1, 1, 1], [3, 1, 1]]
    found = statistics.classes(pairs, ["a", "b", "c", "d"])
    columns = ("name", "images", "answered", "right", "recall", "precision")
    assert [tuple(one[key] for key in columns) for one in found] == [
        ("a", 3, 4, 2, 2 / 3, 1 / 2),
        ("b", 3, 3, 1, 1 / 3, 1 / 3),
        ("c", 0, 0, 0, None, None),
        ("d", 1, 0, 0, 0.0, None),
    ]
    assert found[2]["recall_interval"] is None and found[3]["recall_interval"][0] == 0.0


def test_photos_are_chosen_by_sureness():
    assert statistics.worst(ANSWERS, 3) == [3, 2, 5]
    assert statistics.worst(ANSWERS, 9) == [3, 2, 5, 6]
    assert statistics.uncertain(ANSWERS, 2) in ([1, 6], [6, 1])
    assert statistics.worst(ANSWERS[:2], 3) == []


def test_the_diagram_shows_the_calibration_error():
    bins = statistics.reliability(ANSWERS)
    # 0.41 and 0.5, of which one is right; a boundary belongs to the lower range.
    assert (bins[4]["images"], bins[4]["accuracy"]) == (2, 0.5)
    assert bins[4]["confidence"] == pytest.approx(0.455)
    assert [one["images"] for one in bins] == [0, 0, 0, 0, 2, 2, 1, 0, 1, 1]
    assert bins[0]["accuracy"] is None
    filled = [one for one in bins if one["images"]]
    error = sum(one["images"] * abs(one["confidence"] - one["accuracy"]) for one in filled) / 7
    metric = metrics.ExpectedCalibrationError()
    metric.update_state(ANSWERS[:, 3], ANSWERS[:, 1], ANSWERS[:, 0])
    assert error == pytest.approx(float(metric.result()), abs=1e-6)


@pytest.mark.parametrize(
    "right,images,low,high", [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_wilson_intervals(right, images, low, high):
    """As textbooks have them."""
    assert recorded.interval(right, images) == pytest.approx((low, high), abs=6e-5)
    assert recorded.interval(0, 0) is None


def test_answers_are_written_down_under_their_numbers():
    kept = metrics.Answers(3)
    kept.update_state([2, 0], [1, 0], np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], np.float32))
    kept.update_state([1], [2], np.array([[0.25, 0.35, 0.4]], np.float32))
    wanted = [[0, 0, 2, 0.6, 0.3], [2, 2, 1, 0.4, 0.35], [1, 1, 2, 0.5, 0.3]]
    np.testing.assert_allclose(kept.result(), wanted, rtol=1e-6)
    lonely = metrics.Answers(1)
    lonely.update_state([0], [0], np.ones([1, 1], np.float32))
    assert lonely.result().numpy().tolist() == [[0, 0, 0, 1, 1]]
