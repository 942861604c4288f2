"""Exponential moving average of the weights, with which a network is scored and exported.

A checkpoint has the averages as `network`, so that whoever reads it gets them, and the weights that
are trained as `trained`. It costs the memory of a second set of weights.
"""

import tensorflow as tf


def decay_after(updates: tf.Tensor, decay: float) -> tf.Tensor:
    """Returns the decay of an update, float32 scalar: min(decay, (1 + n) / (10 + n)).

    `updates` n counts it too. The first ones forget faster, so that the average of a short training
    is not that of its start.
    """
    count = tf.cast(updates, tf.float32)
    return tf.minimum(decay, (1.0 + count) / (10.0 + count))


def start(averaged: tf.keras.Model, network: tf.keras.Model) -> None:
    """Gives `averaged` the weights of `network`."""
    for average, weight in _pairs(averaged, network):
        average.assign(weight)


def update(averaged: tf.keras.Model, network: tf.keras.Model, share: tf.Tensor) -> None:
    """Moves every weight of `averaged`, batch statistics too, by `share` towards `network`'s.

    `share`, float32 scalar, is 1 - decay, or 0: nothing moves. Call it in a training step, on every
    replica.
    """
    pairs = _pairs(averaged, network)
    tf.distribute.get_replica_context().merge_call(_update_all, args=(pairs, share))


def _pairs(
    averaged: tf.keras.Model, network: tf.keras.Model
) -> list[tuple[tf.Variable, tf.Variable]]:
    """Returns the weights of both that belong together.

    By name: the order of Keras depends on which layers are frozen.
    """
    by_name = {average.name: average for average in averaged.weights}
    return [(by_name[weight.name], weight) for weight in network.weights]


def _update_all(
    strategy: tf.distribute.Strategy,
    pairs: list[tuple[tf.Variable, tf.Variable]],
    share: tf.Tensor,
) -> None:
    """Does it on all devices."""
    for average, weight in pairs:
        if average.dtype.is_floating:
            strategy.extended.update(average, _move, args=(weight, share), group=False)


def _move(average: tf.Variable, weight: tf.Variable, share: tf.Tensor) -> None:
    value = tf.convert_to_tensor(average)
    average.assign_add(tf.cast(share, value.dtype) * (tf.convert_to_tensor(weight) - value))
