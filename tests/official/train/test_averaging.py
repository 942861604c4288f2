"""The moving average of the weights, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from official.run.recipe import RecipeConfig
from official.train import averaging
from official.train.optimizer import make_optimizer
from official.train.step import Trainer


def test_the_first_updates_forget_faster():
    found = [
        float(averaging.decay_after(tf.constant(n, tf.int64), 0.9)) for n in (1, 2, 80, 81, 10**6)
    ]
    assert found == pytest.approx([2 / 11, 3 / 12, 81 / 90, 0.9, 0.9])


def linear():
    images = tf.keras.Input([None, None, 3])
    x = tf.keras.layers.BatchNormalization(momentum=0.5)(images)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(images, tf.keras.layers.Dense(3)(x))


def test_averages_of_weights_and_batch_statistics_are_scored():
    recipe = RecipeConfig(
        batch_size=4, base_learning_rate=1.0, learning_rate_decay_type="fixed", ema_decay=0.2
    )
    network = linear()
    averaged = tf.keras.models.clone_model(network)
    averaging.start(averaged, network)
    model = Trainer(network, recipe, 4, averaged=averaged)
    model.compile(optimizer=make_optimizer(recipe, 4))
    images = tf.constant(np.random.RandomState(0).normal(1, 1, (4, 2, 2, 3)), tf.float32)
    labels = tf.one_hot([0, 1, 2, 0], 3)
    step = tf.function(model.train_step)
    wanted = network.get_weights()
    for decay in (2 / 11, 0.2, 0.2):
        step((images, {"labels": labels}))
        pairs = zip(wanted, network.get_weights(), strict=True)
        wanted = [decay * old + (1 - decay) * new for old, new in pairs]
    for one, other in zip(averaged.get_weights(), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    moving_mean = averaged.layers[1].moving_mean.numpy()
    assert np.abs(moving_mean - network.layers[1].moving_mean.numpy()).max() > 1e-3

    model.reset_metrics()
    found = model.test_step((images, tf.constant([0, 1, 2, 0])))
    entropy = tf.nn.softmax_cross_entropy_with_logits(labels, averaged(images))
    assert float(found["cross_entropy"]) == pytest.approx(float(np.mean(entropy)), rel=1e-5)


def test_weights_belong_together_by_name_whatever_is_frozen():
    config = ModelConfig(resnet_size=50, num_filters=4, num_classes=3, big_little=True,
                         use_sk_block=True, use_dropblock=True)  # fmt: skip
    network, averaged = build_model(config), build_model(config)
    assert len({weight.name for weight in network.weights}) == len(network.weights)
    values = network.get_weights()
    for layer in network.layers[::2]:
        layer.trainable = False
    assert [weight.name for weight in network.weights] != [w.name for w in averaged.weights]
    averaging.start(averaged, network)
    for one, other in zip(averaged.get_weights(), values, strict=True):
        np.testing.assert_array_equal(one, other)
