"""A batch in pieces trains like the whole batch, but for batch norm."""

import numpy as np
import pytest
import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train.optimizer import make_optimizer
from official.train.step import Trainer

IMAGES = np.random.RandomState(0).normal(size=(8, 6, 6, 3)).astype("float32")
LABELS = np.eye(3, dtype="float32")[[0, 1, 2, 2, 1, 1, 0, 2]]


def network(batch_norm=False):
    tf.keras.utils.set_random_seed(1)
    images = tf.keras.Input([None, None, 3])
    x = tf.keras.layers.BatchNormalization(momentum=0.9)(images) if batch_norm else images
    x = tf.keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(images, tf.keras.layers.Dense(3)(x))


def train(pieces, steps=3, batch_norm=False, images=IMAGES, **settings):
    """The network and the logs of its last step."""
    recipe = RecipeConfig(
        batch_size=8, base_learning_rate=0.5, learning_rate_decay_type="fixed",
        weight_decay=1e-2, label_smoothing=0.1, accumulation_steps=pieces, **settings,
    )  # fmt: skip
    model = Trainer(network(batch_norm), recipe, total_steps=steps)
    model.compile(optimizer=make_optimizer(recipe, num_images=8))
    step = tf.function(model.train_step)
    for _ in range(steps):
        logs = step((tf.constant(images), {"labels": tf.constant(LABELS)}))
    return model, {name: float(value) for name, value in logs.items()}


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 0.1}])
def test_pieces_train_like_the_whole_batch(settings):
    whole, wanted = train(1, **settings)
    assert int(whole.optimizer.iterations) == 3
    for pieces in (2, 8):
        model, logs = train(pieces, **settings)
        assert int(model.optimizer.iterations) == 3
        assert logs == pytest.approx(wanted, rel=1e-5)
        for one, other in zip(whole.network.weights, model.network.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_batch_norm_sees_a_piece_at_a_time():
    model, _ = train(2, steps=1, batch_norm=True)
    first, second = IMAGES[:4].mean((0, 1, 2)), IMAGES[4:].mean((0, 1, 2))
    wanted = 0.9 * (0.1 * first) + 0.1 * second
    found = model.network.layers[1].moving_mean
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_all_weights_together_is_clipped():
    """One step of momentum's rate 0.5 moves the weights by half of the gradient's norm."""

    def moved(**settings):
        model, _ = train(1, steps=1, **settings)
        pairs = zip(model.network.weights, network().weights, strict=True)
        return np.sqrt(sum(np.sum((a.numpy() - b.numpy()) ** 2) for a, b in pairs))

    free = moved()
    assert free > 0.05
    assert moved(clip_norm=0.1) == pytest.approx(0.05, rel=1e-4)
    assert moved(clip_norm=1e3) == pytest.approx(free, rel=1e-6)


def test_pieces_must_be_equal():
    with pytest.raises(ValueError, match="--accumulation_steps must be at least 1 and divide"):
        RecipeConfig(batch_size=8, accumulation_steps=3)


def test_views_of_augmix_train_together():
    """Equal views: no divergence, and the step of the images alone; other ones diverge."""
    plain, wanted = train(1, steps=1)
    views = np.stack([IMAGES] * 3, axis=1)
    for pieces in (1, 2):
        model, logs = train(pieces, 1, images=views, augmix_consistency=12.0)
        assert logs.pop("jensen_shannon") == pytest.approx(0.0, abs=1e-6)
        assert logs == pytest.approx(wanted, rel=1e-5)
        for one, other in zip(plain.network.weights, model.network.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    views[:, 1:] *= -1.0
    _, logs = train(1, 1, images=views, augmix_consistency=12.0)
    rest = logs["cross_entropy"] + logs["l2_loss"]
    assert logs["jensen_shannon"] > 1e-3
    assert logs["loss"] == pytest.approx(rest + 12 * logs["jensen_shannon"], rel=1e-5)
    assert logs["cross_entropy"] == pytest.approx(wanted["cross_entropy"], rel=1e-5)
    with pytest.raises(ValueError, match="of which mixup and CutMix make two"):
        RecipeConfig(augmix_consistency=12.0, mixup_type=1)
