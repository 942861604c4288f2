"""Groups of layers with rates of their own."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model
from nets.groups import groups
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train.layer_rates import with_factors
from official.train.optimizer import make_optimizer

# The rates of the original's recipe for CUB-200-2011, relative to that of the new classifier.
CUB = ("stem:1/10", "stage1:1/8", "stage2:1/6", "stage3:1/4", "stage4:1/2")


def recipe(*rates):
    return RecipeConfig(
        base_learning_rate=1e-3, learning_rate_decay_type="fixed", layer_rates=rates
    )


def test_each_group_moves_at_its_rate():
    """With gradients of one, the second step of momentum moves a weight by 1 + 1.9 rates."""
    network = build_model(ModelConfig(resnet_size=18, num_filters=4, num_classes=3))
    optimizer = make_optimizer(recipe(*CUB, "head:1/2"), 32, network)
    variables = network.trainable_variables
    optimizer.build(variables)
    before = [variable.numpy() for variable in variables]

    @tf.function
    def step():
        optimizer.apply_gradients([(tf.ones_like(variable), variable) for variable in variables])

    step()
    step()
    rate = {"stem": 10, "stage1": 8, "stage2": 6, "stage3": 4, "stage4": 2, "head": 2}
    group = {
        id(variable): name
        for name, layers in groups(network).items()
        for layer in layers
        for variable in layer.trainable_variables
    }
    for variable, old in zip(variables, before, strict=True):
        moved = 1e-3 / rate[group[id(variable)]] * 2.9
        np.testing.assert_allclose(old - variable.numpy(), moved, atol=3e-7)
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)  # As the logs have it.


def test_the_rate_of_adam_has_factors_too():
    """Adam's first step is the rate, whatever the gradient."""
    kind = with_factors(tf.keras.optimizers.Adam, [1.0, 0.25])
    one, other = tf.Variable([1.0]), tf.Variable([1.0])
    optimizer = kind(learning_rate=0.1)
    optimizer.build([one, other])
    optimizer.apply_gradients([(tf.constant([5.0]), one), (tf.constant([5.0]), other)])
    assert float(one[0]) == pytest.approx(0.9, abs=1e-5)
    assert float(other[0]) == pytest.approx(0.975, abs=1e-5)


def test_groups_that_are_not_there_are_named():
    network = build_model(ModelConfig(resnet_size=18, num_filters=4, num_classes=3))
    with pytest.raises(RunError, match="no group stage5.*stem, stage1, stage2, .*, head"):
        make_optimizer(recipe("stage5:0.1"), 32, network)


@pytest.mark.parametrize("entry", ["stem", "stem:", "stem:fast", "stem:-1", "stem:1/0", ":1"])
def test_what_is_no_rate_is_refused(entry):
    with pytest.raises(ValueError, match="--layer_rates must name each group once") as error:
        recipe("head:2", entry)
    assert repr(entry) in str(error.value)
    with pytest.raises(ValueError, match="--layer_rates must name each group once"):
        recipe("head:2", "head:1")
