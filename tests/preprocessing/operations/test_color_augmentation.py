"""AlexNet's colour augmentation: numbers by hand, and what is drawn."""

import numpy as np
import pytest
import tensorflow as tf

from preprocessing import PreprocessingConfig, example_seed, train_image
from preprocessing.operations.color_augmentation import COMPONENTS, augment_colors, shift_colors


def test_one_component_by_hand():
    grey = tf.fill([2, 3, 3], 100.0)
    # 255 * 0.2175 = 55.4625, times -0.5675, -0.5808 and -0.5836.
    found = shift_colors(grey, tf.constant([1.0, 0.0, 0.0]))
    assert found[1, 2].numpy() == pytest.approx([68.5250, 67.7874, 67.6321], abs=1e-3)
    # 255 * 0.0045 * 2 = 2.295, times 0.4009, -0.8140 and 0.4203.
    found = shift_colors(grey, tf.constant([0.0, 0.0, 2.0]))
    assert found[0, 0].numpy() == pytest.approx([100.9201, 98.1319, 100.9646], abs=1e-3)


def test_the_components_are_orthonormal():
    np.testing.assert_allclose(
        np.array(COMPONENTS) @ np.transpose(COMPONENTS), np.eye(3), atol=2e-4
    )


def test_strengths_are_normal_with_the_deviation():
    black = tf.zeros([1, 1, 3])
    drawn = [augment_colors(black, example_seed(1, 0, n), 0.1).numpy()[0, 0] for n in range(2000)]
    along = np.array(drawn) @ np.array(COMPONENTS[0]) / (255 * 0.2175)
    # The standard error of the deviation is 0.1 / sqrt(4000).
    assert np.std(along) == pytest.approx(0.1, abs=0.006) and abs(np.mean(along)) < 0.009


def test_a_training_image_is_shifted_as_a_whole(reference):
    seed, box = example_seed(9, 1, 4), tf.zeros([0, 4])
    plain, shifted = (
        train_image(
            reference.jpeg("a"), box, seed,
            PreprocessingConfig(image_size=32, color_augmentation=deviation),
        ).numpy()
        for deviation in (0.0, 0.1)
    )  # fmt: skip
    differences = (shifted - plain).reshape(-1, 3)
    np.testing.assert_allclose(differences, differences[:1].repeat(len(differences), 0), atol=1e-3)
    assert np.abs(differences[0]).max() > 0.1
