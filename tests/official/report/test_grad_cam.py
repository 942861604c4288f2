"""Grad-CAM on networks whose maps can be worked out, and how a map lies on an image."""

import numpy as np
import tensorflow as tf

import nets
from official.report import grad_cam, photos


def test_a_map_by_hand():
    """Two channels, 2 x 2 places: the gradient of a logit is the kernel over the four places."""
    images = tf.keras.Input((2, 2, 2))
    x = tf.keras.layers.Activation("linear", name="stage4")(images)
    x = tf.keras.layers.GlobalAveragePooling2D(name="global_pool")(x)
    x = tf.keras.layers.Dense(3, name="dense")(x)
    network = tf.keras.Model(images, x)
    network.get_layer("dense").set_weights([np.array([[1, 2, -1], [-1, 0, -1]]), np.zeros(3)])
    image = np.array([[[[4, 1], [1, 4]], [[2, 0], [0, 0]]]], np.float32)
    draw = grad_cam.grad_cam(network)
    # Class 0: first channel minus second, 3, -3, 2, 0; class 1: twice the first; class 2: nothing.
    found = draw(np.repeat(image, 3, axis=0), tf.constant([0, 1, 2]))
    wanted = [[[1, 0], [2 / 3, 0]], [[1, 0.25], [0.5, 0]], [[0, 0], [0, 0]]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_map_of_a_residual_network():
    """Behind a mean the weights of the channels are the classifier's."""
    tf.keras.utils.set_random_seed(4)
    config = nets.ModelConfig(resnet_size=18, num_filters=8, num_classes=3)
    network = nets.build_model(config)
    images = np.random.RandomState(0).normal(0, 50, (1, 96, 64, 3)).astype(np.float32)
    found = grad_cam.grad_cam(network)(np.repeat(images, 3, axis=0), tf.constant([0, 1, 2]))
    maps = nets.endpoints(network)(images, training=False)["stage4"].numpy()
    wanted = np.maximum(maps[0] @ network.get_layer("dense").get_weights()[0], 0)
    assert found.shape == (3, 3, 2) and wanted.max() > 0
    for answer in range(3):
        one = wanted[..., answer] / max(wanted[..., answer].max(), 1e-9)
        np.testing.assert_allclose(found[answer], one, rtol=1e-4, atol=1e-6)


def test_an_image_stays_where_its_map_is_zero():
    pixels = np.full((40, 20, 3), 100, np.uint8)
    heat = np.zeros((2, 1), np.float32)
    plain = np.asarray(photos.overlay(pixels, heat))
    assert plain.shape == (200, 100, 3) and (plain == 100).all()
    heat[0] = 1
    upper = np.asarray(photos.overlay(pixels, heat))
    # Red above, where the map is 1; grey as before below.
    assert upper[10, 50, 0] > 100 > upper[10, 50, 2] and (upper[-10] == 100).all()
