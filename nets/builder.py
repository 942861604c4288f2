"""Makes the layers of one model and applies them: names, settings and DropBlock in one place."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from nets.config import ModelConfig
from nets.layers.anti_alias import BlurPool2D
from nets.layers.batch_norm import batch_norm
from nets.layers.convolution import FixedPaddingDepthwiseConv2D, convolution
from nets.layers.drop_block import DropBlock
from nets.layers.efficient_channel_attention import EfficientChannelAttention
from nets.layers.merging import UpsampleAdd
from nets.layers.pooling import FixedPaddingAveragePooling2D
from nets.layers.selective_kernel import SelectiveKernel, SelectiveKernelFusion
from nets.layers.squeeze_excitation import SqueezeExcitation
from nets.layers.zero_pad_shortcut import ZeroPadShortcut
from nets.names import ScopeNamer


@dataclasses.dataclass(frozen=True)
class LayerBuilder:
    """Applies the layers of a model to tensors of the functional graph.

    A tweak that is off returns its input: the blocks read the same whatever is switched on.

    Attributes:
        config: What the model is made of.
        names: Namer of the scope that new layers belong to.
        control: Keep probability and seed, from `DropBlockControl`; None without DropBlock.
        gamma_scale: Drop-rate scale of the current stage.
        drop_index: Counts the DropBlock layers of the model.
    """

    config: ModelConfig
    names: ScopeNamer = dataclasses.field(default_factory=ScopeNamer)
    control: tuple[tf.Tensor, tf.Tensor] | None = None
    gamma_scale: float = 0.0
    drop_index: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    def scope(self, kind: str) -> LayerBuilder:
        """The same builder inside a new scope of names."""
        return dataclasses.replace(self, names=self.names.scope(kind))

    def in_stage(self, index: int) -> LayerBuilder:
        """The same builder with the drop-rate scale of stage `index` (0 to 3)."""
        return dataclasses.replace(self, gamma_scale=self.config.dropblock_gamma_scales[index])

    def conv(self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1) -> tf.Tensor:
        """A convolution without bias."""
        name = self.names.unique("conv2d")
        return convolution(filters, kernel_size, strides, name=name)(x)

    def depthwise(self, x: tf.Tensor, kernel_size: int, strides: int) -> tf.Tensor:
        """A convolution of each channel by itself, without bias."""
        name = self.names.unique("depthwise_conv2d")
        return FixedPaddingDepthwiseConv2D(kernel_size, strides, name=name)(x)

    def norm(self, x: tf.Tensor, zero_gamma: bool = False) -> tf.Tensor:
        """A batch normalisation."""
        name = self.names.unique("batch_normalization")
        momentum, epsilon = self.config.bn_momentum, self.config.bn_epsilon
        return batch_norm(momentum, epsilon, zero_gamma, name=name)(x)

    def conv_norm(
        self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1
    ) -> tf.Tensor:
        """Convolution, then batch normalisation."""
        return self.norm(self.conv(x, filters, kernel_size, strides))

    def conv_norm_relu(
        self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1
    ) -> tf.Tensor:
        """Convolution, batch normalisation, ReLU."""
        return self.relu(self.conv_norm(x, filters, kernel_size, strides))

    def relu(self, x: tf.Tensor, largest: float | None = None) -> tf.Tensor:
        """A ReLU, cut off at `largest` if given."""
        return tf.keras.layers.ReLU(largest, name=self.names.unique("relu"))(x)

    def max_pool(self, x: tf.Tensor, strides: int) -> tf.Tensor:
        """The first pool: 3x3, of maps that are nowhere negative."""
        name = self.names.unique("max_pooling2d")
        if self.config.max_pool_padding == "symmetric":
            x = tf.keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
            return tf.keras.layers.MaxPooling2D(3, strides, name=name)(x)
        return tf.keras.layers.MaxPooling2D(3, strides, padding="same", name=name)(x)

    def average_pool(self, x: tf.Tensor, pool_size: int, strides: int) -> tf.Tensor:
        """Average pooling with fixed padding; see `shortcut_pool` of the configuration."""
        if self.config.shortcut_pool == "strided":
            if strides == 1:
                return x
            name = self.names.unique("average_pooling2d")
            return tf.keras.layers.AveragePooling2D(pool_size, strides, "same", name=name)(x)
        name = self.names.unique("average_pooling2d")
        return FixedPaddingAveragePooling2D(pool_size, strides, name=name)(x)

    def pad_channels(self, x: tf.Tensor, filters: int, strides: int) -> tf.Tensor:
        """A shortcut without parameters: cells left out, channels of zeros added."""
        name = self.names.unique("zero_pad_shortcut")
        return ZeroPadShortcut(filters, strides, name=name)(x)

    def strides_at(self, place: str, strides: int) -> tuple[int, int]:
        """Strides of the layer and of the blur at a place; see `nets.layers.anti_alias`."""
        return (1, strides) if place in self.config.anti_alias_places else (strides, 1)

    def blur(self, x: tf.Tensor, strides: int) -> tf.Tensor:
        """Anti-aliased subsampling; nothing at stride 1."""
        if strides == 1:
            return x
        name = self.names.unique("anti_alias")
        return BlurPool2D(self.config.anti_alias_filter_size, strides, name=name)(x)

    def drop(self, x: tf.Tensor) -> tf.Tensor:
        """DropBlock, in the stages that have it."""
        if self.control is None or not self.gamma_scale:
            return x
        name, index = self.names.unique("drop_block"), next(self.drop_index)
        layer = DropBlock(self.config.dropblock_size, self.gamma_scale, index, name=name)
        return layer([x, *self.control])

    def squeeze_excite(self, x: tf.Tensor) -> tf.Tensor:
        """Squeeze-and-excitation, if switched on."""
        if not self.config.use_se_block:
            return x
        name = self.names.unique("se_block")
        return SqueezeExcitation(self.config.se_ratio, self.config.se_bias, name=name)(x)

    def efficient_attention(self, x: tf.Tensor) -> tf.Tensor:
        """Efficient channel attention, if switched on."""
        if not self.config.use_eca_block:
            return x
        name = self.names.unique("eca_block")
        return EfficientChannelAttention(self.config.eca_kernel_size, name=name)(x)

    def selective_kernel(self, x: tf.Tensor, filters: int, strides: int) -> tf.Tensor:
        """The selective kernel unit with one 3x3 of doubled channels."""
        return self.selective_kernel_layer(filters, strides)(x)

    def selective_kernel_layer(self, filters: int, strides: int) -> SelectiveKernel:
        """The layer of `selective_kernel`, not yet applied."""
        conv, norm = self.names.unique("conv2d"), self.names.unique("batch_normalization")
        names = {"conv_name": conv, "norm_name": norm}
        return self.attention(SelectiveKernel, filters, strides=strides, **names)

    def fuse(self, large: tf.Tensor, small: tf.Tensor) -> tf.Tensor:
        """Attention between the two branches of a selective kernel unit."""
        return self.attention(SelectiveKernelFusion, small.shape[-1])([large, small])

    def attention(self, kind: type, filters: int, **fields: Any) -> SelectiveKernelFusion:
        """A layer of one kind of selective kernel unit, not yet applied."""
        config = self.config
        return kind(
            filters,
            reduction=config.sk_reduction,
            min_width=config.sk_min_width,
            momentum=config.bn_momentum,
            epsilon=config.bn_epsilon,
            name=self.names.unique("sk_block"),
            **fields,
        )

    def add(self, branch: tf.Tensor, shortcut: tf.Tensor | None) -> tf.Tensor:
        """Sum of the residual branch and its shortcut, which is None in a plain network."""
        if shortcut is None:
            return branch
        name = self.names.unique("add")
        if self.config.anti_alias_filter_size in (2, 4, 6):
            # Even filters round odd sizes down, strided convolutions and pools round them up.
            return UpsampleAdd(1, name=name)([branch, shortcut])
        return tf.keras.layers.Add(name=name)([branch, shortcut])

    def upsample_add(self, fine: tf.Tensor, coarse: tf.Tensor) -> tf.Tensor:
        """Sum of a map and one of half its resolution."""
        return UpsampleAdd(name=self.names.unique("upsample_add"))([fine, coarse])

    def named(self, x: tf.Tensor, name: str) -> tf.Tensor:
        """An identity under a well-known name, to take intermediate features from."""
        return tf.keras.layers.Identity(name=name)(x)
