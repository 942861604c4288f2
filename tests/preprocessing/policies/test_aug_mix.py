import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from preprocessing import seeds
from preprocessing.mixing.mixup import sample_lambdas
from preprocessing.policies import aug_mix

PICTURE = np.random.default_rng(5).integers(0, 256, [30, 36, 3], np.uint8)
SMOOTH = np.clip(
    128 + 100 * np.sin(np.mgrid[0:30, 0:36].sum(0) / 7)[..., np.newaxis] * [1.0, 0.5, -1.0], 0, 255
).astype(np.uint8)


def test_strengths_by_hand():
    value = np.full([4, 4, 3], 0b10110111, np.uint8)
    # Level 5: 4 - floor(2) = 2 bits stay; the threshold is 256 - 128.
    assert aug_mix.apply_operation(value, "posterize", 5.0).numpy()[0, 0, 0] == 0b10000000
    assert aug_mix.apply_operation(value, "solarize", 5.0).numpy()[0, 0, 0] == 255 - 0b10110111
    assert aug_mix.apply_operation(value // 2, "solarize", 5.0).numpy()[0, 0, 0] == 0b1011011
    # A third of 36 columns at level 10, half of it at level 5; black comes in.
    moved = aug_mix.apply_operation(PICTURE, "translate_x", 5.0).numpy()
    np.testing.assert_array_equal(moved[:, :30], PICTURE[:, 6:])
    assert not moved[:, 30:].any()
    moved = aug_mix.apply_operation(PICTURE, "translate_y", 10.0, negative=True).numpy()
    np.testing.assert_array_equal(moved[10:], PICTURE[:20])
    assert not moved[:10].any()


@pytest.mark.parametrize("negative", [False, True])
def test_geometry_equals_pil(negative):
    picture = PIL.Image.fromarray(SMOOTH)
    sign = -1 if negative else 1
    bilinear = {"resample": PIL.Image.Resampling.BILINEAR}
    # Level 4: 12 degrees and 0.12.
    shears = {"shear_x": (1, sign * 0.12, 0, 0, 1, 0), "shear_y": (1, 0, 0, sign * 0.12, 1, 0)}
    judged = {
        name: picture.transform(picture.size, PIL.Image.Transform.AFFINE, data, **bilinear)
        for name, data in shears.items()
    }
    judged["rotate"] = picture.rotate(sign * 12, **bilinear)
    for name, expected in judged.items():
        result = aug_mix.apply_operation(SMOOTH, name, 4.0, negative).numpy().astype(int)
        difference = np.abs(result - np.asarray(expected))[8:-8, 8:-8]
        # PIL computes in fixed point.
        assert difference.max() <= 1, name
        assert np.abs(result - SMOOTH)[8:-8, 8:-8].max() > 10


def test_weights_are_dirichlet():
    draws = tf.data.Dataset.range(3000)
    draws = draws.map(lambda index: aug_mix.sample_weights(tf.stack([3, index]), 3, 1.0))
    weights = next(iter(draws.batch(3000))).numpy()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(weights.mean(0), 1 / 3, atol=0.015)
    # Dirichlet(1, 1, 1): variance (1/3)(2/3)/4.
    np.testing.assert_allclose(weights.var(0), 1 / 18, atol=0.004)


@pytest.mark.parametrize("depth", [-1, 2])
def test_the_mixture_is_that_of_its_chains(depth):
    seed, severity, width, steps = [4, 9], 6.0, 2, 3 if depth < 0 else 2
    draw_seed, weight_seed, share_seed = seeds.split_seed(seed, 3)
    draws = seeds.uniform(draw_seed, width * (1 + 3 * steps)).numpy().reshape(width, -1)
    weights = aug_mix.sample_weights(weight_seed, width, 1.0).numpy()
    share = sample_lambdas(share_seed, 1, 1.0).numpy()[0]
    names = list(aug_mix.OPERATIONS)
    mixture = np.zeros(PICTURE.shape)
    for chain in range(width):
        length = depth if depth > 0 else 1 + int(3 * draws[chain, 0])
        picture = PICTURE
        for place, strength, side in draws[chain, 1:].reshape(steps, 3)[:length]:
            level = np.float32(0.1 + strength * (severity - 0.1))
            picture = aug_mix.apply_operation(picture, names[int(place * 9)], level, side < 0.5)
        mixture += weights[chain] * picture.numpy()
    expected = (1 - share) * PICTURE + share * mixture
    result = aug_mix.augmix(PICTURE, seed, severity, width, depth)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected, atol=0.01)
    assert np.abs(result - PICTURE).max() > 5
