"""Batch normalisation with the settings of the original."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# TensorFlow 1's fused batch norm never used less, on a CPU either; the original asked for 1e-5.
SMALLEST_EPSILON = 1.001e-5


def batch_norm(
    momentum: float, epsilon: float, zero_gamma: bool = False, **kwargs: Any
) -> tf.keras.layers.BatchNormalization:
    """Makes the batch normalisation that every block uses, for [N, H, W, C].

    Statistics are float32 under any precision policy. The moving variance takes in the unbiased
    batch variance (N / (N - 1)). With `zero_gamma` the scale starts at 0 instead of 1.
    """
    return tf.keras.layers.BatchNormalization(
        momentum=momentum,
        epsilon=max(epsilon, SMALLEST_EPSILON),
        gamma_initializer="zeros" if zero_gamma else "ones",
        **kwargs,
    )
