"""Loss terms against the original's and against numbers worked out by hand."""

import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from official.train import losses

VALUES = np.load(pathlib.Path(__file__).parents[2] / "reference/official/losses.npz")


@pytest.mark.parametrize("loss_type", ["softmax", "sigmoid"])
@pytest.mark.parametrize("smoothing", ["0", "0.1"])
def test_classification_loss_equals_the_original(loss_type, smoothing):
    found = losses.classification_loss(
        VALUES["logits"], VALUES["onehot"], float(smoothing), loss_type
    )
    assert float(found) == pytest.approx(float(VALUES[f"{loss_type}_ls{smoothing}"]), rel=1e-6)


def test_label_smoothing_by_hand():
    # softmax(ln 3, 0, 0) = (3/5, 1/5, 1/5); smoothed label of class 0: (0.9 + 0.1/3, 0.1/3, 0.1/3)
    logits, label = tf.constant([[math.log(3.0), 0.0, 0.0]]), tf.constant([[1.0, 0.0, 0.0]])
    found = losses.classification_loss(logits, label, label_smoothing=0.1)
    wanted = -(0.9 + 0.1 / 3) * math.log(0.6) - 2 * (0.1 / 3) * math.log(0.2)
    assert float(found) == pytest.approx(wanted, rel=1e-6)


def test_distillation_by_hand():
    # T = 2: student softmax(ln 9 / 2, 0) = (3/4, 1/4); loss = 4 * H((0.5, 0.5), (3/4, 1/4))
    found = losses.distillation_loss(tf.constant([[math.log(9.0), 0.0]]), [[0.5, 0.5]], 2.0)
    assert float(found) == pytest.approx(-4 * (0.5 * math.log(0.75) + 0.5 * math.log(0.25)))


def test_weight_decay_takes_biases_and_spares_batch_norm():
    network = build_model(ModelConfig(resnet_size=18, num_filters=8, num_classes=3))
    decayed = losses.decayed_variables(network)
    # ResNet-18: stem, 16 convolutions in blocks, 3 projections, dense kernel and bias.
    assert len(decayed) == 1 + 16 + 3 + 2
    assert sorted({len(variable.shape) for variable in decayed}) == [1, 2, 4]
    total = losses.weight_decay_loss([tf.constant([1.0, 2.0]), tf.constant(3.0)], 0.1)
    assert float(total) == pytest.approx(0.1 * (1 + 4 + 9) / 2)


def test_unknown_type_is_refused():
    with pytest.raises(ValueError, match="cls_loss_type.*'focal'"):
        losses.classification_loss([[0.0]], [[1.0]], 0.0, "focal")


def test_class_weights_by_hand():
    # Cross entropies ln 3 and ln 3; weights of the labels 2 and 0.5, of the mixture 2/4 + 3/8.
    logits = tf.zeros([3, 3])
    labels = tf.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.75, 0.0]])
    found = losses.classification_loss(logits, labels, class_weights=(2.0, 0.5, 9.0))
    assert float(found) == pytest.approx(math.log(3.0) * (2 + 0.5 + 0.875) / 3)
    # Sigmoid: three entropies of ln 2 for each image.
    found = losses.classification_loss(
        logits, labels, loss_type="sigmoid", class_weights=(2.0, 0.5, 9.0)
    )
    assert float(found) == pytest.approx(3 * math.log(2.0) * (2 + 0.5 + 0.875) / 3)
