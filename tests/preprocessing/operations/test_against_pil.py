"""Operations that PIL has with the same definition, on sizes and images that are hard."""

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tensorflow as tf

from preprocessing.operations import color
from preprocessing.policies.auto_augment import apply_operation

RANDOM = np.random.default_rng(11)
SIZES = [(1, 1), (1, 7), (5, 1), (2, 2), (3, 5), (7, 6), (16, 17), (31, 8)]


def pictures():
    for height, width in SIZES:
        shape = (height, width, 3)
        yield "noise", RANDOM.integers(0, 256, shape, np.uint8)
        yield "dark", RANDOM.integers(0, 9, shape, np.uint8)
        yield "few", RANDOM.choice(np.uint8([0, 3, 200, 255]), shape)
        yield "grey", np.repeat(RANDOM.integers(0, 256, (height, width, 1), np.uint8), 3, 2)
        yield "flat", np.full(shape, 77, np.uint8)


def check(function, judge):
    for name, picture in pictures():
        expected = np.asarray(judge(PIL.Image.fromarray(picture)))
        np.testing.assert_array_equal(
            function(picture), expected, err_msg=f"{name} {picture.shape}"
        )


def test_equalize():
    check(lambda p: apply_operation(p, "Equalize", 0), PIL.ImageOps.equalize)


def test_equalize_twice():
    check(
        lambda p: color.equalize(tf.constant(p), times=2),
        lambda p: PIL.ImageOps.equalize(PIL.ImageOps.equalize(p)),
    )


def test_invert():
    check(lambda p: apply_operation(p, "Invert", 0), PIL.ImageOps.invert)


@pytest.mark.parametrize("level", [3, 5, 10])
def test_posterize(level):
    # Levels 3, 5, 10: 1, 2 and 4 bits.
    bits = int(level / 10 * 4)
    check(
        lambda p: apply_operation(p, "Posterize", level), lambda p: PIL.ImageOps.posterize(p, bits)
    )


@pytest.mark.parametrize("level", [1, 6, 9])
def test_solarize(level):
    threshold = int(level / 10 * 256)
    check(
        lambda p: apply_operation(p, "Solarize", level),
        lambda p: PIL.ImageOps.solarize(p, threshold),
    )
