"""Layers and blocks against the original's values."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, big_little, original_variable_names, resnet_d
from nets.builder import LayerBuilder
from nets.layers.batch_norm import batch_norm
from nets.layers.convolution import convolution
from nets.layers.pooling import GeneralizedMeanPooling
from nets.layers.selective_kernel import SelectiveKernel
from nets.layers.squeeze_excitation import SqueezeExcitation
from nets.residual import plain_shortcut, stage

KINDS = {
    "plain": ({}, plain_shortcut),
    "d": ({"use_resnet_d": True}, resnet_d.average_shortcut),
    "bl": ({}, big_little.average_shortcut),
    "bl_norelu": ({}, big_little.average_shortcut),
    "se": ({"use_se_block": True}, plain_shortcut),
    "sk": ({"use_sk_block": True}, plain_shortcut),
    "sk_se": ({"use_sk_block": True, "use_se_block": True}, plain_shortcut),
    "aa3": ({"anti_alias_type": "sconv", "anti_alias_filter_size": 3}, plain_shortcut),
    "aa3p": ({"anti_alias_type": "sconv,proj", "anti_alias_filter_size": 3}, plain_shortcut),
    "aa4p": ({"anti_alias_type": "sconv,proj", "anti_alias_filter_size": 4}, plain_shortcut),
    "max_only": ({"anti_alias_type": "max", "anti_alias_filter_size": 3}, plain_shortcut),
    "d_aa3p": (
        {"anti_alias_type": "sconv,proj", "anti_alias_filter_size": 3, "use_resnet_d": True},
        resnet_d.average_shortcut,
    ),
    "bl_sk_aa3": (
        {"anti_alias_type": "sconv", "anti_alias_filter_size": 3, "use_sk_block": True},
        big_little.average_shortcut,
    ),
}
# Both parities at stride 2; stride 1 tells where nothing may be blurred or pooled.
SHAPES = [(9, 1, 2), (9, 2, 1), (10, 2, 2)]


@pytest.fixture(scope="module")
def layers(reference):
    return reference.json("functions/layers"), reference.npz("functions/layers")


@pytest.mark.parametrize("size, strides, blocks", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_block(reference, layers, kind, size, strides, blocks):
    listed, values = layers
    fields, shortcut = KINDS[kind]
    key = f"block_{kind}_{size}_s{strides}_n{blocks}"
    images = tf.keras.Input(values[f"block_in_{size}"].shape[1:])
    build = LayerBuilder(ModelConfig(**fields))
    output = stage(images, 8, blocks, strides, build, shortcut, last_relu=kind != "bl_norelu")
    model = tf.keras.Model(images, output)
    variables = reference.fill(model)
    names = listed[f"block_{kind}_10_s{strides}_n{blocks}_vars"]
    assert {name: v.shape.as_list() for name, v in variables.items()} == dict(names)
    if key in values:  # Two kinds have names only.
        assert reference.error(model(values[f"block_in_{size}"]), values[key]) < 1e-5


@pytest.mark.parametrize("filters", [16, 96])
@pytest.mark.parametrize("strides", [1, 2])
def test_selective_kernel(reference, layers, filters, strides):
    listed, values = layers
    key = f"sk_f{filters}_s{strides}"
    images = tf.keras.Input(values["sk_in"].shape[1:])
    model = tf.keras.Model(images, SelectiveKernel(filters, strides, name="sk_block")(images))
    variables = reference.fill(model)
    names = listed[f"{key}_eval_vars"]
    assert {name: v.shape.as_list() for name, v in variables.items()} == dict(names)
    if f"{key}_eval" not in values:
        return  # This width has names only.
    assert reference.error(model(values["sk_in"]), values[f"{key}_eval"]) < 1e-5
    trained = model(values["sk_in"], training=True)
    assert reference.error(trained, values[f"{key}_train"]) < 1e-4
    for name in (name for name in names if "moving" in name[0]):
        expected = values[f"{key}_train|{name[0]}"]
        assert reference.error(variables[name[0]], expected) < 1e-5


def test_squeeze_excitation(reference, layers):
    _, values = layers
    images = tf.keras.Input(values["se_in"].shape[1:])
    model = tf.keras.Model(images, SqueezeExcitation(16, name="se_block")(images))
    assert len(reference.fill(model)) == 2
    assert reference.error(model(values["se_in"]), values["se_48"]) < 1e-5


@pytest.mark.parametrize("momentum", [0.997, 0.9])
def test_batch_norm(reference, layers, momentum):
    _, values = layers
    images = tf.keras.Input(values["bn_in"].shape[1:])
    layer = batch_norm(momentum, 1e-5, name="batch_normalization")
    model = tf.keras.Model(images, layer(images))
    reference.fill(model)
    assert reference.error(model(values["bn_in"]), values[f"bn_eval_m{momentum}"]) < 1e-6
    trained = model(values["bn_in"], training=True)
    assert reference.error(trained, values[f"bn_train_m{momentum}"]) < 1e-5
    for name, variable in original_variable_names(model).items():
        if "moving" in name:
            assert reference.error(variable, values[f"bn_train_m{momentum}|{name}"]) < 1e-6


def test_fused_batch_norm_raises_a_small_epsilon_as_the_original(layers):
    _, values = layers
    layer = batch_norm(0.997, 1e-5)
    output = layer(values["bn_eps_in"], training=True)
    np.testing.assert_allclose(output, values["bn_eps_out"], rtol=1e-4)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("strides", [1, 2])
def test_convolution_pads_by_its_kernel(reference, layers, size, kernel, strides):
    _, values = layers
    images = tf.keras.Input(values[f"pad_in_{size}"].shape[1:])
    model = tf.keras.Model(images, convolution(4, kernel, strides, name="conv2d")(images))
    reference.fill(model)
    expected = values[f"conv_fixed_{size}_k{kernel}_s{strides}"]
    assert model.output_shape[1:] == expected.shape[1:]
    assert reference.error(model(values[f"pad_in_{size}"]), expected) < 1e-5


@pytest.mark.parametrize("size", [8, 9])
def test_first_max_pool_pads_as_same(layers, size):
    _, values = layers
    pool = tf.keras.layers.MaxPooling2D(3, 2, padding="same")
    np.testing.assert_array_equal(pool(values[f"pad_in_{size}"]), values[f"maxpool_{size}"])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_generalised_mean(reference, layers, dtype):
    _, values = layers
    pool = GeneralizedMeanPooling(dtype=f"mixed_{dtype}" if dtype == "float16" else dtype)
    output = pool(values["gem_in"])
    assert output.dtype == tf.float32
    expected = values[f"gem_out_{dtype}"][:, 0, 0]
    assert reference.error(output, expected) < 1e-5
