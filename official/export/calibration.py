"""The temperature with which a network's probabilities fit what it gets right.

Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599), section 4.2: logits are
divided by one number, which changes no decision.
"""

import numpy as np
import tensorflow as tf

from official.evaluate.metrics import ExpectedCalibrationError
from official.export import verification
from official.run.errors import RunError

# No temperature outside is looked for.
_BOUNDS = (0.05, 20.0)
_STEPS = 60


def calibrate(network: tf.keras.Model, found: verification.Images) -> tuple[float, str]:
    """Returns the temperature that fits the images of an evaluation best, and a line about it.

    Raises:
      RunError: there are no images.
    """
    with verification.without_tf32():
        rows = [(out["logits"], label) for out, label in verification.of_network(network, found)]
    if not rows:
        raise RunError("there is no image to calibrate with: give --data_dir.")
    logits = np.stack([row for row, _ in rows]).astype(np.float64)
    labels = np.array([label for _, label in rows])
    temperature = fit(logits, labels)
    before, after = (_calibration_error(logits / value, labels) for value in (1.0, temperature))
    return temperature, (
        f"calibrated: temperature {temperature:.4f}; calibration error (ECE) {after:.4f} instead "
        f"of {before:.4f} on the {len(rows)} images that it was fitted to"
    )


def fit(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature in 0.05 to 20 of the least cross entropy.

    Args:
      logits: float64 [N, C].
      labels: the right classes, int [N].
    """
    # The cross entropy is convex in 1 / T, so it has one minimum there: golden section.
    low, high = (1 / bound for bound in reversed(_BOUNDS))
    share = (5**0.5 - 1) / 2
    for _ in range(_STEPS):
        left, right = high - share * (high - low), low + share * (high - low)
        if _cross_entropy(logits * left, labels) < _cross_entropy(logits * right, labels):
            high = right
        else:
            low = left
    return 2 / (low + high)


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean cross entropy of the softmax of logits [N, C]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen))


def _calibration_error(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the expected calibration error (ECE) of the softmax of logits [N, C]."""
    metric = ExpectedCalibrationError()
    probabilities = tf.nn.softmax(tf.constant(logits, tf.float32)).numpy()
    metric.update_state(probabilities.max(axis=1), probabilities.argmax(axis=1), labels)
    return float(metric.result())
