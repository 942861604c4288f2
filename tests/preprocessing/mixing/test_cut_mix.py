import numpy as np
import pytest
import tensorflow as tf

from preprocessing import seeds
from preprocessing.mixing.cut_mix import cutmix, sample_boxes
from preprocessing.mixing.mixup import sample_lambdas

IMAGES = np.arange(3 * 4 * 5 * 3).reshape(3, 4, 5, 3)
BOXES = np.int32([[1, 2, 3, 5], [0, 0, 4, 5], [2, 2, 2, 4]])


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_rectangles_and_labels_by_hand(one_by_one, dtype):
    images = IMAGES.astype(dtype)
    teacher = np.float32([[0.5, 0.5, 0], [0, 1, 0], [0.2, 0.2, 0.6]])
    mixed, labels, taught = cutmix(images, tf.eye(3), BOXES, teacher, one_by_one)
    expected = images.copy()
    expected[0, 1:3, 2:5] = images[1, 1:3, 2:5]
    expected[1] = images[2]
    assert mixed.dtype == dtype
    np.testing.assert_array_equal(mixed, expected)
    # 6 of 20 pixels, all, none.
    np.testing.assert_allclose(labels, [[0.7, 0.3, 0], [0, 0, 1], [0, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(taught[0], [0.35, 0.65, 0], atol=1e-6)
    np.testing.assert_allclose(taught[2], teacher[2])


def test_the_last_takes_from_the_first():
    mixed, labels, _ = cutmix(IMAGES, tf.eye(3), np.int32([[0, 0, 0, 0]] * 2 + [[0, 0, 1, 1]]))
    assert mixed[2, 0, 0].numpy().tolist() == IMAGES[0, 0, 0].tolist()
    np.testing.assert_allclose(labels[2], [0.05, 0, 0.95], atol=1e-6)


def test_boxes_have_the_drawn_area():
    boxes = sample_boxes([1, 2], 20_000, 64, 96, 1.0).numpy()
    top, left, bottom, right = boxes.T
    assert (top >= 0).all() and (left >= 0).all() and (bottom <= 64).all() and (right <= 96).all()
    height, width = bottom - top, right - left
    whole = (top > 0) & (left > 0) & (bottom < 64) & (right < 96)
    assert whole.sum() > 3000
    # Sides are sqrt(1 - lambda) of the image's, rounded down to even numbers.
    lambdas = sample_lambdas(seeds.split_seed([1, 2], 2)[0], 20_000, 1.0).numpy()
    side = np.sqrt(1 - lambdas, dtype=np.float32)
    np.testing.assert_array_equal(height[whole], ((side * 64).astype(int) // 2 * 2)[whole])
    np.testing.assert_array_equal(width[whole], ((side * 96).astype(int) // 2 * 2)[whole])
    # Centres are uniform: what is cut off is cut off at all four edges alike.
    cut = [(top == 0).mean(), (bottom == 64).mean(), (left == 0).mean(), (right == 96).mean()]
    assert max(cut) - min(cut) < 0.03


def test_boxes_follow_the_seed():
    first = sample_boxes([1, 2], 4, 32, 32, 1.0)
    np.testing.assert_array_equal(first, sample_boxes([1, 2], 4, 32, 32, 1.0))
    assert not np.array_equal(first, sample_boxes([1, 3], 4, 32, 32, 1.0))
