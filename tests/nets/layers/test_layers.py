"""Hand-computed values of the smaller layers."""

import numpy as np
import pytest
import tensorflow as tf

from nets.layers.anti_alias import BlurPool2D
from nets.layers.convolution import (
    FixedPaddingConv2D,
    FixedPaddingDepthwiseConv2D,
    convolution,
    fixed_pads,
)
from nets.layers.drop_block import DropBlock, DropBlockControl
from nets.layers.merging import UpsampleAdd
from nets.layers.pooling import FixedPaddingAveragePooling2D, GeneralizedMeanPooling
from nets.layers.selective_kernel import SelectiveKernel
from nets.layers.squeeze_excitation import SqueezeExcitation
from nets.names import ScopeNamer


def grid(*rows):
    return np.array(rows, np.float32)[np.newaxis, :, :, np.newaxis]


def test_fixed_pads():
    assert [fixed_pads(size) for size in (1, 2, 3, 7)] == [(0, 0), (0, 1), (1, 1), (3, 3)]


@pytest.mark.parametrize("kernel_size, height, width", [(3, 7, 8), (5, 6, 6), (4, 5, 6), (3, 1, 2)])
def test_gradients_of_a_convolution_in_training(kernel_size, height, width):
    random = np.random.default_rng(kernel_size)
    layer = convolution(6, kernel_size)
    images = tf.constant(random.normal(size=[2, height, width, 5]).astype(np.float32))
    upstream = tf.constant(random.normal(size=[2, height, width, 6]).astype(np.float32))
    layer.build(images.shape)

    def gradients(run):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = run(images)
        kinds = [images, *layer.trainable_variables]
        return outputs, *tape.gradient(outputs, kinds, output_gradients=upstream)

    train = tf.function(lambda batch: layer(batch, training=True))
    # The gradient is the layer's own, where there is no GPU.
    own = any(
        node.op == "IdentityN"
        for node in train.get_concrete_function(images).graph.as_graph_def().node
    )
    assert own != bool(tf.config.list_logical_devices("GPU"))
    for run in (train, lambda batch: layer(batch, training=True)):
        plain = gradients(lambda batch: tf.nn.conv2d(batch, layer.kernel, 1, "SAME"))
        for got, wanted in zip(gradients(run), plain, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_convolution_in_training_keeps_bias_activation_and_precision(policy):
    layer = FixedPaddingConv2D(
        2, 3, padding="same", bias_initializer="ones", activation="relu", dtype=policy
    )
    images = tf.random.stateless_normal([1, 6, 6, 5], seed=[1, 2])
    with tf.GradientTape() as tape:
        trained = layer(images, training=True)
    assert trained.dtype == layer.compute_dtype
    np.testing.assert_allclose(trained, layer(images, training=False), rtol=1e-2, atol=1e-2)
    assert 0 < np.mean(trained.numpy() == 0) < 1
    kernel, bias = tape.gradient(trained, layer.trainable_variables)
    assert kernel.dtype == bias.dtype == tf.float32
    # Each positive output hands 1 to its channel's bias.
    np.testing.assert_array_equal(bias, np.sum(trained.numpy() > 0, axis=(0, 1, 2)))


@pytest.mark.parametrize("known", [True, False])
def test_average_pool_counts_padded_zeros(known):
    inputs = grid([4, 8, 4], [8, 4, 8], [4, 8, 4])
    shape = [None, 3, 3, 1] if known else [None, None, None, 1]

    def pool(size, strides):
        layer = FixedPaddingAveragePooling2D(size, strides)
        run = tf.function(layer, input_signature=[tf.TensorSpec(shape)])
        return run(inputs).numpy()[0, :, :, 0]

    np.testing.assert_allclose(pool(2, 2), [[6, 3], [3, 1]])
    np.testing.assert_allclose(pool(3, 2), np.full([2, 2], 24 / 9), rtol=1e-6)
    # At stride 1 the padding is left out of the mean.
    np.testing.assert_allclose(pool(2, 1), [[6, 6, 6], [6, 6, 6], [6, 6, 4]])


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("pool", [2, 3])
def test_average_pool_of_a_known_size_skips_only_useless_padding(size, pool):
    inputs = tf.random.stateless_normal([1, size, size, 2], [3, 4])
    layer = FixedPaddingAveragePooling2D(pool, 2)
    unknown = tf.function(layer, input_signature=[tf.TensorSpec([None, None, None, 2])])
    np.testing.assert_allclose(layer(inputs), unknown(inputs), rtol=1e-6)


def test_upsample_add_repeats_cells_and_crops():
    fine = grid([1, 2, 3], [4, 5, 6], [7, 8, 9])
    coarse = grid([10, 20], [30, 40])
    expected = [[11, 12, 23], [14, 15, 26], [37, 38, 49]]
    np.testing.assert_array_equal(UpsampleAdd()([fine, coarse])[0, :, :, 0], expected)
    unknown = tf.TensorSpec([None, None, None, 1])
    run = tf.function(lambda a, b: UpsampleAdd()([a, b]), input_signature=[unknown, unknown])
    np.testing.assert_array_equal(run(fine, coarse)[0, :, :, 0], expected)


def test_cropped_add():
    first, second = grid([1, 2], [3, 4]), grid([10, 20, 30])
    np.testing.assert_array_equal(UpsampleAdd(1)([first, second])[0, :, :, 0], [[11, 22]])


def test_pools():
    inputs = np.array([1, 2, 3, 4], np.float16).reshape(1, 2, 2, 1)
    expected = (100 / 4) ** (1 / 3)
    np.testing.assert_allclose(GeneralizedMeanPooling()(inputs), [[expected]], rtol=1e-6)
    with pytest.raises(ValueError, match="power=0"):
        GeneralizedMeanPooling(0)


def test_selective_kernel_by_hand():
    """Two constant halves, 1 and 3, whose logits are set: the output is their weighted mean."""
    layer = SelectiveKernel(1, min_width=1)
    inputs = tf.ones([1, 3, 3, 1])
    layer(inputs)
    kernel = np.zeros([3, 3, 1, 2], np.float32)
    kernel[1, 1, 0] = [1, 3]
    layer.conv.kernel.assign(kernel)
    layer.squeeze.kernel.assign([[[[0.5]]]])
    layer.excite.kernel.assign([[[[1.0, 2.0]]]])
    share = 1 / np.sqrt(1 + 1.001e-5)  # Both batch norms divide by this deviation.
    hidden = (1 + 3) * share * 0.5 * share
    weight = 1 / (1 + np.exp(2 * hidden - hidden))
    expected = share * (weight * 1 + (1 - weight) * 3)
    np.testing.assert_allclose(layer(inputs), np.full([1, 3, 3, 1], expected), rtol=1e-6)


@pytest.mark.parametrize("filters, reduction, width", [(96, 2, 48), (16, 2, 32), (96, 16, 32)])
def test_selective_kernel_width(filters, reduction, width):
    layer = SelectiveKernel(filters, reduction=reduction)
    layer(tf.zeros([1, 3, 3, 4]))
    assert layer.squeeze.kernel.shape == [1, 1, filters, width]
    assert layer.excite.kernel.shape == [1, 1, width, 2 * filters]


def test_squeeze_excitation_by_hand():
    layer = SqueezeExcitation(ratio=2)
    inputs = np.array([[[[1, 10]], [[3, 30]]]], np.float32)
    layer(inputs)
    layer.squeeze.kernel.assign([[[[1.0], [0.0]]]])
    layer.excite.kernel.assign([[[[0.0, 1.0]]]])
    gates = np.array([0.5, 1 / (1 + np.exp(-2.0))])
    np.testing.assert_allclose(layer(inputs), inputs * gates, rtol=1e-6)
    biased = SqueezeExcitation(ratio=2, use_bias=True)
    biased(inputs)
    values = [[[[[1.0], [0.0]]]], [-1.5], [[[[0.0, 1.0]]]], [0.25, 1.0]]
    biased.set_weights([np.array(value, np.float32) for value in values])
    # Mean 2, less 1.5: 0.5 behind the ReLU; 0.25 and 0.5 + 1 before the sigmoids.
    gates = 1 / (1 + np.exp([-0.25, -1.5]))
    np.testing.assert_allclose(biased(inputs), inputs * gates, rtol=1e-6)
    with pytest.raises(ValueError, match="ratio=16 is more than the 4 channels"):
        SqueezeExcitation(16)(tf.zeros([1, 2, 2, 4]))


def test_scope_namer_counts_as_tensorflow_1():
    root = ScopeNamer()
    assert [root.unique("conv2d") for _ in range(3)] == ["conv2d", "conv2d_1", "conv2d_2"]
    stage = root.scope("stage0")
    assert stage.unique("conv2d") == "stage0.conv2d"
    assert root.scope("stage0").unique("conv2d") == "stage0_1.conv2d"
    assert stage.scope("sk_block").path == "stage0.sk_block"
    assert stage.scope("sk_block").path == "stage0.sk_block_1"


CONV2D, DEPTHWISE = (FixedPaddingConv2D, (4, 3)), (FixedPaddingDepthwiseConv2D, (3,))


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (CONV2D, {"padding": "valid"}, "padding='valid' is impossible; this layer has 'same' only"),
        (CONV2D, {"strides": 2, "padding": "same"}, "padding='same' .* 'valid' only"),
        (CONV2D, {"dilation_rate": 2}, "dilation_rate=2"),
        (CONV2D, {"groups": 2}, "groups=2"),
        (CONV2D, {"data_format": "channels_first"}, "data_format='channels_first'"),
        (DEPTHWISE, {"padding": "valid"}, "padding='valid'"),
        (DEPTHWISE, {"activation": "relu"}, "activation='relu'"),
        (DEPTHWISE, {"depth_multiplier": 2}, "depth_multiplier=2"),
        (DEPTHWISE, {"dilation_rate": (2, 1)}, r"dilation_rate=\(2, 1\)"),
        (DEPTHWISE, {"data_format": "channels_first"}, "data_format='channels_first'"),
        ((DropBlockControl, ()), {"dtype": "float16"}, "dtype='float16'"),
        ((DropBlockControl, ()), {"autocast": True}, "autocast=True"),
        ((DropBlockControl, ()), {"keep_prob": 0}, "keep_prob=0 must be above 0"),
        ((DropBlock, ()), {"autocast": True}, "autocast=True"),
        ((GeneralizedMeanPooling, (3.0, True)), {"autocast": True}, "autocast=True"),
        ((UpsampleAdd, ()), {"scale": 0}, "scale=0 must be 1 or more"),
    ],
)
def test_arguments_without_effect_are_refused(kind, fields, message):
    layer, arguments = kind
    with pytest.raises(ValueError, match=f"{layer.__name__}: {message}"):
        layer(*arguments, **fields)
    changed = {key: value for key, value in fields.items() if key in layer(*arguments).get_config()}
    if changed:
        with pytest.raises(TypeError, match=message):  # Keras repeats the error as its own.
            layer.from_config({**layer(*arguments).get_config(), **fields})


@pytest.mark.parametrize(
    "layer",
    [
        BlurPool2D(5, 3),
        DropBlock(5, 0.25, 3),
        DropBlockControl(9, 0.75),
        FixedPaddingAveragePooling2D(3, 2),
        UpsampleAdd(1),
        UpsampleAdd(),
        GeneralizedMeanPooling(2.5),
        SelectiveKernel(8, 2, 4, 16, 0.9, 1e-3, "a", "b"),
        SqueezeExcitation(8),
        convolution(4, 3, 2),
        FixedPaddingDepthwiseConv2D(3, 2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_config_round_trip(layer):
    config = tf.keras.saving.serialize_keras_object(layer)
    assert config["registered_name"].startswith("assembled_cnn>")
    copy = tf.keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()
