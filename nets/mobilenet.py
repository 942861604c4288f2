"""MobileNet-V1: depthwise separable convolutions; with squeeze-and-excitation SE-MobileNet-V1.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications"
(arXiv:1704.04861), table 1; squeeze-and-excitation behind each separable convolution, as in Hu et
al. (arXiv:1709.01507), table 3, whose 4.7 million parameters it has. The networks of the ablation
in the second version of arXiv:2001.06268 (its table 9), whose code was not published: ReLU6 is
that of the published MobileNets, padding, batch norm and DropBlock are those of the ResNets here.
"""

from __future__ import annotations

import tensorflow as tf

from nets.builder import LayerBuilder

# Separable convolutions of the four stages, whose maps are as large as those of a ResNet's stages.
BLOCKS = (2, 2, 6, 2)
LARGEST = 6.0


def features(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The network without its head.

    Images [N, H, W, 3] to [N, ceil(H / 32), ceil(W / 32), 16 * num_filters].
    """
    config = build.config
    x = build.conv(images, config.num_filters // 2, 3, strides=2)
    x = build.named(x, "initial_conv")
    x = build.norm(x)
    x = build.relu(x, LARGEST)
    x = separable(x, config.num_filters, 1, build)
    for index, blocks in enumerate(BLOCKS):
        strides = 1 if config.no_downsample and index == 3 else 2
        filters = 2 ** (index + 1) * config.num_filters
        in_stage = build.in_stage(index)
        for position in range(blocks):
            x = separable(x, filters, 1 if position else strides, in_stage)
        x = build.named(x, f"stage{index + 1}")
    return x


def separable(x: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """3x3 depthwise, 1x1, each with batch norm, DropBlock and ReLU6; channel attention."""
    x = build.depthwise(x, 3, strides)
    x = build.norm(x)
    x = build.drop(x)
    x = build.relu(x, LARGEST)
    x = build.conv(x, filters, 1)
    x = build.norm(x)
    x = build.drop(x)
    x = build.relu(x, LARGEST)
    x = build.squeeze_excite(x)
    return build.efficient_attention(x)
