"""Folding batch norm into convolutions keeps what a network computes."""

import numpy as np
import pytest
import tensorflow as tf

from nets import (
    ModelConfig,
    build_model,
    fold_batch_norm,
    named_config,
    original_variable_names,
    variable_shapes,
)


def randomised(config):
    """A model whose batch norms do something."""
    model = build_model(config, (None, None, 3))
    random = np.random.RandomState(1)
    for layer in model.submodules:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, count),
                    random.normal(size=count) * 0.3,
                    random.normal(size=count) * 0.3,
                    random.uniform(0.5, 1.5, count),
                ]
            )
    return model


def norms(model):
    return [m.name for m in model.submodules if isinstance(m, tf.keras.layers.BatchNormalization)]


def test_one_convolution_by_hand():
    model = build_model(ModelConfig(resnet_size=18, num_filters=1, num_classes=2))
    # (k x - 1) * 3 / sqrt(0.75 + 0.25) + 5 = 3 k x + 2; the epsilon is 1.001e-5.
    values = np.array([[3.0], [5.0], [1.0], [0.75 + 0.25 - 1.001e-5]])
    model.get_layer("batch_normalization").set_weights(values)
    kernel = model.get_layer("conv2d").kernel.numpy()
    folded = fold_batch_norm(model)
    np.testing.assert_allclose(folded.get_layer("conv2d").kernel, 3 * kernel, rtol=1e-6)
    np.testing.assert_allclose(folded.get_layer("conv2d").bias, [2.0], rtol=1e-6)
    np.testing.assert_array_equal(model.get_layer("conv2d").kernel, kernel)


@pytest.mark.parametrize(
    "name, changes",
    [
        ("assemble_resnet50", {}),
        ("se_mobilenet_v1_r16", {}),
        ("seresnet50_timm", {"use_resnet_d": True, "shortcut_pool": "strided", "resnet_size": 18}),
        ("resnet50d", {"resnet_size": 18, "use_sk_block": True, "sk_type": "3x3_5x5"}),
    ],
)
def test_logits_stay(name, changes):
    model = randomised(named_config(name, num_classes=7, num_filters=16, **changes))
    folded = fold_batch_norm(model)
    assert norms(folded) == [] and len(norms(model)) > 20
    images = np.random.RandomState(0).normal(size=(2, 65, 80, 3)).astype("float32") * 40
    wanted = model(images).numpy()
    np.testing.assert_allclose(folded(images), wanted, atol=3e-6 * np.abs(wanted).max())
    assert [layer.name for layer in folded.layers] == [layer.name for layer in model.layers]


def test_what_an_embedding_has_stays():
    model = build_model(ModelConfig(resnet_size=18, num_filters=2, num_classes=2, embedding_size=3))
    assert norms(fold_batch_norm(model)) == ["embedding_dense_batch_normalization"]


def test_a_folded_network_survives_a_file_and_has_its_names(tmp_path):
    folded = fold_batch_norm(
        randomised(named_config("resnet50_sk_3x3_5x5", num_classes=2, num_filters=2))
    )
    images = tf.random.stateless_normal([1, 40, 40, 3], [1, 1])
    folded.save(tmp_path / "folded.keras")
    loaded = tf.keras.models.load_model(tmp_path / "folded.keras")
    np.testing.assert_array_equal(loaded(images), folded(images))
    names = list(original_variable_names(loaded))
    assert names == list(original_variable_names(folded))
    # As listed for the network, without what was folded and with a bias for each of these.
    listed = [name for name in variable_shapes(folded.config) if "batch_norm" not in name]
    assert [name for name in names if not name.endswith("bias") or "dense" in name] == listed
    biased = sum("bias" in name for name in names) - 1
    assert biased == sum(name.endswith("gamma") for name in variable_shapes(folded.config))


def test_a_folded_network_refuses_training():
    model = build_model(ModelConfig(resnet_size=18, num_filters=2, num_classes=2))
    with pytest.raises(ValueError, match="batch_normalization: a network with folded"):
        fold_batch_norm(model)(tf.zeros([1, 32, 32, 3]), training=True)


def test_what_cannot_be_folded_is_refused():
    model = build_model(ModelConfig(resnet_size=18, num_filters=2, num_classes=2))
    with pytest.raises(ValueError, match="folded already"):
        fold_batch_norm(fold_batch_norm(model))
    with pytest.raises(TypeError, match="takes a network that nets built"):
        fold_batch_norm(tf.keras.Model(model.input, model.output))
