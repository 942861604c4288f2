import numpy as np
import pytest
import tensorflow as tf

from preprocessing.mixing.mixup import mixup, sample_lambdas


def mixup_type1(images, labels, lambdas, teacher=None):
    return mixup(images, labels, 1, lambdas, teacher)


def mixup_type2(images, labels, lambdas1, lambdas2, teacher=None):
    rest = [1.0] * (len(images) % 2)
    return mixup(images, labels, 2, np.float32([*lambdas1, *lambdas2, *rest]), teacher)


def test_type1_equals_the_original(reference):
    data = reference.values("mixup")
    images, labels, teacher = mixup_type1(data["x"], data["y"], data["lam1"])
    np.testing.assert_allclose(images, data["type1_nokd_x"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(labels, data["type1_nokd_y"], rtol=0, atol=1e-7)
    assert teacher is None
    images, labels, teacher = mixup_type1(data["x"], data["y"], data["lam1"], data["y_t"])
    np.testing.assert_allclose(images, data["type1_kd_x"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(labels, data["type1_kd_y"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(teacher, data["type1_kd_yt"], rtol=0, atol=1e-7)


def test_type2_equals_the_original_except_its_mistake(reference):
    data = reference.values("mixup")
    images, labels, teacher = mixup_type2(
        data["x"], data["y"], data["lam1"], data["lam2"], data["y_t"]
    )
    np.testing.assert_allclose(images, data["type2_kd_x"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(labels, data["type2_kd_y"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(teacher[:3], data["type2_kd_yt"][:3], rtol=0, atol=1e-7)
    # The second half takes the teacher's label of the first image, not its hard label.
    weights = data["lam2"][:, np.newaxis]
    expected = weights * data["y_t"][:3] + (1 - weights) * data["y_t"][5:2:-1]
    np.testing.assert_allclose(teacher[3:], expected, rtol=0, atol=1e-7)
    assert np.abs(teacher[3:] - data["type2_kd_yt"][3:]).max() > 0.1


def test_odd_batches():
    images = tf.reshape(tf.range(5.0), [5, 1, 1, 1])
    labels = tf.eye(5)
    with pytest.raises(ValueError, match="even number of images. Received: 5"):
        mixup_type1(images, labels, [0.5, 0.5])
    mixed, mixed_labels, _ = mixup_type2(images, labels, [0.5, 1.0], [0.25, 0.0])
    # Pairs (0, 2), (1, 3), then (0, 3), (1, 2); 4 stays.
    assert tf.reshape(mixed, [-1]).numpy().tolist() == [1.0, 1.0, 2.25, 2.0, 4.0]
    assert mixed_labels[2].numpy().tolist() == [0.25, 0, 0, 0.75, 0]
    assert mixed_labels[4].numpy().tolist() == [0, 0, 0, 0, 1]


def test_odd_batch_of_unknown_size_is_an_error_when_run():
    @tf.function(input_signature=[tf.TensorSpec([None, 1, 1, 1]), tf.TensorSpec([None, 2])])
    def mix(images, labels):
        return mixup_type1(images, labels, tf.fill([tf.shape(images)[0] // 2], 0.5))

    assert mix(tf.zeros([4, 1, 1, 1]), tf.zeros([4, 2]))[0].shape == (2, 1, 1, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="even number"):
        mix(tf.zeros([3, 1, 1, 1]), tf.zeros([3, 2]))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32])
def test_dtypes_stay(dtype):
    images = tf.cast(tf.reshape(tf.range(4.0), [4, 1, 1, 1]), dtype)
    mixed, labels, _ = mixup_type2(images, tf.eye(4), [0.5, 0.5], [0.5, 0.5])
    assert mixed.dtype == dtype and labels.dtype == tf.float32
    assert tf.reshape(tf.cast(mixed, tf.float32), [-1]).numpy().tolist() == [1.0, 2.0, 1.5, 1.5]


def test_lambdas_are_beta_distributed():
    lambdas = sample_lambdas([1, 2], 200_000, 0.2).numpy()
    assert lambdas.dtype == np.float32
    assert np.isfinite(lambdas).all()
    assert lambdas.min() >= 0 and lambdas.max() <= 1
    # Beta(0.2, 0.2): mean 1 / 2, variance 1 / (4 * 1.4).
    assert abs(lambdas.mean() - 0.5) < 0.004
    assert abs(lambdas.var() - 1 / 5.6) < 0.001
    drawn = np.random.default_rng(0).beta(0.2, 0.2, 200_000)
    outside = ((drawn < 0.1) | (drawn > 0.9)).mean()
    assert abs(((lambdas < 0.1) | (lambdas > 0.9)).mean() - outside) < 0.005


@pytest.mark.parametrize("alpha", [0.01, 1.0, 4.0])
def test_other_alphas(alpha):
    lambdas = sample_lambdas([5, 6], 100_000, alpha).numpy()
    assert np.isfinite(lambdas).all()
    assert abs(lambdas.var() - 1 / (4 * (2 * alpha + 1))) < 0.002


def test_lambdas_follow_the_seed():
    first = sample_lambdas([1, 2], 5, 0.2)
    np.testing.assert_array_equal(first, sample_lambdas([1, 2], 5, 0.2))
    assert not np.array_equal(first, sample_lambdas([1, 3], 5, 0.2))


def test_alpha_must_be_positive():
    with pytest.raises(ValueError, match="alpha=0"):
        sample_lambdas([1, 2], 5, 0)
