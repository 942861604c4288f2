"""ResNet-D: a deep stem, and shortcuts that average where others drop three cells of four.

He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks"
(arXiv:1812.01187), section 4.1 and figure 2.
"""

from __future__ import annotations

import tensorflow as tf

from nets.builder import LayerBuilder


def deep_stem(x: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """Three 3x3 convolutions in place of the 7x7, the first with stride 2.

    [N, H, W, 3] to [N, ceil(H / 2), ceil(W / 2), num_filters]; the batch norm of the third is to
    follow.
    """
    width = build.config.num_filters
    x = build.conv_norm_relu(x, width // 2, 3, strides=2)
    x = build.conv_norm_relu(x, width // 2, 3)
    return build.conv(x, width, 3)


def average_shortcut(x: tf.Tensor, filters: int, strides: int, build: LayerBuilder) -> tf.Tensor:
    """A 2x2 average pool with the stride, then a 1x1 convolution.

    The pool is there at stride 1 too, as in the original. At odd sizes the padded zeros count.
    """
    x = build.average_pool(x, 2, strides)
    return build.conv(x, filters, 1)
