import numpy as np
import pytest
import tensorflow as tf

from preprocessing import seeds
from preprocessing.operations import levels
from preprocessing.policies import rand_augment
from preprocessing.policies.auto_augment import apply_operation

PICTURE = np.random.default_rng(3).integers(0, 256, [18, 24, 3], np.uint8)


def draws_of(name, negative, row=0.5, column=0.5):
    """The four numbers of a layer that choose an operation, a sign and a centre."""
    place = (levels.OPERATION_NAMES.index(name) + 0.5) / len(levels.OPERATION_NAMES)
    return [place, 0.25 if negative else 0.75, row, column]


def test_each_operation_is_autoaugments():
    cases = [(name, sign) for name in levels.OPERATION_NAMES for sign in (False, True)]
    draws = tf.constant([draws_of(*case) for case in cases])
    dataset = tf.data.Dataset.from_tensor_slices(draws)
    results = dataset.map(lambda row: rand_augment.randaugment(PICTURE, 1, 6, row))
    for (name, negative), result in zip(cases, results, strict=True):
        # Cutout's centre is half of 18 and of 24.
        expected = apply_operation(PICTURE, name, 6, negative, (9, 12))
        np.testing.assert_array_equal(result, expected, err_msg=name)


@pytest.mark.parametrize("name", ["TranslateX", "TranslateY", "Cutout"])
def test_ranges_of_its_own(name):
    assert levels.level_to_arg(name, 1, levels.RAND_AUGMENT) == (4 if name == "Cutout" else 10)
    result = rand_augment.randaugment(PICTURE, 1, 1, tf.constant(draws_of(name, True)))
    # Level 1 of 100 and 40 pixels is level 0.4 of AutoAugment's 250 and 100.
    expected = apply_operation(PICTURE, name, 0.4, True, (9, 12))
    np.testing.assert_array_equal(result, expected)
    grey = np.mean(np.all(result.numpy() == 128, axis=-1))
    assert grey == {"TranslateX": 10 / 24, "TranslateY": 10 / 18, "Cutout": 64 / (18 * 24)}[name]


def test_layers_follow_each_other():
    draws = draws_of("Solarize", False) + draws_of("ShearX", True) + draws_of("Equalize", False)
    expected = apply_operation(PICTURE, "Solarize", 6)
    expected = apply_operation(expected, "ShearX", 6, negative=True)
    expected = apply_operation(expected, "Equalize", 6)
    result = rand_augment.randaugment(PICTURE, 3, 6, tf.constant(draws))
    np.testing.assert_array_equal(result, expected)


def randaugment(picture, layers, level, seed):
    draws = seeds.uniform(seed, rand_augment.count_draws(layers))
    return rand_augment.randaugment(picture, layers, level, draws)


def test_seeds():
    results = [randaugment(PICTURE, 2, 6, [1, seed]).numpy() for seed in range(8)]
    again = [randaugment(PICTURE, 2, 6, tf.constant([1, seed], tf.int64)) for seed in range(8)]
    np.testing.assert_array_equal(results, again)
    assert len({result.tobytes() for result in results}) > 6


def test_a_level_out_of_range_is_refused():
    with pytest.raises(ValueError, match="level=12"):
        randaugment(PICTURE, 2, 12, [1, 2])
