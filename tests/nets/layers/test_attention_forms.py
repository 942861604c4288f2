"""Efficient channel attention and the selective kernel of two kernel sizes, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, original_variable_names
from nets.builder import LayerBuilder
from nets.layers.efficient_channel_attention import EfficientChannelAttention, adaptive_size
from nets.layers.selective_kernel import SelectiveKernelFusion
from nets.residual import spatial


@pytest.mark.parametrize(
    "channels, size", [(16, 3), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7)]
)
def test_width_follows_the_channels(channels, size):
    # (log2 C + 1) / 2 rounded down, then up to the next odd number.
    assert adaptive_size(channels) == size
    layer = EfficientChannelAttention()
    layer.build([None, 4, 4, channels])
    assert layer.excite.kernel.shape == [size, 1, 1]


def test_gates_by_hand():
    layer = EfficientChannelAttention(3)
    inputs = np.array([[[[1, 10, -4]], [[3, 30, 0]]]], np.float32)
    layer(inputs)
    layer.excite.kernel.assign([[[0.1]], [[0.2]], [[0.3]]])
    # Means 2, 20, -2; outside of the channels there are zeros.
    sums = np.array([0.2 * 2 + 0.3 * 20, 0.1 * 2 + 0.2 * 20 - 0.3 * 2, 0.1 * 20 - 0.2 * 2])
    np.testing.assert_allclose(layer(inputs), inputs / (1 + np.exp(-sums)), rtol=1e-6)
    with pytest.raises(ValueError, match="kernel_size=4 must be odd"):
        EfficientChannelAttention(4)


def test_two_kernels_by_hand():
    """Impulses: the 3x3 branch sees ones, the 5x5 branch twos; the attention is set."""
    config = ModelConfig(use_sk_block=True, sk_type="3x3_5x5", sk_min_width=1, sk_reduction=1)
    images = tf.keras.Input((7, 7, 1))
    model = tf.keras.Model(images, spatial(images, 1, 2, LayerBuilder(config)))
    variables = original_variable_names(model)
    kernels = [(name, v.shape.as_list()) for name, v in variables.items() if "kernel" in name]
    assert sorted(kernels) == [
        ("resnet_model/conv2d/kernel", [3, 3, 1, 1]),
        ("resnet_model/conv2d_1/kernel", [5, 5, 1, 1]),
        ("resnet_model/sk_block/sk_fc_1/kernel", [1, 1, 1, 1]),
        ("resnet_model/sk_block/sk_fc_2/kernel", [1, 1, 1, 2]),
    ]
    variables["resnet_model/conv2d/kernel"].assign(np.ones([3, 3, 1, 1]))
    variables["resnet_model/conv2d_1/kernel"].assign(2 * np.ones([5, 5, 1, 1]))
    variables["resnet_model/sk_block/sk_fc_1/kernel"].assign([[[[0.5]]]])
    # Logits of the 5x5 and of the 3x3 branch.
    variables["resnet_model/sk_block/sk_fc_2/kernel"].assign([[[[2.0, 1.0]]]])
    share = 1 / np.sqrt(1 + 1.001e-5)
    # Ones everywhere: a window counts its cells inside of the image, every second row and column.
    small, large = (
        share * value * np.outer(cells, cells)
        for value, cells in ((1, [2, 3, 3, 2]), (2, [3, 5, 5, 3]))
    )
    hidden = (small.mean() + large.mean()) * 0.5 * share
    weight = 1 / (1 + np.exp(-(2 * hidden - hidden)))
    expected = weight * large + (1 - weight) * small
    output = model(np.ones([1, 7, 7, 1], np.float32))[0, :, :, 0]
    np.testing.assert_allclose(output, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "layer", [EfficientChannelAttention(5), SelectiveKernelFusion(8, 4, 16, 0.9, 1e-3)]
)
def test_config_round_trip(layer):
    config = tf.keras.saving.serialize_keras_object(layer)
    copy = tf.keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(layer) and copy.get_config() == layer.get_config()
