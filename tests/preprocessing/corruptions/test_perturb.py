"""Sequences of ImageNet-P: frames whose content is known."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

import preprocessing
from preprocessing.corruptions import sequences
from preprocessing.corruptions.perturbations import NOISES, PERTURBATIONS, PERTURBATIONS_EXTRA

SIZE = 32
EVERY = (*PERTURBATIONS, *PERTURBATIONS_EXTRA)
# 44 x 52: the crop begins at 6 and 10.
PHOTO = np.random.RandomState(3).randint(0, 256, (44, 52, 3)).astype(np.uint8)
CROP = PHOTO[6:38, 10:42]


def frames(name, photo=PHOTO, seed=0):
    return list(preprocessing.perturb(photo, name, SIZE, np.random.default_rng(seed)))


@pytest.mark.parametrize("name", EVERY)
def test_every_sequence(name):
    before = PHOTO.copy()
    found = frames(name)
    assert len(found) == (41 if name == "translate" else 31)
    assert {(one.shape, one.dtype) for one in found} == {((SIZE, SIZE, 3), np.dtype(np.uint8))}
    assert all(np.array_equal(*pair) for pair in zip(found, frames(name), strict=True))
    assert not np.array_equal(found[3], found[20])
    # The frame of the photo itself.
    still = {"brightness": 15, "translate": 20, "rotate": 15, "shear": 15, "scale": 24,
             "zoom_blur": 0, **dict.fromkeys(NOISES, 0)}  # fmt: skip
    if name in still:
        np.testing.assert_array_equal(found[still[name]], CROP)
    found[0][:] = 7
    np.testing.assert_array_equal(PHOTO, before)


def test_translations_are_whole_pixels_to_the_right_and_black_beyond_the_edge():
    found = frames("translate")
    np.testing.assert_array_equal(found[25], PHOTO[6:38, 5:37])
    np.testing.assert_array_equal(found[10], PHOTO[6:38, 20:52])
    assert not found[40][:, :10].any()
    np.testing.assert_array_equal(found[40][:, 10:], PHOTO[6:38, :22])


def test_noise_is_as_strong_as_published():
    grey = np.full((64, 64, 3), 128, np.uint8)
    expected = {
        "gaussian_noise": 0.03 * 255,
        "speckle_noise": 0.05 * 128,
        # A Poisson number of the mean 300 * 128 / 255.
        "shot_noise": 255 / 300 * np.sqrt(300 * 128 / 255),
    }
    for name, deviation in expected.items():
        found = np.float64(frames(name, grey)[1:])
        assert abs(found.std() - deviation) < 0.1 and abs(found.mean() - 127.5) < 0.2
        # Independent from frame to frame.
        assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 0.06


def test_blur_is_scipys():
    expected = ndimage.gaussian_filter(
        CROP / 255, (0.25 + 0.035 * 10,) * 2 + (0,), mode="nearest", truncate=6
    )
    found = frames("gaussian_blur")[10].astype(int)
    assert np.abs(found - (expected * 255).astype(np.uint8)).max() <= 1


def test_turns_are_clockwise_and_sizes_grow():
    """A bright square above the middle goes to the right, and outwards."""
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[18:22, 30:34] = 255

    def place(frame):
        mass = frame[..., 0].astype(float)
        rows, columns = np.indices(mass.shape)
        return (rows * mass).sum() / mass.sum(), (columns * mass).sum() / mass.sum()

    # 12 pixels above the middle (of the crop at 15.5), turned by 15 degrees: 3.1 to the right.
    row, column = place(frames("rotate", photo)[30])
    assert abs(column - 15.5 - 12 * np.sin(np.radians(15))) < 0.2
    assert abs(row - 15.5 + 12 * np.cos(np.radians(15))) < 0.2
    row, column = place(frames("scale", photo)[30])
    assert abs(row - 15.5 + 12 * 1.15) < 0.2 and abs(column - 15.5) < 0.2
    row, _ = place(frames("scale", photo)[0])
    assert abs(row - 15.5 + 12 * 0.4) < 0.4


def test_a_tilt_that_is_none_is_a_trifle_smaller():
    """By f / (1 + f) about the middle, f being the diagonal."""
    away = np.hypot(44, 52)
    share = away / (1 + away)
    matrix = np.float64([[share, 0, 26 * (1 - share)], [0, share, 22 * (1 - share)]])
    expected = cv2.warpAffine(PHOTO, matrix, (52, 44))[6:38, 10:42]
    off = np.abs(frames("tilt")[15].astype(int) - expected)
    # Places are rounded to 1/32 pixel, now and then to another one.
    assert np.mean(off > 1) < 0.05


def test_drops_run_down_as_a_convolution():
    liquid = np.random.RandomState(1).rand(20, 5)
    kernel = [0.05, 0.1, 0.15, 0.7]
    expected = np.apply_along_axis(lambda one: np.convolve(one, kernel, "same"), 0, liquid)
    np.testing.assert_allclose(sequences.run_down(liquid), expected, atol=1e-12)


def test_what_is_refused():
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="name must be one of .*tilt.*Received: 'frost'"):
        preprocessing.perturb(PHOTO, "frost", SIZE, random)
    with pytest.raises(ValueError, match="must have 48 pixels at least. Received: 44x52"):
        preprocessing.perturb(PHOTO, "tilt", 48, random)
