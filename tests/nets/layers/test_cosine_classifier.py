"""Cosines between embedding and classes, and a network that ends in them."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, original_variable_names, variable_shapes
from nets.layers.cosine_classifier import CosineClassifier


def test_cosines_by_hand():
    layer = CosineClassifier(3, 10.0)
    layer.build([None, 2])
    layer.set_weights([np.float32([[2.0, 0.0, 1.0], [0.0, 0.5, 1.0]])])
    found = layer(np.float32([[3.0, 4.0], [-1.0, 0.0], [0.0, 0.0]])).numpy()
    # The classes look to the right, upwards, and between; zeros look nowhere.
    wanted = [[6, 8, 7 * np.sqrt(2)], [-10, 0, -np.sqrt(50)], [0, 0, 0]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    again = CosineClassifier.from_config(layer.get_config())
    assert (again.units, again.scale, again.compute_output_shape((None, 2))) == (3, 10.0, (None, 3))


@pytest.mark.parametrize("kind", ["cosine", "arc_margin"])
def test_a_network_of_cosines(kind):
    config = ModelConfig(
        resnet_size=18, num_filters=4, num_classes=5, embedding_size=6, logit_type=kind, arc_s=30.0
    )
    network = build_model(config)
    images = tf.random.stateless_normal([2, 32, 32, 3], seed=[1, 2])
    outputs = [network.get_layer(name).output for name in ("embedding", "dense")]
    embedding, logits = tf.keras.Model(network.input, outputs)(images)
    kernel = network.get_layer("dense").kernel.numpy()
    # Of the embedding as retrieval compares it: no ReLU.
    lengths = np.linalg.norm(embedding, axis=1, keepdims=True) * np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(logits, 30 * (embedding @ kernel) / lengths, rtol=1e-4, atol=1e-4)
    shapes = {name: tuple(v.shape) for name, v in original_variable_names(network).items()}
    assert shapes == variable_shapes(config) and "resnet_model/dense/bias" not in shapes
    with pytest.raises(ValueError, match="final_bias=1.0 must be 0 with logit_type='cosine'"):
        ModelConfig(logit_type="cosine", final_bias=1.0)
