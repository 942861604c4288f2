"""Folding batch norm into convolutions keeps what a network computes."""

import numpy as np
import pytest
import tensorflow as tf

from nets import build_model, named_config
from nets.folding import fold_batch_norm
from nets.layers.conv_norm import batch_norm, convolution


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
    inputs = tf.keras.Input([1, 1, 1])
    norm = batch_norm(0.9, 0.25, name="norm")
    model = tf.keras.Model(inputs, norm(convolution(1, 1, name="conv")(inputs)))
    # (2 x - 1) * 3 / sqrt(0.75 + 0.25) + 5 = 6 x + 2
    kernel, gamma, beta, mean, variance = np.full([1, 1, 1, 1], 2.0), [3.0], [5.0], [1.0], [0.75]
    model.set_weights([kernel, *map(np.array, (gamma, beta, mean, variance))])
    folded = fold_batch_norm(model)
    np.testing.assert_allclose(folded.get_layer("conv").kernel, [[[[6.0]]]], rtol=1e-6)
    np.testing.assert_allclose(folded.get_layer("conv").bias, [2.0], rtol=1e-6)
    assert model.get_layer("conv").kernel.numpy().item() == 2.0


@pytest.mark.parametrize(
    "name, changes",
    [
        ("assemble_resnet50", {}),
        ("se_mobilenet_v1_r16", {}),
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


def test_what_follows_no_convolution_stays():
    inputs = tf.keras.Input([4, 4, 3])
    x = convolution(5, 3, name="shared")(inputs)
    outputs = batch_norm(0.9, 1e-5, name="norm")(x) + x
    dense = tf.keras.layers.Dense(2)(tf.keras.layers.GlobalAveragePooling2D()(outputs))
    dense = batch_norm(0.9, 1e-5, name="after_dense")(dense)
    model = tf.keras.Model(inputs, dense)
    assert sorted(norms(fold_batch_norm(model))) == ["after_dense", "norm"]


def test_a_folded_network_refuses_training():
    inputs = tf.keras.Input([4, 4, 3])
    model = tf.keras.Model(inputs, batch_norm(0.9, 1e-5, name="norm")(convolution(5, 3)(inputs)))
    with pytest.raises(ValueError, match="norm: a network with folded"):
        fold_batch_norm(model)(tf.zeros([1, 4, 4, 3]), training=True)
