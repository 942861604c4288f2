"""Networks beside the ordinary one: what each tweak alone changes, by hand-computed numbers."""

import numpy as np
import pytest
import tensorflow as tf

from nets import (
    ModelConfig,
    big_little,
    build_model,
    cost,
    endpoints,
    original_variable_names,
    variable_shapes,
)
from nets.builder import LayerBuilder
from nets.layers.pooling import FixedPaddingAveragePooling2D, GeneralizedMeanPooling
from nets.residual import basic, bottleneck, plain_shortcut


def traced(block, fields, shape=(None, None, 8), strides=2):
    """A model of one block, 4 filters wide."""
    images = tf.keras.Input(shape)
    output = block(images, 4, strides, LayerBuilder(ModelConfig(**fields)), plain_shortcut)
    return tf.keras.Model(images, output)


def test_resnet_b_moves_the_stride_and_costs_what_the_papers_say():
    # Three 1x1 convolutions run at a quarter of the places: 3 * 256 * 128 * (56**2 - 28**2) less.
    plain, moved = (cost(ModelConfig(use_resnet_b=b)).multiply_adds for b in (True, False))
    assert plain - moved == 3 * 256 * 128 * (56**2 - 28**2)
    assert moved / 1e9 == pytest.approx(3.858, abs=0.001)
    for moved, strides in ((True, (1, 2)), (False, (2, 1))):
        model = traced(bottleneck, {"use_resnet_b": moved})
        assert [model.get_layer(f"conv2d_{k}").strides[0] for k in (1, 2)] == list(strides)


def test_resnet_b_off_blurs_the_1x1_that_has_the_stride():
    fields = {"use_resnet_b": False, "anti_alias_type": "sconv", "anti_alias_filter_size": 3}
    model = traced(bottleneck, fields)
    assert [model.get_layer(f"conv2d_{k}").strides[0] for k in (1, 2)] == [1, 1]
    order = [layer.name for layer in model.layers]
    assert order.index("conv2d_1") < order.index("anti_alias") < order.index("conv2d_2")
    assert model(tf.ones([1, 9, 6, 8])).shape == [1, 5, 3, 16]


def test_deep_stem_and_pooled_shortcut_are_two_switches():
    def pools(config):
        layers = build_model(config).layers
        return sum(isinstance(layer, FixedPaddingAveragePooling2D) for layer in layers)

    small = {"resnet_size": 18, "num_filters": 4, "num_classes": 3}
    both = ModelConfig(**small, use_resnet_d=True)
    stem = ModelConfig(**small, stem_type="deep")
    shortcut = ModelConfig(**small, use_resnet_d=True, stem_type="7x7")
    assert variable_shapes(both) == variable_shapes(stem)
    assert variable_shapes(shortcut) == variable_shapes(ModelConfig(**small))
    # The first stage of a basic network needs no projection.
    assert (pools(stem), pools(shortcut)) == (0, 3)


def test_big_little_takes_the_deep_stem_as_the_original_does():
    deep = ModelConfig(big_little=True, use_resnet_d=True)
    names = list(variable_shapes(deep))
    stem = [name.split("/", 1)[1] for name in names if name.endswith("kernel")][:4]
    assert stem == [f"stage0/{conv}/kernel" for conv in ("conv2d", "conv2d_1", "conv2d_2")] + [
        "stage0/pool/conv2d/kernel"
    ]
    # Three kernels and two batch norms come before the last norm of the stem.
    assert names[11] == "resnet_model/stage0_1/batch_normalization/gamma"
    assert ModelConfig.from_dict({"big_little": True, "use_resnet_d": True}) == deep


@pytest.mark.parametrize("size, blocks", [(18, 8), (34, 16)])
def test_plain_networks_are_their_resnets_without_shortcuts(size, blocks):
    plain = cost(ModelConfig(resnet_size=size, no_shortcut=True))
    residual = cost(ModelConfig(resnet_size=size))
    projections = 64 * 128 + 128 * 256 + 256 * 512 + 2 * (128 + 256 + 512)
    assert residual.trainable - plain.trainable == projections
    model = traced(basic, {"resnet_size": size, "no_shortcut": True}, (8, 8, 4), 1)
    assert not [layer for layer in model.layers if "add" in layer.name]
    # With kernels of zero a shortcut would be all that is left of the input.
    for variable in model.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    assert not model(tf.ones([1, 8, 8, 4])).numpy().any()
    assert sum(ModelConfig(resnet_size=size).blocks) == blocks


def test_learnable_pooling_exponent():
    layer = GeneralizedMeanPooling(2.0, learnable=True, dtype="mixed_float16")
    assert layer.exponent.numpy() == 2.0 and layer.exponent.dtype == tf.float32
    inputs = np.random.default_rng(1).uniform(0.5, 3.0, [2, 2, 2, 5]).astype(np.float32)
    with tf.GradientTape() as tape:
        pooled = layer(inputs)
        total = tf.reduce_sum(pooled)
    x = inputs.reshape(2, 4, 5).astype(np.float64)
    np.testing.assert_allclose(pooled, np.sqrt((x**2).mean(1)), rtol=1e-6)
    # d/dp (mean x**p)**(1/p) = m**(1/p) (mean(x**p ln x) / (p m) - ln m / p**2), m = mean x**p.
    mean, inner = (x**2).mean(1), (x**2 * np.log(x)).mean(1)
    slope = np.sqrt(mean) * (inner / (2 * mean) - np.log(mean) / 4)
    np.testing.assert_allclose(tape.gradient(total, layer.exponent), slope.sum(), rtol=1e-4)


@pytest.mark.parametrize("filter_size", range(1, 8))
def test_two_branches_meet_at_every_size(filter_size):
    """Also at sizes whose half is odd, and on maps smaller than the filter."""
    fields = {"anti_alias_type": "sconv", "anti_alias_filter_size": filter_size}
    build = LayerBuilder(ModelConfig(big_little=True, num_filters=4, **fields))
    images = tf.keras.Input((None, None, 4))
    output = big_little.two_branch_stage(images, 4, 2, 2, 1, build)
    run = tf.function(tf.keras.Model(images, output), reduce_retracing=True)
    for size in (1, 2, 3, 5, 6, 11):
        shape = run(tf.ones([1, size, 2 * size + 1, 4])).shape
        if filter_size % 2:
            assert shape == [1, -(-size // 2), size + 1, 16]
        else:
            assert shape[1] in (max(1, (size - 1) // 2), -(-size // 2)) and shape[3] == 16


def taken_sizes(model):
    taken = endpoints(model)(tf.ones([1, 64, 64, 3]))
    return {name: value.shape[1:] for name, value in taken.items()}


def test_endpoints_of_big_little(small_model):
    assert taken_sizes(small_model) == {
        "initial_conv": [32, 32, 8], "initial_pool": [16, 16, 8],
        "stage1.big": [8, 8, 32], "stage1.little": [16, 16, 16], "stage1": [8, 8, 32],
        "stage2.big": [4, 4, 64], "stage2.little": [8, 8, 32], "stage2": [4, 4, 64],
        "stage3.big": [2, 2, 128], "stage3.little": [4, 4, 64], "stage3": [4, 4, 128],
        "stage4": [2, 2, 256], "global_pool": [256], "embedding": [256], "logits": [5],
    }  # fmt: skip


def test_endpoints_of_mobilenet_without_the_last_stride():
    config = ModelConfig(
        architecture="mobilenet_v1", num_filters=8, num_classes=3, no_downsample=True
    )
    assert taken_sizes(build_model(config)) == {
        "initial_conv": [32, 32, 4], "stage1": [16, 16, 16], "stage2": [8, 8, 32],
        "stage3": [4, 4, 64], "stage4": [4, 4, 128],
        "global_pool": [128], "embedding": [128], "logits": [3],
    }  # fmt: skip


def test_softmax_sigmoid_and_batch_statistics_stay_float32(policy):
    """Read off the graph: the operations' own types under mixed_bfloat16."""
    policy("mixed_bfloat16")
    fields = {"resnet_size": 18, "num_filters": 8, "num_classes": 3, "use_sk_block": True}
    for more in (
        {"use_se_block": True, "se_ratio": 8},
        {"use_eca_block": True, "sk_type": "3x3_5x5"},
    ):
        model = build_model(ModelConfig(**fields, **more), (32, 32, 3))
        signature = tf.TensorSpec([2, 32, 32, 3])
        graph = tf.function(lambda x, m=model: m(x, training=True)).get_concrete_function(signature)
        operations = graph.graph.get_operations()
        norms = [op for op in operations if op.type == "FusedBatchNormV3"]
        gates = [op for op in operations if op.type in ("Sigmoid", "Softmax")]
        assert {op.get_attr("T") for op in norms} == {tf.bfloat16}
        assert {op.get_attr("U") for op in norms} == {tf.float32}
        assert len(gates) == 16 and {op.get_attr("T") for op in gates} == {tf.float32}
        assert {v.dtype for v in model.non_trainable_variables} == {tf.float32}


def test_whole_models_of_the_new_layers_survive_files(tmp_path):
    config = ModelConfig(
        resnet_size=18, num_filters=4, num_classes=3, use_sk_block=True, sk_type="3x3_5x5",
        use_eca_block=True, pool_type="gem", gem_learnable=True, use_dropblock=True,
    )  # fmt: skip
    model = build_model(config)
    images = tf.random.stateless_normal([1, 40, 40, 3], [1, 1])
    expected = model(images)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), expected)
    assert list(original_variable_names(loaded)) == list(original_variable_names(model))
    model.save_weights(tmp_path / "weights.h5")
    loaded.set_weights([np.zeros(weight.shape) for weight in loaded.weights])
    loaded.load_weights(tmp_path / "weights.h5")
    np.testing.assert_array_equal(loaded(images), expected)
    lines = []
    loaded.summary(print_fn=lambda line, **_: lines.append(line))
    assert any(line.startswith(" sk_block_7 (SelectiveKerne") for line in lines)
