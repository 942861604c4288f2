"""Loss terms against the original's and against numbers worked out by hand."""

import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from official.run.recipe import RecipeConfig
from official.train import losses
from official.train.objective import Objective
from official.train.weight_decay import decayed_variables, decays

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
    decayed = decayed_variables(network)
    # ResNet-18: stem, 16 convolutions in blocks, 3 projections, dense kernel and bias.
    assert len(decayed) == 1 + 16 + 3 + 2
    assert sorted({len(variable.shape) for variable in decayed}) == [1, 2, 4]
    without = decayed_variables(network, biases=False)
    assert [id(v) for v in without] == [id(v) for v in decayed if len(v.shape) > 1]
    found = decays(network, 0.1, biases=False)
    assert found.count(0.1) == 21 and len(found) == len(network.trainable_variables)
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


def test_arc_margin_by_hand():
    """Angles 60 and 175 degrees with a margin of 0.3; the other logits stay."""
    cosines = np.cos(np.radians([[60.0, 20.0], [100.0, 175.0]])).astype(np.float32)
    labels = np.float32([[1, 0], [0, 1]])
    found = losses.with_margin(tf.constant(10 * cosines), labels, 0.3, 10.0).numpy()
    # 175 degrees and 0.3 are more than pi: there it is cos - 0.3 * sin(0.3).
    wanted = [math.cos(math.radians(60) + 0.3), cosines[1, 1] - 0.3 * math.sin(0.3)]
    np.testing.assert_allclose(np.diag(found), 10 * np.float32(wanted), rtol=1e-5)
    np.testing.assert_allclose(found[[0, 1], [1, 0]], 10 * cosines[[0, 1], [1, 0]], rtol=1e-6)


def test_the_margin_never_makes_a_wrong_angle_pay():
    """The nearer to its class the higher the logit, all the way, and gradients are finite."""
    angles = tf.Variable(np.linspace(0.0, math.pi, 200), dtype=tf.float32)
    with tf.GradientTape() as tape:
        logits = tf.stack([tf.cos(angles), tf.zeros(200)], axis=1) * 80.0
        moved = losses.with_margin(logits, tf.one_hot([0] * 200, 2), 0.3, 80.0)
    assert np.all(np.diff(moved[:, 0].numpy()) < 0)
    assert np.all(np.isfinite(tape.gradient(moved, angles)))


def test_a_network_with_arc_margin_is_trained_with_the_margin_and_scored_without():
    config = {"resnet_size": 18, "num_filters": 4, "num_classes": 3, "arc_s": 8.0}
    recipe = RecipeConfig(arc_m=0.3, weight_decay=0.0)
    logits, labels = tf.constant([[4.0, 0.0, -4.0]]), tf.one_hot([0], 3)
    found = {}
    for kind in ("cosine", "arc_margin"):
        objective = Objective(build_model(ModelConfig(**config, logit_type=kind)), recipe)
        found[kind] = float(objective.terms(logits, {"labels": labels})["cross_entropy"])
    assert found["cosine"] == pytest.approx(math.log(1 + math.exp(-4) + math.exp(-8)), rel=1e-5)
    first = 8 * math.cos(math.pi / 3 + 0.3)
    wanted = math.log(1 + math.exp(-first) + math.exp(-4 - first))
    assert found["arc_margin"] == pytest.approx(wanted, rel=1e-5)


def test_weights_of_the_terms_of_distillation_by_hand():
    """alpha CE + (1 - alpha) T^2 KL, and the smoothing touches the hard label only."""
    logits, hard = tf.constant([[math.log(9.0), 0.0]]), tf.constant([[1.0, 0.0]])
    recipe = RecipeConfig(kd_temp=2.0, kd_alpha=0.1, label_smoothing=0.2, weight_decay=0.0)
    network = build_model(ModelConfig(resnet_size=18, num_filters=4, num_classes=2))
    objective = Objective(network, recipe)
    targets = {"labels": hard, "teacher": tf.constant([[0.5, 0.5]])}
    terms = {name: float(v) for name, v in objective.terms(logits, targets).items()}
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    divergence = 4 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert terms["cross_entropy"] == pytest.approx(entropy, rel=1e-5)
    assert terms["kl_kd"] == pytest.approx(divergence, rel=1e-5)
    total = float(objective.total(objective.terms(logits, targets)))
    assert total == pytest.approx(0.1 * entropy + 0.9 * divergence, rel=1e-5)
    # A teacher that is sure has no entropy, and no logarithm of 0.
    sure = losses.distillation_loss(logits, tf.constant([[1.0, 0.0]]), 1.0, divergence=True)
    assert float(sure) == pytest.approx(-math.log(0.9), rel=1e-5)


def test_jensen_shannon_by_hand():
    views = [tf.constant([[math.log(p), math.log(1 - p)]]) for p in (0.5, 0.2, 0.8)]
    mean = [0.5, 0.5]
    wanted = sum(
        p * math.log(p / mean[0]) + (1 - p) * math.log((1 - p) / mean[1]) for p in (0.5, 0.2, 0.8)
    )
    assert float(losses.jensen_shannon(views)) == pytest.approx(wanted / 3, rel=1e-5)
    assert float(losses.jensen_shannon(views[:1] * 3)) == pytest.approx(0.0, abs=1e-7)
