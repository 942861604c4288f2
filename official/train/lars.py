"""LARS: a rate for each layer, for batches of thousands of images."""

from collections.abc import Sequence

import tensorflow as tf

from official.train.momentum import Momentum


class Lars(Momentum):
    """Layer-wise adaptive rate scaling (You et al., 1708.03888, algorithm 1).

    `accumulator = momentum * accumulator + rate * trust * (gradient + decay * weight)`;
    `weight -= accumulator`, where `trust` is
    `coefficient * |weight| / (|gradient| + decay * |weight|)`. The rate is inside of the
    accumulator, as in the paper. Vectors (biases, batch norm) have a trust of 1, as is usual, and
    so has what is all zeros.
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum: float = 0.9,
        decays: Sequence[float] = (),
        coefficient: float = 0.001,
        name: str = "Lars",
        **kwargs,
    ):
        """Takes the weight decay of each variable, in the order of `build`; empty: none.

        Raises:
          ValueError: a momentum outside of [0, 1).
        """
        super().__init__(learning_rate, momentum, name, **kwargs)
        self.decays = tuple(decays)
        self.coefficient = coefficient

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates one variable in place; sparse gradients are made dense."""
        index = self._index_dict[self._var_key(variable)]
        decay = self.decays[index] if self.decays else 0.0
        gradient, weight = tf.convert_to_tensor(gradient), tf.convert_to_tensor(variable)
        rate = tf.cast(tf.convert_to_tensor(self.learning_rate), weight.dtype)
        if weight.shape.rank > 1:
            size = tf.norm(weight)
            whole = tf.norm(gradient) + decay * size
            trust = self.coefficient * size / tf.where(whole > 0, whole, 1.0)
            rate *= tf.where((size > 0) & (whole > 0), trust, 1.0)
        self._accumulate(variable, rate * (gradient + decay * weight), 1.0)

    def get_config(self) -> dict:
        """Returns the optimiser's settings."""
        settings = {"decays": self.decays, "coefficient": self.coefficient}
        return {**super().get_config(), **settings}
