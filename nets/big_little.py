"""Big-Little: a deep branch at half resolution and a thin one at full resolution, merged.

Chen et al., "Big-Little Net: An Efficient Multi-Scale Feature Representation" (arXiv:1807.03848),
figure 2 and table 1.
"""

from __future__ import annotations

import tensorflow as tf

from nets.builder import LayerBuilder
from nets.residual import EXPANSION, stage


def stem_pool(x: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The two-branch module that takes the place of the first max-pool.

    [N, H, W, num_filters] to [N, ceil(H / 2), ceil(W / 2), num_filters].
    """
    width = build.config.num_filters
    thin = width // build.config.bl_alpha
    big = build.conv_norm(x, width, 3, strides=2)
    little = build.conv_norm_relu(x, thin, 3)
    little = build.conv_norm_relu(little, thin, 3, strides=2)
    little = build.conv_norm(little, width, 1)
    merged = build.add(little, big)
    merged = build.relu(merged)
    return build.conv_norm_relu(merged, width, 1)


def average_shortcut(x: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """A 3x3 average pool where there is a stride, then a 1x1 convolution.

    The padded zeros count in the averages.
    """
    if strides > 1:
        x = build.average_pool(x, 3, strides)
    return build.conv(x, filters, 1)


def two_branch_stage(
    x: tf.Tensor, filters: int, blocks: int, strides: int, number: int, build: LayerBuilder
) -> tf.Tensor:
    """A stage of two branches and the block that merges them.

    The big branch has `blocks - 1` blocks at half resolution and no last ReLU (a single block
    keeps it). The little branch has `max(1, blocks // beta - 1)` blocks of `filters / alpha`. The
    merging block carries the stage's stride.

    Args:
        x: [N, H, W, C].
        filters: Channels of the big branch's 3x3; the stage gives four times as many.
        blocks: Depth of the stage in the table.
        strides: Stride of the merging block.
        number: 1 to 3, for the names.
        build: Makes the layers, within the stage's scope.
    """
    config = build.config
    big_build = build.scope(f"big{number}")
    big = stage(x, filters, blocks - 1, 2, big_build, average_shortcut, last_relu=False)
    big = build.named(big, f"stage{number}.big")

    little_build = build.scope(f"little{number}")
    little_blocks = max(1, blocks // config.bl_beta - 1)
    thin = filters // config.bl_alpha
    little = stage(x, thin, little_blocks, 1, little_build, average_shortcut)
    little = build.named(little, f"stage{number}.little")
    little = little_build.conv_norm(little, EXPANSION * filters, 1)

    merge_build = build.scope(f"merge{number}")
    merged = merge_build.upsample_add(little, big)
    merged = merge_build.relu(merged)
    return stage(merged, filters, 1, strides, merge_build, average_shortcut)
