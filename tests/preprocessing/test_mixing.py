import numpy as np
import pytest
import tensorflow as tf

from preprocessing import (
    CHANNEL_MEANS,
    MixingConfig,
    example_seed,
    mix,
    mixup_type1,
    sample_lambdas,
    step_seed,
    to_input,
)

CONFIGS = [MixingConfig(), MixingConfig(1), MixingConfig(2), MixingConfig(cutmix_alpha=1.0)]
BYTES = np.random.default_rng(2).integers(0, 256, [6, 5, 7, 3], np.uint8)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_bytes_and_floats_and_both_ways_give_the_same(config):
    seed = step_seed(3, 17)
    teacher = tf.nn.softmax(tf.random.stateless_normal([6, 6], [1, 1]))
    ready = to_input(BYTES_TENSOR)
    expected = mix(ready, tf.eye(6), teacher, seed, config)
    assert expected[0].shape[0] == 6 // config.pictures_per_result
    for images in (ready, BYTES_TENSOR):
        for one_by_one in (False, True):
            mixed = mix(images, tf.eye(6), teacher, seed, config, one_by_one)
            floating = images.dtype == tf.float32 or config.mixup_type > 0
            assert mixed[0].dtype == (tf.float32 if floating else tf.uint8)
            np.testing.assert_allclose(to_input(mixed[0]), expected[0], atol=1e-4)
            np.testing.assert_array_equal(mixed[1], expected[1])
            np.testing.assert_array_equal(mixed[2], expected[2])


BYTES_TENSOR = tf.constant(BYTES)


def test_odd_batches():
    odd = BYTES_TENSOR[:5]
    for one_by_one in (False, True):
        mixed, labels, _ = mix(odd, tf.eye(5), None, [1, 2], MixingConfig(2), one_by_one)
        # The last one has no partner.
        np.testing.assert_allclose(mixed[4], BYTES[4] - np.float32(CHANNEL_MEANS), atol=1e-4)
        assert labels[4].numpy().tolist() == [0, 0, 0, 0, 1]
        assert 0 < labels[0, 0] < 1
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="even number"):
            mix(odd, tf.eye(5), None, [1, 2], MixingConfig(1), one_by_one)


def test_the_numbers_of_a_step():
    lambdas = sample_lambdas(example_seed(7, -1, 40), 3, 0.2)
    expected = mixup_type1(to_input(BYTES_TENSOR), tf.eye(6), lambdas)
    mixed = mix(to_input(BYTES_TENSOR), tf.eye(6), None, step_seed(7, 40), MixingConfig(1))
    np.testing.assert_array_equal(mixed[0], expected[0])
    np.testing.assert_array_equal(mixed[1], expected[1])


def test_one_half_of_bytes_by_hand():
    images = np.uint8([[[[10, 20, 30]]], [[[20, 40, 255]]]])
    for one_by_one in (False, True):
        mixed, _, _ = mixup_type1(images, tf.eye(2), [0.25], one_by_one=one_by_one)
        assert mixed.numpy().reshape(-1).tolist() == [17.5, 35.0, 198.75]


def test_refused():
    with pytest.raises(ValueError, match="mixup_type must be 0, 1 or 2. Received: 3"):
        MixingConfig(3)
    with pytest.raises(ValueError, match="exclude each other.*cutmix_alpha=0.5"):
        MixingConfig(1, cutmix_alpha=0.5)
    with pytest.raises(ValueError, match="mixup_alpha.*Received: 0"):
        MixingConfig(2, mixup_alpha=0)
    with pytest.raises(ValueError, match="cutmix_alpha.*Received: -1"):
        MixingConfig(cutmix_alpha=-1)
