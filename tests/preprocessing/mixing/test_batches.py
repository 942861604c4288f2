import numpy as np
import pytest
import tensorflow as tf

from preprocessing import (
    CHANNEL_MEANS,
    MixingConfig,
    draw_mixing,
    example_seed,
    mix,
    mixing_order,
    step_seed,
    to_input,
)
from preprocessing.mixing.mixup import mixup, sample_lambdas

CONFIGS = [MixingConfig(1), MixingConfig(2), MixingConfig(cutmix_alpha=1.0)]
BYTES = np.random.default_rng(2).integers(0, 256, [6, 5, 7, 3], np.uint8)


def mixed_with(seed, images, config, teacher=None, one_by_one=False):
    count, height, width = images.shape[:3]
    drawn = draw_mixing(seed, count, height, width, config)
    return mix(images, tf.eye(count), teacher, drawn, config, one_by_one)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_bytes_and_floats_and_both_ways_give_the_same(config):
    seed = step_seed(3, 17)
    teacher = tf.nn.softmax(tf.random.stateless_normal([6, 6], [1, 1]))
    ready = to_input(BYTES_TENSOR)
    expected = mixed_with(seed, ready, config, teacher)
    assert expected[0].shape[0] == 6 // config.images_per_result
    for images in (ready, BYTES_TENSOR):
        for one_by_one in (False, True):
            mixed = mixed_with(seed, images, config, teacher, one_by_one)
            floating = images.dtype == tf.float32 or config.mixup_type > 0
            assert mixed[0].dtype == (tf.float32 if floating else tf.uint8)
            np.testing.assert_allclose(to_input(mixed[0]), expected[0], atol=1e-4)
            np.testing.assert_array_equal(mixed[1], expected[1])
            np.testing.assert_array_equal(mixed[2], expected[2])


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_other_means_are_subtracted_from_bytes(config):
    """A mean that is one grey level higher makes everything one lower, wherever it is mixed."""
    means = tuple(mean + 1 for mean in CHANNEL_MEANS)
    drawn = draw_mixing(step_seed(3, 17), *BYTES.shape[:3], config)
    usual, _, _ = mix(BYTES_TENSOR, tf.eye(6), None, drawn, config)
    other, _, _ = mix(BYTES_TENSOR, tf.eye(6), None, drawn, config, channel_means=means)
    np.testing.assert_allclose(to_input(other, means), to_input(usual) - 1, atol=1e-4)


BYTES_TENSOR = tf.constant(BYTES)


def test_odd_batches():
    odd = BYTES_TENSOR[:5]
    for one_by_one in (False, True):
        mixed, labels, _ = mixed_with([1, 2], odd, MixingConfig(2), None, one_by_one)
        # The last one has no partner.
        np.testing.assert_allclose(mixed[4], BYTES[4] - np.float32(CHANNEL_MEANS), atol=1e-4)
        assert labels[4].numpy().tolist() == [0, 0, 0, 0, 1]
        assert 0 < labels[0, 0] < 1
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="even number"):
            mixed_with([1, 2], odd, MixingConfig(1), None, one_by_one)


def test_the_numbers_of_a_step():
    ready = to_input(BYTES_TENSOR)
    lambdas = sample_lambdas(example_seed(7, -1, 40), 3, 0.2)
    expected = mixup(ready, tf.eye(6), 1, lambdas)
    mixed = mixed_with(step_seed(7, 40), ready, MixingConfig(1))
    np.testing.assert_array_equal(mixed[0], expected[0])
    np.testing.assert_array_equal(mixed[1], expected[1])
    lambdas = sample_lambdas(example_seed(7, -1, 40), 6, 0.2)
    expected = mixup(ready, tf.eye(6), 2, lambdas)
    mixed = mixed_with(step_seed(7, 40), ready, MixingConfig(2))
    np.testing.assert_array_equal(mixed[0], expected[0])
    np.testing.assert_array_equal(mixed[1], expected[1])


def test_order_for_several_devices_by_hand():
    # Four results of eight: the first device makes 0 + 4 and 1 + 5.
    assert mixing_order(8, 2, MixingConfig(1)).tolist() == [0, 1, 4, 5, 2, 3, 6, 7]
    # Image 0 meets 4 and 7, image 3 meets 7 and 4.
    assert mixing_order(8, 2, MixingConfig(2)).tolist() == [0, 3, 4, 7, 1, 2, 5, 6]
    assert mixing_order(6, 1, MixingConfig(cutmix_alpha=1.0)).tolist() == [0, 1, 2, 3, 4, 5]
    # One result for two devices; pairs but no fours; a ring of neighbours.
    assert mixing_order(6, 2, MixingConfig(1)) is None
    assert mixing_order(12, 2, MixingConfig(2)) is None
    assert mixing_order(8, 2, MixingConfig(cutmix_alpha=1.0)) is None


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_parts_hold_what_the_whole_would(kind, parts):
    config = MixingConfig(kind)
    images = tf.random.stateless_uniform([48, 1, 1, 3], [1, 2])
    drawn = draw_mixing([5, 6], 48, 1, 1, config)
    whole, labels, _ = mix(images, tf.eye(48), None, drawn, config)
    order = mixing_order(48, parts, config)
    assert sorted(order) == list(range(48))
    rows = [tf.split(tf.gather(all_, order), parts) for all_ in (images, tf.eye(48), drawn)]
    pieces = [mix(a, b, None, c, config) for a, b, c in zip(*rows, strict=True)]
    together = [tf.concat(values, axis=0).numpy() for values in list(zip(*pieces, strict=True))[:2]]

    def in_order(images, labels):
        table = np.concatenate([np.reshape(images, [len(images), 3]), labels], axis=1)
        return table[np.lexsort(table.T)]

    np.testing.assert_array_equal(in_order(*together), in_order(whole.numpy(), labels.numpy()))


def test_one_half_of_bytes_by_hand():
    images = np.uint8([[[[10, 20, 30]]], [[[20, 40, 255]]]])
    for one_by_one in (False, True):
        mixed, _, _ = mixup(images, tf.eye(2), 1, [0.25], one_by_one=one_by_one)
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
    for alphas in ({"mixup_alpha": float("inf")}, {"cutmix_alpha": float("inf")}):
        with pytest.raises(ValueError, match="finite. Received: inf"):
            MixingConfig(**alphas)
    with pytest.raises(ValueError, match="must be on where images are mixed.*mixup_type=0"):
        draw_mixing([1, 2], 6, 5, 7, MixingConfig())
    with pytest.raises(ValueError, match="must be on where images are mixed.*mixup_type=0"):
        mix(BYTES_TENSOR, tf.eye(6), None, tf.ones([6]), MixingConfig())
