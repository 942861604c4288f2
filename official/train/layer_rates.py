"""Rates of their own for groups of layers: what is nearer to the image learns slower."""

import tensorflow as tf

from nets.groups import groups
from official.run.errors import RunError
from official.run.recipe import RecipeConfig


def factors(recipe: RecipeConfig, network: tf.keras.Model) -> list[float]:
    """Returns the factor of the rate for each trainable variable of `network`, in its order.

    Raises:
      RunError: the network has no such group.
    """
    wanted, known = recipe.layer_factors, groups(network)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RunError(
            f"--layer_rates={','.join(recipe.layer_rates)}: this network has no group "
            f"{', '.join(unknown)}. Its groups are {', '.join(known)}."
        )
    factor_of = {
        id(variable): wanted.get(name, 1.0)
        for name, layers in known.items()
        for layer in layers
        for variable in layer.trainable_variables
    }
    return [factor_of[id(variable)] for variable in network.trainable_variables]


def with_factors(
    kind: type[tf.keras.optimizers.Optimizer], rate_factors: list[float]
) -> type[tf.keras.optimizers.Optimizer]:
    """Returns the optimiser class `kind` with a factor of the rate for each variable.

    It needs an optimiser that takes its rate as `self.learning_rate` in `update_step`, as all of
    Keras do. `rate_factors` are in the order of the variables that it is built with.
    """

    class WithFactors(kind):
        """`kind`, one variable at a time at a rate of its own."""

        _factor = 1.0

        def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
            """Updates one variable at its rate."""
            self._factor = rate_factors[self._index_dict[self._var_key(variable)]]
            super().update_step(gradient, variable)
            self._factor = 1.0

        @property
        def learning_rate(self) -> tf.Tensor:
            """Returns the rate; while a variable is updated, times its factor."""
            rate = super().learning_rate
            return rate if self._factor == 1.0 else rate * self._factor

    return WithFactors
