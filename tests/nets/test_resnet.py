"""The assembly: sizes, names, precision, saving, counts that are known from elsewhere."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, cost, head, original_variable_names
from nets.builder import LayerBuilder
from nets.residual import stage


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (75, 81), (97, 64), (600, 32)])
def test_any_size_runs(small_model, size):
    logits = small_model(tf.ones([1, *size, 3]))
    assert logits.shape == [1, 5]
    assert np.isfinite(logits).all()


def test_even_blurs_run_at_odd_and_small_sizes():
    """They round odd sizes down where everything else rounds them up."""
    config = ModelConfig(
        num_filters=2,
        num_classes=3,
        big_little=True,
        anti_alias_type="sconv",
        anti_alias_filter_size=4,
    )
    model = build_model(config)
    for size in (32, 39, 57):
        assert np.isfinite(model(tf.ones([1, size, size, 3]))).all()


def test_stages_can_be_taken(small_model):
    names = ["initial_conv", "initial_pool", "stage1", "stage2", "stage3", "stage4", "embedding"]
    taps = tf.keras.Model(small_model.input, [small_model.get_layer(n).output for n in names])
    shapes = [tuple(tap.shape[1:]) for tap in taps(tf.zeros([1, 64, 64, 3]))]
    maps = [(32, 32, 8), (16, 16, 8), (8, 8, 32), (4, 4, 64), (4, 4, 128), (2, 2, 256)]
    assert shapes == [*maps, (256,)]


def test_no_downsample_keeps_the_last_map_larger():
    config = ModelConfig(resnet_size=18, num_filters=2, num_classes=3, no_downsample=True)
    model = build_model(config, (64, 64, 3))
    assert model.get_layer("stage3").output_shape == (None, 4, 4, 8)
    assert model.get_layer("stage4").output_shape == (None, 4, 4, 16)


def test_blurred_max_pool_by_hand():
    config = ModelConfig(
        resnet_size=18,
        num_filters=2,
        num_classes=3,
        anti_alias_type="max",
        anti_alias_filter_size=3,
    )
    model = build_model(config)
    names = ["relu", "initial_pool"]
    taps = tf.keras.Model(model.input, [model.get_layer(name).output for name in names])
    before, after = taps(tf.random.stateless_normal([1, 32, 32, 3], [1, 1]))
    padded = np.pad(before, [(0, 0), (1, 1), (1, 1), (0, 0)])  # After a ReLU 0 changes no maximum.
    highest = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).max((-2, -1))
    mirrored = np.pad(highest, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, (3, 3), (1, 2))[:, ::2, ::2]
    weights = np.outer([1, 2, 1], [1, 2, 1]) / 16
    np.testing.assert_allclose(after, (windows * weights).sum((-2, -1)), rtol=1e-5)


def test_config_and_files_round_trip(small_model, tmp_path):
    """A `.keras` file holds the configuration of the graph, which loading builds anew."""
    images = tf.random.stateless_normal([2, 40, 40, 3], [1, 1])
    expected = small_model(images)
    small_model.get_layer("drop_block_control").keep_prob.assign(0.75)
    small_model.save(tmp_path / "model.keras")
    small_model.save_weights(tmp_path / "weights.h5")
    small_model.get_layer("drop_block_control").keep_prob.assign(0.9)
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), expected)
    assert loaded.get_layer("drop_block_control").keep_prob.numpy() == 0.75
    assert set(original_variable_names(loaded)) == set(original_variable_names(small_model))
    loaded.set_weights([np.zeros(weight.shape) for weight in loaded.weights])
    loaded.load_weights(tmp_path / "weights.h5")
    np.testing.assert_array_equal(loaded(images), expected)


def test_model_from_config():
    model = build_model(ModelConfig(resnet_size=18, num_filters=4, num_classes=3))
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    images = tf.random.stateless_normal([1, 40, 40, 3], [1, 1])
    np.testing.assert_array_equal(copy(images), model(images))


def test_mixed_float16_of_the_final_model(small_config, small_model, policy):
    policy("mixed_float16")
    check_mixed_precision(small_config, small_model, tf.float16, 0.01)


def test_mixed_bfloat16_of_the_other_parts(policy):
    config = ModelConfig(
        resnet_size=18,
        num_filters=8,
        num_classes=5,
        use_resnet_d=True,
        use_sk_block=True,
        pool_type="gem",
        embedding_size=16,
        use_dropblock=True,
    )
    plain = build_model(config)
    policy("mixed_bfloat16")
    check_mixed_precision(config, plain, tf.bfloat16, 0.08)


def check_mixed_precision(config, plain, dtype, tolerance):
    mixed = build_model(config)
    mixed.set_weights(plain.get_weights())
    assert mixed.get_layer("stage4").output.dtype == dtype
    assert mixed.get_layer("embedding").output.dtype == tf.float32
    assert {variable.dtype for variable in mixed.trainable_variables} == {tf.float32}
    images = tf.random.stateless_normal([4, 32, 32, 3], [1, 1])
    logits = mixed(images)
    assert logits.dtype == tf.float32
    expected = plain(images)
    assert np.abs(logits - expected).max() < tolerance * np.abs(expected).max()
    control = mixed.get_layer("drop_block_control")
    assert (control.keep_prob.dtype, control.step.dtype) == (tf.float32, tf.int64)
    control.keep_prob.assign(0.9)
    # Four images of one cell each make batch norm steep: scaled down, float16 holds the slopes.
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(mixed(images, training=True)) / 4096.0
    for gradient in tape.gradient(loss, mixed.trainable_variables):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("size, last", [(18, (2, 4)), (50, (3, 6))])
def test_zero_gamma_makes_each_residual_block_its_shortcut(size, last):
    config = ModelConfig(resnet_size=size, zero_gamma=True)
    images = tf.keras.Input((None, None, 4))
    model = tf.keras.Model(images, stage(images, 4, 2, 2, LayerBuilder(config)))
    variables = original_variable_names(model)
    zero = [k for k, v in variables.items() if k.endswith("gamma") and not v.numpy().any()]
    # The first norm is that of the projection; each block's last one ends its branch.
    assert zero == [f"resnet_model/batch_normalization_{number}/gamma" for number in last]
    model.get_layer("batch_normalization").gamma.assign_add(tf.ones([4 if size == 18 else 16]))
    inputs = tf.random.stateless_normal([1, 6, 6, 4], [1, 1])
    shortcut = tf.keras.Model(images, model.get_layer("batch_normalization").output)(inputs)
    np.testing.assert_array_equal(model(inputs), tf.nn.relu(shortcut))


def test_final_bias():
    config = ModelConfig(num_classes=3, final_bias=-1.5)
    images = tf.keras.Input((4,))
    classifier = tf.keras.Model(images, head.classify(images, config))
    np.testing.assert_array_equal(classifier.get_layer("dense").bias, [-1.5] * 3)


def test_flatten_needs_a_fixed_size():
    config = ModelConfig(resnet_size=18, num_filters=2, num_classes=3, pool_type="flatten")
    with pytest.raises(ValueError, match="input_shape such as"):
        head.embed(tf.keras.Input((None, 2, 16)), config)
    model = build_model(config, (64, 64, 3))
    assert model.get_layer("embedding").output_shape == (None, 2 * 2 * 16)


@pytest.mark.parametrize(
    "size, count, gmac",
    # torchvision's published counts, 1000 classes.
    [(18, 11_689_512, 1.814), (34, 21_797_672, 3.664)],
)
def test_basic_blocks_have_the_published_counts(size, count, gmac):
    config = ModelConfig(resnet_size=size, num_classes=1000)
    counted = cost(config, 224)
    assert counted.trainable == count
    assert counted.multiply_adds / 1e9 == pytest.approx(gmac, abs=0.001)
    if size == 18:
        model = build_model(config, (224, 224, 3))
        assert sum(math.prod(weight.shape) for weight in model.trainable_weights) == count


def test_basic_blocks_take_every_tweak():
    config = ModelConfig(
        resnet_size=18,
        num_filters=4,
        num_classes=3,
        use_resnet_d=True,
        use_se_block=True,
        se_ratio=2,
        use_sk_block=True,
        anti_alias_type="sconv,max",
        anti_alias_filter_size=3,
        use_dropblock=True,
    )
    model = build_model(config)
    model.get_layer("drop_block_control").keep_prob.assign(0.8)
    assert np.isfinite(model(tf.ones([2, 45, 38, 3]), training=True)).all()
    # Per block one unit in place of the first 3x3, each with three convolutions and two norms.
    names = original_variable_names(model)
    assert sum("sk_fc_1/kernel" in name for name in names) == 8


def test_state_of_drop_block_is_no_parameter():
    config = ModelConfig(resnet_size=18, num_filters=4, num_classes=3, use_dropblock=True)
    with_state = build_model(config)
    without = build_model(dataclasses.replace(config, use_dropblock=False))
    assert len(with_state.weights) == len(without.weights) + 2
    assert cost(with_state.config) == cost(config) == cost(without.config)
    assert cost(config).parameters == without.count_params()
    assert set(original_variable_names(with_state)) == set(original_variable_names(without))
