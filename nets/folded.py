"""Makes the layers of a network whose batch norms are folded into the convolutions before them."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from nets.builder import LayerBuilder
from nets.layers import PACKAGE, Layer
from nets.layers.convolution import FixedPaddingDepthwiseConv2D, convolution
from nets.layers.selective_kernel import SelectiveKernel, SelectiveKernelFusion

# Pairs of a convolution and its batch norm inside a layer, by attribute.
INNER_PAIRS = {
    SelectiveKernel: (("conv", "norm"), ("squeeze", "squeeze_norm")),
    SelectiveKernelFusion: (("squeeze", "squeeze_norm"),),
}


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FoldedBatchNorm(Layer):
    """The identity, where a batch norm was whose work the convolution of that name does."""

    arguments = ("convolution",)

    def __init__(self, convolution: str, **kwargs: Any) -> None:
        """Makes the layer."""
        super().__init__(**kwargs)
        self.convolution = convolution

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns `inputs`.

        Raises:
            ValueError: `training` is true: a folded network has no batch statistics.
        """
        if training is True:
            raise ValueError(f"{self.name}: a network with folded batch norm cannot be trained")
        return inputs


@dataclasses.dataclass(frozen=True)
class FoldedBuilder(LayerBuilder):
    """A builder whose convolutions have a bias and whose batch norms are identities.

    The blocks make every batch norm right behind its convolution.

    Attributes:
        convolutions: Names of the convolutions that were made so far.
    """

    convolutions: list[str] = dataclasses.field(default_factory=list)

    def conv(self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1) -> tf.Tensor:
        """A convolution with bias."""
        self.convolutions.append(self.names.unique("conv2d"))
        name = self.convolutions[-1]
        return convolution(filters, kernel_size, strides, use_bias=True, name=name)(x)

    def depthwise(self, x: tf.Tensor, kernel_size: int, strides: int) -> tf.Tensor:
        """A convolution of each channel by itself, with bias."""
        self.convolutions.append(self.names.unique("depthwise_conv2d"))
        name = self.convolutions[-1]
        return FixedPaddingDepthwiseConv2D(kernel_size, strides, use_bias=True, name=name)(x)

    def norm(self, x: tf.Tensor, zero_gamma: bool = False) -> tf.Tensor:
        """Nothing; the convolution that was made last does it."""
        name = self.names.unique("batch_normalization")
        return FoldedBatchNorm(self.convolutions[-1], name=name)(x)

    def attention(self, kind: type, filters: int, **fields: Any) -> SelectiveKernelFusion:
        """A layer whose inner convolutions have a bias in place of batch norm, not yet built."""
        layer = super().attention(kind, filters, **fields)
        for conv, norm in INNER_PAIRS[kind]:
            old = getattr(layer, conv)
            setattr(layer, conv, type(old).from_config({**old.get_config(), "use_bias": True}))
            setattr(layer, norm, FoldedBatchNorm(old.name, name=getattr(layer, norm).name))
        return layer
