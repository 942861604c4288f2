"""The ResNets of the paper without their heads: stem and four stages.

Lee et al., "Compounding the Performance Improvements of Assembled Techniques in a Convolutional
Neural Network" (arXiv:2001.06268), section 3; the depths are in `nets.depths`.
"""

from __future__ import annotations

import tensorflow as tf

from nets import big_little, mobilenet, resnet_d
from nets.builder import LayerBuilder
from nets.residual import plain_shortcut, stage


def features(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The network without its head: images [N, H, W, 3] to the output of stage 4."""
    if build.config.architecture == "mobilenet_v1":
        return mobilenet.features(images, build)
    x = _stem(images, build)
    for index in range(4):
        x = _stage(x, index, build.in_stage(index))
        x = build.named(x, f"stage{index + 1}")
    return x


def _stem(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The convolution of stride 2 and the pool of stride 2: [N, H/4, W/4, num_filters]."""
    if build.config.big_little:
        x = _first_conv(images, build.scope("stage0"))
        # TensorFlow 1 opened the scope anew for the batch norm, which made it `stage0_1`.
        again = build.scope("stage0")
        x = again.norm(x)
        x = again.relu(x)
        x = big_little.stem_pool(x, build.scope("stage0.pool"))
    else:
        x = _first_conv(images, build)
        x = build.norm(x)
        x = build.relu(x)
        stride, blur = build.strides_at("max", 2)
        x = build.max_pool(x, stride)
        x = build.blur(x, blur)
    return build.named(x, "initial_pool")


def _first_conv(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The convolution of stride 2, or the three that stand for it; its batch norm is to follow."""
    if build.config.deep_stem:
        x = resnet_d.deep_stem(images, build)
    else:
        x = build.conv(images, build.config.num_filters, 7, strides=2)
    return build.named(x, "initial_conv")


def _stage(x: tf.Tensor, index: int, build: LayerBuilder) -> tf.Tensor:
    """Stage `index` (0 to 3) of the network."""
    config = build.config
    filters = config.num_filters * 2**index
    blocks = config.blocks[index]
    strides = config.strides[index]
    if not config.big_little:
        shortcut = resnet_d.average_shortcut if config.use_resnet_d else plain_shortcut
        return stage(x, filters, blocks, strides, build, shortcut)
    build = build.scope(f"stage{index + 1}")
    if index < 3:
        return big_little.two_branch_stage(x, filters, blocks, strides, index + 1, build)
    shortcut = (resnet_d if config.use_resnet_d else big_little).average_shortcut
    return stage(x, filters, blocks, strides, build, shortcut)
