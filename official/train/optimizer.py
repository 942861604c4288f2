"""The optimiser of a recipe."""

import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train import layer_rates, schedules, weight_decay
from official.train.lars import Lars
from official.train.momentum import Momentum

# The class, and what it calls the momentum.
_KINDS = {
    "momentum": (Momentum, "momentum"),
    "adam": (tf.keras.optimizers.Adam, "beta_1"),
    "adamw": (tf.keras.optimizers.Adam, "beta_1"),
    "lars": (Lars, "momentum"),
}


def make_optimizer(
    recipe: RecipeConfig,
    num_images: int,
    network: tf.keras.Model | None = None,
    plateau: tf.Variable | None = None,
) -> tf.keras.optimizers.Optimizer:
    """Returns the recipe's optimiser; call inside the strategy's scope.

    With fp16 the loss is scaled by a constant 128, as in the original, or as --loss_scale says.
    `network` is needed where its groups have rates of their own, and where the optimiser does the
    weight decay. `plateau` multiplies the rate of that schedule.

    Raises:
      RunError: it has no group that --layer_rates names.
    """
    rate = schedules.LearningRate(recipe, num_images / recipe.batch_size, plateau)
    kind, name = _KINDS[recipe.optimizer]
    settings = {name: recipe.momentum}
    if recipe.cycles_momentum:
        # A variable, since it is read once for each of the hundreds of weights.
        # Each replica sets the same value.
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        variable = tf.Variable(recipe.momentum, trainable=False, name="momentum", aggregation=first)
        settings = {name: variable}
    if recipe.decay_type != "l2":
        decays = weight_decay.decays(network, recipe.weight_decay, recipe.decay_biases)
        if recipe.decay_type == "lars":
            settings |= {"decays": decays, "coefficient": recipe.lars_trust_coefficient}
        else:
            kind = weight_decay.decoupled(kind, decays)
    if recipe.layer_rates:
        kind = layer_rates.with_factors(kind, layer_rates.factors(recipe, network))
    optimizer = kind(learning_rate=rate, global_clipnorm=recipe.clip_norm or None, **settings)
    if recipe.dtype != "fp16":
        return optimizer
    if recipe.scales_loss_dynamically:
        return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    scale = float(recipe.loss_scale or 128)
    return tf.keras.mixed_precision.LossScaleOptimizer(
        optimizer, dynamic=False, initial_scale=scale
    )


def momentum_of(optimizer: tf.keras.optimizers.Optimizer) -> tf.Variable:
    """Returns the variable that holds the momentum where the schedule moves it."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return getattr(optimizer, "momentum", None) or optimizer.beta_1
