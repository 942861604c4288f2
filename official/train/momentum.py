"""Momentum as the original has it: the learning rate outside the accumulator."""

import tensorflow as tf


@tf.keras.saving.register_keras_serializable(package="assembled_cnn")
class Momentum(tf.keras.optimizers.Optimizer):
    """`accumulator = momentum * accumulator + gradient; weight -= rate * accumulator`.

    `tf.keras.optimizers.SGD` puts the rate inside the accumulator, so that a falling rate still
    drags old, larger updates along; under a schedule the two train differently. The slots are
    called `Momentum`, as in the original's checkpoints.
    """

    def __init__(self, learning_rate=0.01, momentum: float = 0.9, name: str = "Momentum", **kwargs):
        """Takes a rate or its schedule, and the share of the accumulator that is kept, in [0, 1).

        Raises:
          ValueError: another share.
        """
        # With Keras' default of 0 every step subtracts zero times every variable; the loss has the
        # decay.
        kwargs.setdefault("weight_decay", None)
        super().__init__(name=name, **kwargs)
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"--momentum must be in [0, 1). Received: {momentum}")
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.momentum = momentum

    def build(self, var_list) -> None:
        """Makes one accumulator, zeros of the variable's shape, for each variable."""
        super().build(var_list)
        if getattr(self, "accumulators", None):
            return
        self.accumulators = [
            self.add_variable_from_reference(variable, "Momentum") for variable in var_list
        ]

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates one variable in place; sparse gradients are made dense.

        One operation does it all: written out it is seven for each of the hundreds of variables,
        and three more passes over the memory.
        """
        self._accumulate(variable, tf.convert_to_tensor(gradient), self.learning_rate)

    def _accumulate(
        self, variable: tf.Variable, gradient: tf.Tensor, rate: float | tf.Tensor
    ) -> None:
        """Adds to the accumulator of a variable, and takes `rate` times that away from it."""
        accumulator = self.accumulators[self._index_dict[self._var_key(variable)]]
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=accumulator.handle,
            lr=tf.cast(rate, variable.dtype),
            grad=gradient,
            momentum=tf.cast(self.momentum, variable.dtype),
        )

    def get_config(self) -> dict:
        """Returns the optimiser's settings."""
        config = super().get_config()
        config.update(
            learning_rate=self._serialize_hyperparameter(self._learning_rate),
            momentum=self.momentum,
        )
        return config
