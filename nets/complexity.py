"""What a model costs: parameters, and multiplications of one picture.

The count is that of the paper and of the original's profiler: convolutions and dense layers, one
multiplication and addition being one. A blur counts as the depthwise convolution that it stands
for, whatever computes it.
"""

from __future__ import annotations

import math

import tensorflow as tf

from nets.layers.anti_alias import BlurPool2D
from nets.layers.efficient_channel_attention import EfficientChannelAttention
from nets.layers.selective_kernel import SelectiveKernel, SelectiveKernelFusion
from nets.layers.squeeze_excitation import SqueezeExcitation


def multiply_adds(model: tf.keras.Model) -> int:
    """Counts the multiplications with addition that one picture takes.

    Args:
        model: Built with a fixed picture size: `build_model(config, (224, 224, 3))`.

    Returns:
        The count; the FLOPs are twice as many.

    Raises:
        ValueError: The model was built for pictures of any size.
    """
    if None in model.input_shape[1:]:
        raise ValueError(
            f"multiply_adds needs a model of a fixed picture size; this one takes "
            f"{model.input_shape}: build it with input_shape=(height, width, 3)"
        )
    return sum(_of_layer(layer) for layer in model.layers)


def parameters(model: tf.keras.Model) -> tuple[int, int]:
    """Counts the model's numbers.

    Args:
        model: A built model.

    Returns:
        Trainable ones, and all (with the moving statistics, without the state of DropBlock).
    """
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    moving = sum(
        math.prod(weight.shape) for weight in model.non_trainable_weights if weight.shape.rank
    )
    return trainable, trainable + moving


def _of_layer(layer: tf.keras.layers.Layer) -> int:
    """Multiplications of one layer of the functional graph."""
    if isinstance(layer, tf.keras.layers.DepthwiseConv2D):
        return _convolution(layer.depthwise_kernel, layer.output_shape)
    if isinstance(layer, tf.keras.layers.Conv2D):
        return _convolution(layer.kernel, layer.output_shape)
    if isinstance(layer, tf.keras.layers.Dense):
        return math.prod(layer.kernel.shape)
    if isinstance(layer, (SelectiveKernelFusion, SqueezeExcitation)):
        kernels = (layer.squeeze.kernel, layer.excite.kernel)
        inner = sum(math.prod(kernel.shape) for kernel in kernels)
        if isinstance(layer, SelectiveKernel):
            inner += _convolution(layer.conv.kernel, layer.output_shape)
        return inner
    if isinstance(layer, EfficientChannelAttention):
        return math.prod(layer.excite.kernel.shape) * layer.output_shape[-1]
    if isinstance(layer, BlurPool2D) and layer.filter_size > 1:
        return layer.filter_size**2 * math.prod(layer.output_shape[1:])
    return 0


def _convolution(kernel: tf.Variable, output_shape: tuple[int, ...]) -> int:
    """Multiplications of a convolution whose output map has this size."""
    return math.prod(kernel.shape) * output_shape[1] * output_shape[2]
