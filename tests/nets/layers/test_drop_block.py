import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from nets.layers.drop_block import DropBlock, DropBlockControl, apply_mask, drop_mask, drop_rate

SEED = tf.constant([3, 5], tf.int64)


@pytest.mark.parametrize("case", ["14_b7", "7_b7", "9_b4", "10_b3"])
def test_given_draws_give_the_original_output(reference, case):
    values = reference.npz("functions/dropblock")
    inputs, starts = values[f"fixed_{case}_in"], values[f"fixed_{case}_draw"]
    assert set(np.unique(starts)) == {0, 1}  # Recorded as 1 where a square starts.
    block = int(case.split("_b")[1])
    output = apply_mask(inputs, drop_mask(1 - starts, 0.5, block))
    assert reference.error(output, values[f"fixed_{case}_out"]) < 1e-6


def test_squares_by_hand():
    draws = np.ones([1, 3, 4, 1], np.float32)
    draws[0, 1, 2] = 0.0
    mask = drop_mask(draws, 0.5, 2)[0, :, :, 0]
    expected = [[1, 1, 1, 1, 1], [1, 1, 0, 0, 1], [1, 1, 0, 0, 1], [1, 1, 1, 1, 1]]
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("size", [7, 14])
@pytest.mark.parametrize("scale", [0.25, 1])
@pytest.mark.parametrize("keep_prob", [0.9, 0.7])
def test_statistics_are_those_of_the_original(reference, size, scale, keep_prob):
    case = reference.json("functions/dropblock")[f"stats_{size}_gs{scale}_kp{keep_prob}"]
    rate = drop_rate(keep_prob, 7, size, size) * scale
    assert rate.numpy() == pytest.approx(case["gamma"], rel=1e-6)
    layer = DropBlock(7, scale)
    images = tf.ones([2, size, size, 16])
    run = tf.function(lambda step: layer([images, keep_prob, [0, step]], training=True))
    outputs = np.stack([run(tf.constant(step, tf.int64)) for step in range(400)])
    np.testing.assert_array_equal(outputs[:, 0], outputs[:, 1])
    kept = (outputs[:, 0] > 0).mean(axis=(1, 2, 3))
    deviation = case["kept_std"] / np.sqrt(400)
    assert abs(kept.mean() - case["kept_mean"]) < 5 * deviation
    # Both deviations are estimates from 400 skewed values, good to 5 % each.
    assert kept.std() == pytest.approx(case["kept_std"], rel=0.25)
    assert outputs.mean() == pytest.approx(1.0, abs=1e-5)


def test_identity_in_inference_and_at_keep_probability_one():
    images = tf.random.normal([2, 9, 9, 3])
    np.testing.assert_array_equal(DropBlock()([images, 0.5, SEED]), images)
    np.testing.assert_array_equal(DropBlock()([images, 0.5, SEED], training=False), images)
    np.testing.assert_array_equal(DropBlock()([images, 1.0, SEED], training=True), images)


def test_training_may_be_a_tensor():
    images = tf.ones([1, 4, 4, 8])
    run = tf.function(lambda flag: DropBlock(2)([images, 0.5, SEED], training=flag))
    np.testing.assert_array_equal(run(tf.constant(False)), images)
    assert (run(tf.constant(True)).numpy() == 0).any()


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (1, 1), (6, 20)])
def test_block_shrinks_to_a_small_map_of_static_or_dynamic_size(shape):
    images = tf.ones([1, *shape, 64])
    layer = DropBlock(7, 1.0)
    static = tf.function(lambda x: layer([x, 0.7, SEED], training=True))(images)
    signature = [tf.TensorSpec([None, None, None, 64])]
    dynamic = tf.function(
        lambda x: layer([x, 0.7, SEED], training=True), input_signature=signature
    )(images)
    np.testing.assert_allclose(static, dynamic, rtol=1e-6)
    dropped = (static.numpy() == 0).mean()
    assert 0.1 < dropped < 0.5
    # With the block as large as the map, a channel falls as a whole or not at all.
    if shape[0] == shape[1]:
        assert ((static.numpy() == 0).mean(axis=(0, 1, 2)) % 1 == 0).all()


def test_layers_steps_seeds_and_replicas_draw_different_masks():
    images = tf.ones([1, 14, 14, 8])

    def mask(index=0, seed=0, step=0, replica=0):
        control = tf.constant([seed + replica * 2**47, step], tf.int64)
        return DropBlock(7, 1.0, index)([images, 0.8, control], training=True).numpy()

    masks = [mask(), mask(index=1), mask(seed=1), mask(step=1), mask(replica=1)]
    np.testing.assert_array_equal(masks[0], mask())
    for first in range(5):
        for second in range(first):
            assert not np.array_equal(masks[first], masks[second])


def test_control_under_a_strategy_counts_the_replica_into_the_seed():
    strategy = tf.distribute.MirroredStrategy([tf.config.list_logical_devices("CPU")[0].name])
    with strategy.scope():
        control = DropBlockControl(seed=4)

    @tf.function
    def step(number):
        control.keep_prob.assign(0.25)
        control.step.assign(number)
        return control(tf.zeros([1]))

    keep_prob, seed = strategy.run(step, [tf.constant(9, tf.int64)])
    assert keep_prob.numpy() == 0.25
    np.testing.assert_array_equal(seed, [4, 9])


def test_one_control_and_its_layers(small_model):
    control = small_model.get_layer("drop_block_control")
    assert (control.keep_prob.dtype, control.step.dtype) == (tf.float32, tf.int64)
    assert (float(control.keep_prob), int(control.step)) == (pytest.approx(0.9), 0)
    assert not control.trainable_weights
    layers = [layer for layer in small_model.layers if isinstance(layer, DropBlock)]
    # Stage 3: five big blocks, a little and a merging one; stage 4: three blocks.
    assert sorted(layer.index for layer in layers) == list(range(5 * 3 + 1 + 4 + 4 + 3 * 3 + 1))
    scales = [layer.gamma_scale for layer in layers]
    assert (scales.count(0.25), scales.count(1.0)) == (24, 10)


def test_model_is_deterministic_in_the_step():
    model = build_model(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=3, use_dropblock=True)
    )
    weights = model.get_weights()
    control = model.get_layer("drop_block_control")
    images = tf.random.stateless_normal([2, 40, 40, 3], [1, 2])

    @tf.function
    def train(keep_prob, step):
        control.keep_prob.assign(keep_prob)
        control.step.assign(step)
        return model(images, training=True)

    def run(keep_prob, step):
        model.set_weights(weights)
        return train(tf.constant(keep_prob), tf.constant(step, tf.int64)).numpy()

    first = run(0.7, 3)
    np.testing.assert_array_equal(run(0.7, 3), first)
    assert np.abs(run(0.7, 4) - first).max() > 1e-3
    assert np.abs(run(1.0, 3) - run(1.0, 4)).max() == 0
