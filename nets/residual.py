"""The residual blocks and a stage of them.

He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), figure 5; the stride
of a bottleneck sits on its 3x3 convolution (ResNet-B of arXiv:1812.01187, figure 2), or, with
`use_resnet_b=False`, on the 1x1 before it.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from nets.builder import LayerBuilder

EXPANSION = 4

Shortcut = Callable[[tf.Tensor, int, int, LayerBuilder], tf.Tensor]


def bottleneck(
    x: tf.Tensor,
    filters: int,
    strides: int,
    build: LayerBuilder,
    shortcut: Shortcut | None = None,
    last_relu: bool = True,
) -> tf.Tensor:
    """1x1, 3x3, 1x1, each with batch norm; sum with the shortcut; ReLU.

    Args:
        x: [N, H, W, C].
        filters: Channels of the 3x3; the block gives four times as many.
        strides: Stride of the 3x3 (or of the first 1x1) and of the shortcut.
        build: Makes the layers.
        shortcut: Projects the input to the block's output; None takes it as it is.
        last_relu: Whether a ReLU ends the block.
    """
    on_1x1, on_3x3 = (1, strides) if build.config.use_resnet_b else (strides, 1)
    stride_1x1, blur_1x1 = build.strides_at("sconv", on_1x1)
    stride_3x3, blur_3x3 = build.strides_at("sconv", on_3x3)
    skip = project(x, EXPANSION * filters, strides, build, shortcut)

    y = build.conv(x, filters, 1, stride_1x1)
    y = build.norm(y)
    y = build.drop(y)
    y = build.relu(y)
    y = build.blur(y, blur_1x1)

    y = spatial(y, filters, stride_3x3, build)
    y = build.blur(y, blur_3x3)

    y = build.conv(y, EXPANSION * filters, 1)
    y = build.norm(y, zero_gamma=build.config.zero_gamma)
    y = build.drop(y)
    y = build.squeeze_excite(y)
    y = build.efficient_attention(y)

    y = build.add(y, skip)
    return build.relu(y) if last_relu else y


def basic(
    x: tf.Tensor,
    filters: int,
    strides: int,
    build: LayerBuilder,
    shortcut: Shortcut | None = None,
    last_relu: bool = True,
) -> tf.Tensor:
    """Two 3x3, each with batch norm; sum with the shortcut; ReLU. Arguments as of `bottleneck`.

    The first 3x3 carries the stride and is the one that tweaks replace. Where the shortcut would
    change nothing (stride 1, same channels) it is the identity, as in the paper, but of
    `shortcut_type` C; a plain network has none.
    """
    stride, blur = build.strides_at("sconv", strides)
    unchanged = strides == 1 and x.shape[-1] == filters and build.config.shortcut_type != "C"
    skip = project(x, filters, strides, build, None if unchanged else shortcut)

    y = spatial(x, filters, stride, build)
    y = build.blur(y, blur)

    y = build.conv(y, filters, 3)
    y = build.norm(y, zero_gamma=build.config.zero_gamma)
    y = build.drop(y)
    y = build.squeeze_excite(y)
    y = build.efficient_attention(y)

    y = build.add(y, skip)
    return build.relu(y) if last_relu else y


def spatial(y: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """The 3x3 of a block, or the selective kernel unit that takes its place."""
    if not build.config.use_sk_block:
        return convolve(y, filters, strides, build)
    if build.config.sk_type == "3x3_2x":
        return select_kernels(y, filters, strides, build)
    return select_two_kernels(y, filters, strides, build)


def convolve(y: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """The plain 3x3, with batch norm, DropBlock and ReLU."""
    y = build.conv(y, filters, 3, strides)
    y = build.norm(y)
    y = build.drop(y)
    return build.relu(y)


def select_kernels(y: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """The selective kernel unit with one 3x3 of doubled channels (the paper's)."""
    y = build.selective_kernel(y, filters, strides)
    return build.drop(y)


def select_two_kernels(y: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """The selective kernel unit with a 3x3 and a 5x5 branch."""
    small = build.conv(y, filters, 3, strides)
    small = build.norm(small)
    small = build.relu(small)

    large = build.conv(y, filters, 5, strides)
    large = build.norm(large)
    large = build.relu(large)

    y = build.fuse(large, small)
    return build.drop(y)


def project(
    x: tf.Tensor, filters: int, strides: int, build: LayerBuilder, shortcut: Shortcut | None
) -> tf.Tensor | None:
    """The shortcut of a block: the identity, or a projection with its batch norm and DropBlock."""
    if build.config.no_shortcut:
        return None
    if shortcut is None:
        return x
    if build.config.shortcut_type == "A":
        return build.pad_channels(x, filters, strides)
    skip = shortcut(x, filters, strides, build)
    skip = build.norm(skip)
    return build.drop(skip)


def plain_shortcut(x: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """A strided 1x1 convolution, or with `proj` anti-aliasing a blur and a 1x1 at stride 1."""
    stride, blur = build.strides_at("proj", strides)
    x = build.blur(x, blur)
    return build.conv(x, filters, 1, stride)


def stage(
    x: tf.Tensor,
    filters: int,
    blocks: int,
    strides: int,
    build: LayerBuilder,
    shortcut: Shortcut = plain_shortcut,
    last_relu: bool = True,
) -> tf.Tensor:
    """A row of blocks; the first one has the stride and the projection, of type C all have one.

    `last_relu` tells whether the last block ends with a ReLU; a row of a single block always does.
    """
    block = bottleneck if build.config.bottleneck else basic
    rest = shortcut if build.config.shortcut_type == "C" else None
    x = block(x, filters, strides, build, shortcut)
    for position in range(1, blocks):
        x = block(x, filters, 1, build, rest, last_relu or position < blocks - 1)
    return x
