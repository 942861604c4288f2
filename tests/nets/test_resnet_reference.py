"""Whole networks against the original: logits, features, variables, counts, one training step."""

import math

import numpy as np
import pytest
import tensorflow as tf

import nets
from nets import build_model, original_variable_names

CASES = ["v1_r50_se"]
COUNTED = ["v1_r50_d", "v1_r50_sk", "v1_r50_aa3", "v2_r50", "v1_r50_gem", "v1_r50_emb128"]
TRAINED = {"v1_r50": "v1_r50", "assemble_r50": "assemble_r50_live"}


def endpoints(model):
    outputs = [model.get_layer(name).output for name in ("dense", "global_pool", "embedding")]
    predict = tf.keras.Model(model.input, outputs)
    return lambda images: predict(images, training=False)


def check_inference(reference, model, name, graph=False):
    case = reference.json(f"models/{name}")
    expected = reference.npz(f"models/{name}")
    variables = original_variable_names(model)
    assert [[k, v.shape.as_list()] for k, v in variables.items()] == case["variables"]
    assert len(model.trainable_variables) == case["trainable"]
    predict = endpoints(model)
    if graph:  # As it is served; tracing takes ten times as long as an eager run.
        predict = tf.function(predict, input_signature=[tf.TensorSpec([None, None, None, 3])])
    for key in (key for key in expected.files if key.startswith("logits")):
        size = key.removeprefix("logits_")
        logits, pool, embedding = predict(reference.recipe.make_input(int(size)))
        assert reference.error(logits, expected[key]) < 1e-5
        assert reference.error(pool, expected[f"pool_{size}"]) < 1e-5
        if f"embedding_{size}" in expected:
            assert reference.error(embedding, expected[f"embedding_{size}"]) < 1e-5


@pytest.mark.parametrize("name", CASES)
def test_inference_and_counts_equal_the_original(reference, filled_model, name):
    """The others: `tests/official/test_reference_checkpoints.py`, through the importer."""
    model = filled_model(name, (224, 224, 3))
    check_inference(reference, model, name)
    check_counts(reference, model, name)


@pytest.mark.parametrize("name", TRAINED)
def test_inference_and_training_step_equal_the_original(reference, filled_model, name):
    model = filled_model(name)
    check_inference(reference, model, name, graph=True)
    case = reference.json(f"training/{TRAINED[name]}")
    expected = reference.npz(f"training/{TRAINED[name]}")
    assert case["scaled_gammas"] == reference.json(f"models/{name}")["scaled_gammas"]
    logits = model(reference.recipe.make_input(case["size"], case["batch"], 99), training=True)
    assert reference.error(logits, expected["logits"]) < 1e-4
    variables = original_variable_names(model)
    moved = [key for key in expected.files if key != "logits"]
    assert len(moved) == 8
    for key in moved:
        assert reference.error(variables[key], expected[key]) < 1e-5
    reference.fill(model, set(case["scaled_gammas"]))  # The next test finds it as it was.


def check_counts(reference, model, name):
    """Against the profiler's counts, which are for more classes."""
    cost = reference.json(f"models/{name}")["flops"][0]
    features, classes = model.get_layer("dense").kernel.shape
    more = cost["num_classes"] - classes
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == cost["trainable_params"] - more * (features + 1)
    assert model.count_params() == cost["all_params"] - more * (features + 1)


@pytest.mark.parametrize("name", [*CASES, *COUNTED, *TRAINED])
def test_counts_without_a_model_equal_the_original(reference, name):
    """At every size that was profiled; the profiler's numbers are for 1001 classes."""
    case = reference.json(f"models/{name}")
    for cost in case["flops"]:
        config = reference.config(case, num_classes=cost["num_classes"])
        counted = nets.cost(config, cost["size"])
        assert counted.multiply_adds == round(cost["conv_matmul_gmac"] * 1e9)
        assert (counted.trainable, counted.parameters) == (
            cost["trainable_params"],
            cost["all_params"],
        )


@pytest.mark.parametrize("name", TRAINED)
def test_initial_values_are_distributed_as_in_the_original(reference, name):
    expected = reference.json("functions/initialisers")[name]
    case = reference.json(f"models/{name}")
    tf.keras.utils.set_random_seed(5)
    config = reference.config(case, num_classes=1001, zero_gamma=True)
    variables = original_variable_names(build_model(config))
    for name, (mean, std, largest) in expected.items():
        value = variables[name].numpy()
        spread = 4 * std / np.sqrt(value.size)
        assert abs(value.mean() - mean) <= 2 * spread, name
        assert abs(value.std() - std) <= 2 * spread, name
        # Both are cut off: the truncated normal at 2 / 0.88 deviations, Glorot at sqrt(3).
        assert np.abs(value).max() == pytest.approx(largest, rel=0.02), name
