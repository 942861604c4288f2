"""Geometry and colour against TensorFlow Addons, written by other people from the same papers."""

import math
import warnings

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.policies.auto_augment import apply_operation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    addons = pytest.importorskip(
        "tensorflow_addons", reason="lane A only: TensorFlow Addons ends with TensorFlow 2.15"
    )

PICTURE = np.random.RandomState(7).randint(0, 256, (40, 56, 3)).astype(np.uint8)


def filled(transform) -> np.ndarray:
    """The transform of PICTURE with uncovered pixels at 128, as AutoAugment wants them."""
    # A fourth channel of ones shows what the transform covered.
    covered = np.dstack([PICTURE, np.ones(PICTURE.shape[:2], np.uint8)])
    moved = transform(tf.constant(covered)).numpy()
    return np.where(moved[..., 3:] == 1, moved[..., :3], 128)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("level", [1, 5, 9])
def test_rotate(level, negative):
    angle = math.radians(3 * level) * (-1 if negative else 1)
    wanted = filled(lambda image: addons.image.rotate(image, angle))
    np.testing.assert_array_equal(apply_operation(PICTURE, "Rotate", level, negative), wanted)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("name, row", [("ShearX", 0), ("ShearY", 1)])
def test_shear(name, row, negative):
    amount = 0.15 * (-1 if negative else 1)
    matrix = [1.0, amount, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    if row:
        matrix = [1.0, 0.0, 0.0, amount, 1.0, 0.0, 0.0, 0.0]
    wanted = filled(lambda image: addons.image.transform(image, matrix))
    np.testing.assert_array_equal(apply_operation(PICTURE, name, 5, negative), wanted)


def test_equalize():
    wanted = addons.image.equalize(tf.constant(PICTURE))
    np.testing.assert_array_equal(apply_operation(PICTURE, "Equalize", 5), wanted)
