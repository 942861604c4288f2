"""MobileNet-V1 and SE-MobileNet-V1."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, cost, named_config, original_variable_names
from nets.layers.convolution import FixedPaddingDepthwiseConv2D
from nets.layers.drop_block import DropBlock

# Table 1 of the MobileNet paper: output channels and stride of each separable convolution.
TABLE = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    config = ModelConfig(
        architecture="mobilenet_v1", num_filters=8, num_classes=3, use_se_block=True, se_ratio=2,
        use_dropblock=True,
    )  # fmt: skip
    tf.keras.utils.set_random_seed(3)
    return build_model(config)


def test_published_counts():
    counted = cost(named_config("mobilenet_v1", num_classes=1000))
    # Parameters of tf.keras.applications.MobileNet; the paper says 569 million, 4.2 million.
    assert (counted.trainable, counted.parameters) == (4_231_976, 4_253_864)
    assert round(counted.multiply_adds / 1e6) == 569
    # The squeeze-and-excitation paper (its table 3) says 572 million and 4.7 million.
    counted = cost(named_config("se_mobilenet_v1_r16", num_classes=1000))
    assert round(counted.trainable / 1e6, 1) == 4.7
    added = sum(2 * channels * channels // 2 for channels, _ in TABLE)
    more = cost(named_config("se_mobilenet_v1_r2", num_classes=1000))
    assert more.trainable - 4_231_976 == added


def test_equals_the_table_written_out(model):
    """The whole network from plain operations; only the variables' names are shared."""
    values = {name: v.numpy() for name, v in original_variable_names(model).items()}
    random = np.random.default_rng(1)
    for name, value in values.items():
        if name.endswith(("gamma", "moving_variance")):
            values[name] = random.uniform(0.5, 1.5, value.shape).astype(np.float32)
        elif name.endswith(("beta", "moving_mean")):
            values[name] = (0.2 * random.standard_normal(value.shape)).astype(np.float32)
        original_variable_names(model)[name].assign(values[name])

    def at(kind, number, leaf):
        return values[f"mobilenet_model/{kind}{f'_{number}' if number else ''}/{leaf}"]

    def norm_relu(x, number):
        mean, variance, beta, gamma = (
            at("batch_normalization", number, leaf)
            for leaf in ("moving_mean", "moving_variance", "beta", "gamma")
        )
        return np.clip((x - mean) / np.sqrt(variance + 1.001e-5) * gamma + beta, 0.0, 6.0)

    def pad(x, strides):
        return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), [1, strides, strides, 1]

    images = random.standard_normal([2, 45, 38, 3]).astype(np.float32)
    padded, strides = pad(images, 2)
    x = norm_relu(tf.nn.conv2d(padded, at("conv2d", 0, "kernel"), strides, "VALID"), 0)
    for block, (channels, stride) in enumerate(TABLE):
        padded, strides = pad(x, stride)
        kernel = at("depthwise_conv2d", block, "depthwise_kernel")
        x = norm_relu(tf.nn.depthwise_conv2d(padded, kernel, strides, "VALID"), 2 * block + 1)
        x = norm_relu(x @ at("conv2d", block + 1, "kernel")[0, 0], 2 * block + 2)
        assert x.shape[-1] == channels // 8
        gate = x.mean((1, 2)) @ at("se_block", block, "seblock_dense_1/kernel")[0, 0]
        gate = np.maximum(gate, 0) @ at("se_block", block, "seblock_dense_2/kernel")[0, 0]
        x = x / (1 + np.exp(-gate))[:, None, None]
    logits = x.mean((1, 2)) @ at("dense", 0, "kernel") + at("dense", 0, "bias")
    output = model(images)
    assert np.abs(output - logits).max() < 1e-5 * np.abs(logits).max()
    assert len(values) == len(model.weights) - 2  # Without the state of DropBlock.
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(images), output)
    assert list(original_variable_names(copy)) == list(values)


def test_drop_block_is_in_the_last_two_stages(model):
    layers = [layer for layer in model.layers if isinstance(layer, DropBlock)]
    # Behind both batch norms of six and of two separable convolutions.
    assert [layer.gamma_scale for layer in layers] == [0.25] * 12 + [1.0] * 4
    control = model.get_layer("drop_block_control")
    control.keep_prob.assign(0.5)
    images = tf.ones([2, 64, 64, 3])
    control.step.assign(1)
    first = model(images, training=True)
    control.step.assign(2)
    assert np.abs(model(images, training=True) - first).max() > 1e-4


def test_depthwise_kernels_start_with_their_own_fan_in():
    layer = FixedPaddingDepthwiseConv2D(3, 2)
    tf.keras.utils.set_random_seed(1)
    layer.build([None, None, None, 2000])
    kernel = layer.depthwise_kernel.numpy()
    assert kernel.std() == pytest.approx(1 / 3, rel=0.02)
    assert np.abs(kernel).max() <= 2 / 3 / 0.88
    copy = tf.keras.saving.deserialize_keras_object(tf.keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()
    assert copy.compute_output_shape([1, 5, 8, 3]) == [1, 3, 4, 3]


@pytest.mark.parametrize(
    "fields",
    [
        {"resnet_size": 18}, {"use_sk_block": True}, {"big_little": True}, {"use_resnet_d": True},
        {"zero_gamma": True}, {"anti_alias_type": "max", "anti_alias_filter_size": 3},
    ],
)  # fmt: skip
def test_what_belongs_to_resnets_is_refused_by_name(fields):
    name = next(iter(fields))
    with pytest.raises(ValueError, match=rf"{name}=.* belongs to ResNets"):
        ModelConfig(architecture="mobilenet_v1", **fields)
