"""One training step against the original's, by loss term and by variable."""

import dataclasses
import importlib.util
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, original_variable_names
from official.evaluate.scorer import summarise
from official.run.recipe import RecipeConfig
from official.train.optimizer import make_optimizer
from official.train.step import Trainer

TESTS = pathlib.Path(__file__).parents[2]


def load_recipe():
    spec = importlib.util.spec_from_file_location("nets_recipe", TESTS / "nets/recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe(value) -> list[float]:
    """Sum, L2 norm and largest magnitude, as the reference values have them."""
    value = np.asarray(value, np.float64)
    return [value.sum(), np.sqrt((value**2).sum()), np.abs(value).max()]


def network_of(params, num_classes) -> ModelConfig:
    """The network of a reference case, whose parameters are the original's."""
    fields = {field.name for field in dataclasses.fields(ModelConfig)} & set(params)
    values = {name: params[name] for name in fields}
    big_little = params["resnet_version"] == 2
    return ModelConfig(**values, big_little=big_little, num_classes=num_classes)


@pytest.fixture(scope="module", params=["v1_r50", "assemble_r50_live"])
def step(request):
    """A network with the recipe's weights, after one step at the rate 0.1."""
    case = json.loads((TESTS / f"reference/official/train_{request.param}.json").read_text())
    recipe = load_recipe()
    params = case["params"]
    network = build_model(network_of(params, case["num_classes"]))
    variables = original_variable_names(network)
    for name, variable in variables.items():
        scaled = name in case["scaled_gammas"]
        variable.assign(recipe.value_for(name, variable.shape.as_list(), scaled))
    settings = RecipeConfig(
        batch_size=case["batch"],
        base_learning_rate=case["learning_rate"],
        learning_rate_decay_type="fixed",
        label_smoothing=params["label_smoothing"],
        weight_decay=params["weight_decay"],
        momentum=params["momentum"],
        kd_temp=params["kd_temp"],
    )
    model = Trainer(network, settings, total_steps=1)
    optimizer = make_optimizer(settings, num_images=case["batch"])
    optimizer.build(network.trainable_variables)
    model.compile(optimizer=optimizer)
    onehot, teacher = np.split(np.array(case["labels"], np.float32), 2, axis=1)
    targets = {"labels": onehot, "teacher": tf.nn.softmax(teacher / params["kd_temp"])}
    images = recipe.make_input(case["size"], case["batch"], 99)
    found = tf.function(model.train_step)((tf.constant(images), targets))
    slots = dict(zip(map(id, network.trainable_variables), optimizer.accumulators, strict=True))
    accumulators = {n: slots[id(v)] for n, v in variables.items() if id(v) in slots}
    return case, variables, accumulators, {name: float(value) for name, value in found.items()}


def test_loss_terms_equal_the_original(step):
    case, _, _, found = step
    for name, wanted in case["losses"].items():
        assert found[name] == pytest.approx(wanted, rel=1e-5), name


def test_gradients_equal_the_original(step):
    case, _, accumulators, _ = step
    assert set(accumulators) == set(case["grad"])
    momentum = case["after_step_1"]["momentum"]
    assert {f"{name}/Momentum" for name in accumulators} == set(momentum)
    for name, accumulator in accumulators.items():
        # After the first step the accumulator is the gradient.
        norm = describe(accumulator)[1]
        assert norm == pytest.approx(case["grad"][name][1], rel=1e-2), name
        assert norm == pytest.approx(momentum[f"{name}/Momentum"][1], rel=1e-2), name


def test_values_after_the_step_equal_the_original(step):
    case, variables, _, _ = step
    wanted = case["after_step_1"]["values"]
    assert set(variables) == set(wanted)
    for name, variable in variables.items():
        # Moving statistics are exact to 1e-5; weights moved by gradients that are good to 1e-2.
        moved = case["learning_rate"] * case["grad"].get(name, [0, 0])[1]
        norm = describe(variable)[1]
        assert norm == pytest.approx(wanted[name][1], rel=1e-5, abs=1e-2 * moved), name


def test_the_means_of_the_run_are_subtracted_from_bytes():
    """Bytes (10, 20, 30) less (10, 19, 28) are the logits (0, 1, 2)."""
    images = tf.keras.Input([None, None, 3])
    logits = tf.keras.layers.Dense(3, kernel_initializer="identity", use_bias=False)(
        tf.keras.layers.GlobalAveragePooling2D()(images)
    )
    settings = RecipeConfig(batch_size=2, weight_decay=0.0)
    model = Trainer(
        tf.keras.Model(images, logits), settings, total_steps=1, channel_means=(10, 19, 28)
    )
    model.compile(optimizer=make_optimizer(settings, num_images=2))
    bytes_ = tf.constant(np.broadcast_to(np.uint8([10, 20, 30]), [2, 4, 4, 3]))
    found = model.train_step((bytes_, {"labels": tf.one_hot([0, 0], 3)}))
    wanted = np.log(1 + np.exp(1) + np.exp(2))
    assert float(found["cross_entropy"]) == pytest.approx(wanted, rel=1e-5)


def test_decay_of_the_keep_probability_reaches_every_drop_block():
    config = ModelConfig(resnet_size=50, num_filters=8, num_classes=3, use_dropblock=True)
    settings = RecipeConfig(batch_size=2, use_dropblock=True, dropblock_kp=(0.9, 0.5))
    model = Trainer(build_model(config), settings, total_steps=4)
    model.compile(optimizer=make_optimizer(settings, num_images=8))
    images = tf.random.stateless_normal([2, 32, 32, 3], seed=[1, 2])
    batch = (images, {"labels": tf.one_hot([0, 1], 3)})
    train = tf.function(model.train_step)
    control = model.network.get_layer("drop_block_control")
    seen = []
    for wanted_step in range(3):
        result = train(batch)
        seen.append((float(result["dropblock_kp"]), float(control.keep_prob), int(control.step)))
        assert seen[-1] == (
            pytest.approx(0.9 - 0.1 * wanted_step),
            pytest.approx(seen[-1][0]),
            wanted_step + 1,  # The control has counted the call.
        )
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    "seed, wanted",
    # Of the version whose masks followed the optimiser's step alone.
    [
        (0, [1.3905034, 1.8130100, 1.9022484, 0.7908615]),
        (5, [1.2340521, 1.6608962, 1.5188380, 0.1410594]),
    ],
)
def test_masks_are_functions_of_seed_and_step(seed, wanted):
    """Four losses, each under masks of its own; the network counts calls of its own between."""
    recipe = load_recipe()
    network = build_model(
        ModelConfig(resnet_size=50, num_filters=8, num_classes=3, use_dropblock=True, seed=seed)
    )
    for name, variable in original_variable_names(network).items():
        variable.assign(recipe.value_for(name, variable.shape.as_list()))
    settings = RecipeConfig(
        batch_size=2,
        use_dropblock=True,
        dropblock_kp=(0.9, 0.5),
        base_learning_rate=1e-3,
        learning_rate_decay_type="fixed",
        weight_decay=0.0,
    )
    model = Trainer(network, settings, total_steps=4)
    model.compile(optimizer=make_optimizer(settings, num_images=8))
    images = tf.constant(recipe.make_input(64, 2))
    train = tf.function(model.train_step)
    found = []
    for step in range(4):
        network.get_layer("drop_block_control").step.assign(100 + step)
        model.reset_metrics()
        found.append(float(train((images, {"labels": tf.one_hot([0, 1], 3)}))["loss"]))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)


@pytest.mark.parametrize(
    "dtype, loss_scale, wanted", [("fp16", "", 128.0), ("fp16", "512", 512.0), ("bf16", "", None)]
)
def test_mixed_precision_step(dtype, loss_scale, wanted):
    policy = {"fp16": "mixed_float16", "bf16": "mixed_bfloat16"}[dtype]
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        network = build_model(ModelConfig(resnet_size=18, num_filters=8, num_classes=3))
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    settings = RecipeConfig(
        batch_size=2,
        dtype=dtype,
        loss_scale=loss_scale,
        base_learning_rate=0.1,
        learning_rate_decay_type="fixed",
        weight_decay=0.0,
    )
    model = Trainer(network, settings, total_steps=4)
    optimizer = make_optimizer(settings, num_images=8)
    optimizer.build(network.trainable_variables)
    model.compile(optimizer=optimizer)
    assert getattr(optimizer, "initial_scale", None) == wanted
    bias = network.trainable_variables[-1]
    assert bias.dtype == tf.float32 and bias.shape == [3]
    images = tf.random.stateless_normal([2, 32, 32, 3], seed=[1, 2])
    result = tf.function(model.train_step)((images, {"labels": tf.one_hot([0, 0], 3)}))
    assert np.isfinite(float(result["loss"]))
    # The gradient of the bias is mean(softmax) - label: it sums to 0 and pulls towards class 0.
    assert float(tf.reduce_sum(bias)) == pytest.approx(0.0, abs=1e-3)
    assert 0.0 < float(bias[0]) < 0.1


def test_summary_counts_every_image():
    scores = {"images": 8, "correct_top1": 6, "correct_top5": 7, "ece": 0.25, "cross_entropy": 1.5}
    assert summarise(scores) == {**scores, "top1": 0.75, "top5": 0.875}
