"""Options A, B and C of the ResNet paper's shortcuts, of 18 and 34 layers."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, cost
from nets.layers.zero_pad_shortcut import ZeroPadShortcut

# ResNet-34 of 1,000 classes has 21,797,672 parameters (torchvision). A lacks its three projections,
# 64*128 + 128*256 + 256*512 and two numbers of batch norm for each of 896 channels. C adds one to
# each of the 3 + 3 + 5 + 2 other blocks of stages 1 to 4, of 64, 128, 256 and 512 channels.
PROJECTIONS = 64 * 128 + 128 * 256 + 256 * 512 + 2 * 896
OTHERS = sum(n * (width**2 + 2 * width) for n, width in ((3, 64), (3, 128), (5, 256), (2, 512)))
PARAMETERS = {"A": 21797672 - PROJECTIONS, "B": 21797672, "C": 21797672 + OTHERS}


@pytest.mark.parametrize("kind", PARAMETERS)
def test_parameters_of_resnet_34(kind):
    config = ModelConfig(resnet_size=34, num_classes=1000, shortcut_type=kind)
    assert cost(config).trainable == PARAMETERS[kind]


@pytest.mark.parametrize("kind", "AC")
def test_what_is_counted_is_what_is_built(kind):
    config = ModelConfig(resnet_size=18, num_classes=5, num_filters=8, shortcut_type=kind)
    network = build_model(config, (33, 33, 3))
    built = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert built == cost(config, 33).trainable
    assert network(tf.zeros([2, 33, 33, 3])).shape == (2, 5)


def test_cells_are_left_out_and_zeros_added():
    x = tf.reshape(tf.range(1.0, 19.0), [1, 3, 3, 2])
    layer = ZeroPadShortcut.from_config(ZeroPadShortcut(5, 2).get_config())
    found = layer(x).numpy()
    assert found.shape == (1, 2, 2, 5)
    # Rows and columns 0 and 2: cells 0, 2, 6 and 8, each with its two channels, then zeros.
    assert found[0, 0, 0].tolist() == [1, 2, 0, 0, 0]
    assert found[0, 0, 1].tolist() == [5, 6, 0, 0, 0]
    assert found[0, 1, 0].tolist() == [13, 14, 0, 0, 0]
    assert found[0, 1, 1].tolist() == [17, 18, 0, 0, 0]
