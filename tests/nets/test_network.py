"""A network as a Keras model: files, copies, two in one model, and what it refuses."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import nets
from nets import (
    ModelConfig,
    Network,
    named_config,
    original_variable_names,
    variable_shapes,
)

IMAGES = tf.random.stateless_normal([2, 40, 40, 3], [1, 1])


def scattered(model):
    """Moves all weights off their initial values, so that none can be mistaken for another."""
    random = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign_add(0.1 * random.standard_normal(weight.shape))
    return model


@pytest.fixture(scope="module")
def network(small_config):
    return scattered(Network(small_config, name="mine"))


def check_copy(copy, network):
    assert type(copy) is Network
    assert copy.config == network.config
    assert [layer.name for layer in copy.layers] == [layer.name for layer in network.layers]
    assert list(original_variable_names(copy)) == list(variable_shapes(network.config))
    np.testing.assert_array_equal(copy(IMAGES), network(IMAGES))


@pytest.mark.parametrize("file", ["model.keras", "model.h5", "folder"])
def test_a_whole_model_knows_what_it_is(network, tmp_path, file):
    network.save(tmp_path / file)
    copy = tf.keras.models.load_model(tmp_path / file)
    assert copy.name == "mine"
    check_copy(copy, network)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_a_network_as_others_have_it_is_saved_whole(tmp_path, file):
    """Gates with a bias, other pools: all variables are in the file, and counted."""
    fields = {"use_resnet_d": True, "shortcut_pool": "strided", "se_ratio": 4, "num_filters": 4}
    config = named_config("seresnet50_timm", resnet_size=18, num_classes=3, **fields)
    network = scattered(Network(config, name="mine"))
    assert network.count_params() == nets.cost(config).parameters
    network.save(tmp_path / file)
    check_copy(tf.keras.models.load_model(tmp_path / file), network)


def test_copies_without_files(network):
    json_copy = tf.keras.models.model_from_json(network.to_json())
    assert json.loads(network.to_json())["config"]["config"] == network.config.to_dict()
    clone = tf.keras.models.clone_model(network)
    for copy in (json_copy, clone, Network.from_config(network.get_config())):
        assert copy is not network
        copy.set_weights(network.get_weights())
        check_copy(copy, network)


def test_a_file_loads_after_importing_nets_alone(network, tmp_path):
    network.save(tmp_path / "model.keras")
    script = "import nets, sys, tensorflow as tf; m = tf.keras.models.load_model(sys.argv[1]); "
    script += "print(m.config == nets.ModelConfig.from_dict(m.config.to_dict()), m.name)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model.keras")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["True", "mine"], done.stderr


def test_a_compiled_model_goes_on_from_its_file(tmp_path):
    """Optimiser, frozen layers and what DropBlock counted are in the file."""
    network = nets.resnet18(classes=3, num_filters=2, use_dropblock=True, seed=4)
    network.get_layer("conv2d").trainable = False
    network.compile(tf.keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    labels = tf.one_hot([0, 2], 3)
    network.fit(IMAGES, labels, epochs=2, verbose=0)
    network.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers if not layer.trainable] == ["conv2d"]
    for model in (network, loaded):
        model.fit(IMAGES, labels, verbose=0)
    assert int(loaded.get_layer("drop_block_control").step) == 3
    for one, other in zip(network.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_precision_policy_is_in_the_file(tmp_path):
    config = ModelConfig(resnet_size=18, num_filters=2, num_classes=3)
    network = Network(config, dtype="mixed_bfloat16")
    assert tf.keras.mixed_precision.global_policy().name == "float32"
    assert network.get_layer("stage4").output.dtype == tf.bfloat16
    assert network.output.dtype == tf.float32
    network.save(tmp_path / "model.keras")
    copy = tf.keras.models.load_model(tmp_path / "model.keras")
    assert copy.get_layer("stage4").output.dtype == tf.bfloat16
    check_copy(copy, network)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_two_networks_in_one_functional_model(tmp_path, file):
    a, b = (
        scattered(nets.resnet18(classes=3, num_filters=2 + more, use_dropblock=True, name=name))
        for more, name in enumerate("ab")
    )
    mobile = nets.mobilenet_v1(classes=3, num_filters=2)
    images = tf.keras.Input((40, 40, 3))
    both = tf.keras.Model(images, [a(images), b(images), mobile(images)])
    for one, other in zip(both(IMAGES), (a(IMAGES), b(IMAGES), mobile(IMAGES)), strict=True):
        np.testing.assert_array_equal(one, other)
    both.save(tmp_path / file)
    loaded = tf.keras.models.load_model(tmp_path / file)
    for name in ("a", "b", "mobilenet_v1"):
        copy, network = loaded.get_layer(name), both.get_layer(name)
        check_copy(copy, network)
        assert next(iter(original_variable_names(copy))).startswith(
            "mobilenet_model/" if name == "mobilenet_v1" else "resnet_model/"
        )
        own = {variable.ref() for variable in original_variable_names(copy).values()}
        state = {"keep_prob", "step"} if copy.config.use_dropblock else set()
        others = {w.name.split(":")[0].split("/")[-1] for w in copy.weights if w.ref() not in own}
        assert others == state and len(copy.weights) == len(own) + len(state)


def test_names_of_a_part_of_a_network():
    network = nets.mobilenet_v1(classes=3, num_filters=2, name="mine")
    part = tf.keras.Model(network.input, network.get_layer("stage2").output)
    whole = original_variable_names(network)
    names = original_variable_names(part)
    assert len(names) == len(part.weights) < len(whole)
    assert all(whole[name] is variable for name, variable in names.items())


def test_what_no_network_can_be_built_from_is_refused():
    with pytest.raises(ValueError, match="pooling='avg' needs include_top=False"):
        nets.resnet18(pooling="avg")
    with pytest.raises(ValueError, match="pooling='mean' must be None, 'avg' or 'max'"):
        nets.resnet18(include_top=False, pooling="mean")
    with pytest.raises(ValueError, match="classifier_activation='softmax' needs include_top=True"):
        nets.resnet18(include_top=False, classifier_activation="softmax")
