"""Corruptions: what the published code gives, and what must hold for any picture."""

import numpy as np
import pytest

import preprocessing
from preprocessing.corruptions.parameters import EXTRA, PARAMETERS, STANDARD

RANDOM = np.random.RandomState(5)
FROST = [RANDOM.randint(0, 256, (40 + i, 60, 3)).astype(np.uint8) for i in range(5)]
DRAWS_NOTHING = {
    "defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression",
    "gaussian_blur", "saturate",
}  # fmt: skip


def corrupted(picture, name, severity=3, seed=0, **options):
    random = np.random.RandomState(seed)
    return preprocessing.corrupt(picture, name, severity, random, frost_pictures=FROST, **options)


def noise(height, width, seed=1):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


# Of frost tests/official/robustness/test_frost.py, where its pictures are.
@pytest.mark.parametrize("name", sorted({*STANDARD, *EXTRA} - {"frost", "jpeg_compression"}))
def test_as_the_published_code(reference, name):
    """Never further than one grey level, and mostly equal; docs/robustness.md has the shares."""
    values = reference.values("corruptions")
    for severity in (1, 3, 5):
        seed = 100 * preprocessing.CORRUPTIONS.index(name) + severity
        result = corrupted(values["input_a"], name, severity, seed)
        key = f"{name}|{severity}|a"
        grid = result[::4, ::4].astype(int) - values[key]
        corner = result[:16, :16].astype(int) - values[f"{key}|corner"]
        assert max(np.abs(grid).max(), np.abs(corner).max()) <= 1, severity
        # Where a sum is a whole number, rounding decides: most of all in saturate.
        assert np.mean(grid != 0) < (0.2 if name == "saturate" else 0.04), severity
        mean = result.mean(axis=(0, 1)) - values[f"{key}|mean"]
        assert np.abs(mean).max() < (0.25 if name == "saturate" else 0.04), severity


def test_jpeg_by_another_library(reference):
    """The published set has libjpeg 9; ours scales the colours otherwise."""
    values = reference.values("corruptions")
    for severity in (1, 3, 5):
        result = corrupted(values["input_a"], "jpeg_compression", severity)
        off = np.abs(result[::4, ::4].astype(int) - values[f"jpeg_compression|{severity}|a"])
        assert off.mean() < 1.1
        mean = result.mean(axis=(0, 1)) - values[f"jpeg_compression|{severity}|a|mean"]
        assert np.abs(mean).max() < 0.1


@pytest.mark.parametrize("name", preprocessing.CORRUPTIONS)
@pytest.mark.parametrize("parameters", ["imagenet", "cifar"])
@pytest.mark.filterwarnings("error")
def test_any_picture(name, parameters):
    """Of any size, not square, tiny, black, white and grey: a picture of that size again."""
    shapes = [(32, 32), (21, 37), (64, 9), (3, 3), (1, 1), (1, 8), (2, 5)]
    pictures = [noise(*shape) for shape in shapes]
    pictures += [np.full((24, 20, 3), level, np.uint8) for level in (0, 127, 255)]
    for picture in pictures:
        before = picture.copy()
        for severity in (1, 2, 3, 4, 5):
            result = corrupted(picture, name, severity, severity, parameters=parameters)
            assert result.shape == picture.shape and result.dtype == np.uint8
            assert not np.shares_memory(result, picture)
        np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", preprocessing.CORRUPTIONS)
@pytest.mark.parametrize("kind", ["state", "generator"])
def test_the_seed_decides_and_nothing_else(name, kind):
    make = {"state": np.random.RandomState, "generator": np.random.default_rng}[kind]
    picture = noise(48, 40)

    def result(seed):
        return preprocessing.corrupt(picture, name, 4, make(seed), frost_pictures=FROST)

    np.random.seed(1)
    first = result(7)
    np.random.seed(2)
    np.testing.assert_array_equal(first, result(7))
    assert np.array_equal(first, result(8)) == (name in DRAWS_NOTHING)


@pytest.mark.parametrize("name", sorted(set(preprocessing.CORRUPTIONS) - DRAWS_NOTHING))
def test_a_generator_draws_alike(name):
    """Other numbers of the same distribution: mean and deviation over some draws agree."""
    picture = preprocessing.corrupt(noise(96, 96), "gaussian_blur", 2, np.random.RandomState(1))

    def statistics(make):
        results = np.stack(
            [
                preprocessing.corrupt(picture, name, 3, make(seed), frost_pictures=FROST)
                for seed in range(12)
            ]
        )
        return np.array([results.mean(), results.std()])

    states, generators = statistics(np.random.RandomState), statistics(np.random.default_rng)
    # Fog and frost are a few numbers only, which decide over whole pictures.
    tolerance = 12 if name in ("fog", "frost") else 2
    np.testing.assert_allclose(states, generators, atol=tolerance)


def test_numbers_by_hand():
    """Where nothing is drawn, or what is drawn is known."""
    picture = np.uint8([[[200, 100, 50], [10, 10, 10]], [[0, 0, 0], [255, 255, 255]]])
    # Value + 0.1: 200 -> 225.5, the others by the same factor.
    bright = corrupted(picture, "brightness", 1)
    np.testing.assert_array_equal(bright[0], [[225, 112, 56], [35, 35, 35]])
    np.testing.assert_array_equal(bright[1], [[25, 25, 25], [255, 255, 255]])
    # Saturation 0.75 becomes 0.225, so that 50 becomes 200 * 0.775, 100 lies as far between.
    np.testing.assert_array_equal(corrupted(picture, "saturate", 1)[0, 0], [200, 170, 155])
    # At 5 the saturation of grey becomes 0.2, with the hue of red.
    np.testing.assert_array_equal(
        corrupted(picture, "saturate", 5)[1], [[0, 0, 0], [255, 204, 204]]
    )
    # Mean of red (200 + 10 + 0 + 255) / 4 = 116.25; 200 comes to 0.4 of its distance.
    assert corrupted(picture, "contrast", 1)[0, 0, 0] == int(116.25 + 0.4 * (200 - 116.25))


def test_a_pixel_copies_and_does_not_swap():
    """Glass at the first severity of CIFAR: no blur to speak of, moves by -1 and 0, once."""
    picture = noise(7, 7)
    expected, random = picture.copy(), np.random.RandomState(3)
    for row in range(6, 1, -1):
        for column in range(6, 1, -1):
            right, down = random.randint(-1, 1, size=2)
            expected[row, column] = expected[row + down, column + right]
    result = corrupted(picture, "glass_blur", 1, 3, parameters="cifar")
    # The blur before cuts 1 off where 255 times 1/255 falls short of 1.
    np.testing.assert_array_equal(result, expected)


def test_a_chain_of_copies():
    """Several rounds, moves both ways: what a pixel took before is handed on."""
    from preprocessing.corruptions import blur

    height, width, reach = 15, 11, 3
    rows, columns = np.arange(height - reach, reach, -1), np.arange(width - reach, reach, -1)
    moves = np.random.RandomState(2).randint(-reach, reach, (len(rows), len(columns), 2))
    expected = np.arange(height * width).reshape(height, width)
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            right, down = moves[i, k]
            expected[row, column] = expected[row + down, column + right]
    source = blur._copied_from(height, width, rows, columns, moves)
    np.testing.assert_array_equal(source, expected.ravel())


def test_noise_stays_below_what_is_white_and_above_what_is_black():
    """Speckle of black is black; impulses are black or white and hit the share that is said."""
    black = np.zeros((64, 64, 3), np.uint8)
    assert (
        not corrupted(black, "speckle_noise", 5).any() and not corrupted(black, "shot_noise").any()
    )
    grey = np.full((200, 200, 3), 100, np.uint8)
    result = corrupted(grey, "impulse_noise", 4)
    assert set(np.unique(result)) == {0, 100, 255}
    assert abs(np.mean(result != 100) - 0.17) < 0.005
    assert abs(np.mean(result == 0) - 0.085) < 0.005


def test_frost_is_placed_as_drawn():
    """One of five pictures, then its row, then its column; a sixth is never taken."""
    picture = noise(32, 32)
    random = np.random.RandomState(11)
    chosen = FROST[random.randint(5)]
    top = random.randint(0, chosen.shape[0] - 32)
    left = random.randint(0, chosen.shape[1] - 32)
    part = chosen[top : top + 32, left : left + 32]
    expected = np.clip(0.8 * picture + 0.6 * part, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(corrupted(picture, "frost", 2, 11), expected)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"name": "rain"}, "name must be one of gaussian_noise, .*Received: 'rain'"),
        ({"severity": 0}, "severity must be 1, 2, 3, 4 or 5. Received: 0"),
        ({"severity": 6}, "severity must be .* Received: 6"),
        ({"severity": 2.5}, "severity must be .* Received: 2.5"),
        ({"severity": True}, "severity must be .* Received: True"),
        ({"parameters": "tiny"}, "parameters must be imagenet or cifar. Received: 'tiny'"),
        ({"random": 1}, r"random must be a numpy.random.RandomState .*default_rng\(1\).* 1$"),
        ({"picture": np.zeros((4, 4), np.uint8)}, r"uint8 \[H, W, 3\]. Received: uint8 \[4x4\]"),
        ({"picture": np.zeros((4, 4, 3))}, r"Received: float64 \[4x4x3\]"),
        ({"picture": np.zeros((0, 4, 3), np.uint8)}, r"Received: uint8 \[0x4x3\]"),
        ({"picture": [[1]]}, r"picture must be a NumPy array, .*Received: \[\[1\]\]"),
        ({"name": "frost", "frost_pictures": None}, "frost needs frost_pictures, .*: none"),
        ({"name": "frost", "frost_pictures": FROST[:4]}, "frost needs .* Received: 4"),
    ],
)
def test_what_is_refused(changes, message):
    known = {
        "picture": noise(8, 8), "name": "fog", "severity": 1, "random": np.random.RandomState(1),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        preprocessing.corrupt(**{**known, **changes})


def test_severities_of_a_numpy_array_count_too():
    result = preprocessing.corrupt(noise(8, 8), "fog", np.int64(2), np.random.RandomState(1))
    np.testing.assert_array_equal(result, corrupted(noise(8, 8), "fog", 2, 1))


def test_every_set_has_five_severities_of_everything():
    for table in PARAMETERS.values():
        assert {name: len(values) for name, values in table.items()} == dict.fromkeys(
            preprocessing.CORRUPTIONS, 5
        )
