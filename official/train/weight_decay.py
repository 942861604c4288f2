"""Which weights decay, and a decay that is no part of the loss (Loshchilov, 1711.05101)."""

from collections.abc import Sequence

import tensorflow as tf

from nets.layers.pooling import GeneralizedMeanPooling


def decayed_variables(network: tf.keras.Model, biases: bool = True) -> list[tf.Variable]:
    """Returns the trainable variables that weight decay applies to: all but batch norm's.

    Biases are decayed, as in the original, unless `biases` is false. A learnt exponent of the
    pooling is not: it has no reason to be near 0.
    """
    spared = set()
    for layer in network.submodules:
        if isinstance(layer, (tf.keras.layers.BatchNormalization, GeneralizedMeanPooling)):
            spared.update(id(variable) for variable in layer.trainable_variables)
    return [
        variable
        for variable in network.trainable_variables
        if id(variable) not in spared and (biases or variable.shape.rank > 1)
    ]


def decays(network: tf.keras.Model, weight_decay: float, biases: bool = True) -> list[float]:
    """Returns the decay of each trainable variable of `network`, in its order; 0: none."""
    decayed = {id(variable) for variable in decayed_variables(network, biases)}
    variables = network.trainable_variables
    return [weight_decay if id(variable) in decayed else 0.0 for variable in variables]


def decoupled(
    kind: type[tf.keras.optimizers.Optimizer], decays: Sequence[float]
) -> type[tf.keras.optimizers.Optimizer]:
    """Returns the optimiser class `kind`, whose updates take `rate * decay * weight` away first.

    The rate is that of the variable (`layer_rates`). `decays` are in the order of the variables
    that it is built with.
    """

    class Decoupled(kind):
        """`kind` with a decay of its own for each variable."""

        def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
            """Shrinks one variable, and updates it."""
            decay = decays[self._index_dict[self._var_key(variable)]]
            if decay:
                rate = tf.cast(self.learning_rate, variable.dtype)
                variable.assign_sub(rate * decay * tf.convert_to_tensor(variable))
            super().update_step(gradient, variable)

    return Decoupled
