"""Makes the layers of one model and applies them: names, settings and DropBlock in one place."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import tensorflow as tf

from nets.anti_alias import BlurPool2D
from nets.config import ModelConfig
from nets.conv_norm import FixedPaddingAveragePooling2D, batch_norm, convolution
from nets.drop_block import DropBlock
from nets.merging import CroppedAdd
from nets.selective_kernel import SelectiveKernel
from nets.squeeze_excitation import SqueezeExcitation
from nets.variable_names import ScopeNamer


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

    def stage(self, index: int) -> LayerBuilder:
        """The same builder with the drop-rate scale of stage `index` (0 to 3)."""
        scale = self.config.dropblock_gamma_scales[index]
        return dataclasses.replace(self, gamma_scale=scale)

    def conv(self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1) -> tf.Tensor:
        """A convolution without bias."""
        name = self.names.unique("conv2d")
        return convolution(filters, kernel_size, strides, name=name)(x)

    def norm(self, x: tf.Tensor, zero_gamma: bool = False) -> tf.Tensor:
        """A batch normalisation."""
        name = self.names.unique("batch_normalization")
        momentum, epsilon = self.config.bn_momentum, self.config.bn_epsilon
        return batch_norm(momentum, epsilon, zero_gamma, name=name)(x)

    def conv_norm(
        self,
        x: tf.Tensor,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        zero_gamma: bool = False,
    ) -> tf.Tensor:
        """Convolution, then batch normalisation."""
        x = self.conv(x, filters, kernel_size, strides)
        return self.norm(x, zero_gamma)

    def conv_norm_relu(
        self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1
    ) -> tf.Tensor:
        """Convolution, batch normalisation, ReLU."""
        x = self.conv_norm(x, filters, kernel_size, strides)
        return self.relu(x)

    def relu(self, x: tf.Tensor) -> tf.Tensor:
        """A ReLU."""
        return tf.keras.layers.ReLU(name=self.names.unique("relu"))(x)

    def average_pool(self, x: tf.Tensor, pool_size: int, strides: int) -> tf.Tensor:
        """Average pooling with fixed padding."""
        name = self.names.unique("average_pooling2d")
        return FixedPaddingAveragePooling2D(pool_size, strides, name=name)(x)

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
        layer = DropBlock(
            self.config.dropblock_size,
            self.gamma_scale,
            next(self.drop_index),
            name=self.names.unique("drop_block"),
        )
        return layer([x, *self.control])

    def squeeze_excite(self, x: tf.Tensor) -> tf.Tensor:
        """Squeeze-and-excitation, if switched on."""
        if not self.config.use_se_block:
            return x
        return SqueezeExcitation(self.config.se_ratio, name=self.names.unique("se_block"))(x)

    def selective_kernel(self, x: tf.Tensor, filters: int, strides: int) -> tf.Tensor:
        """The selective kernel unit."""
        layer = SelectiveKernel(
            filters,
            strides,
            reduction=self.config.sk_reduction,
            min_width=self.config.sk_min_width,
            momentum=self.config.bn_momentum,
            epsilon=self.config.bn_epsilon,
            conv_name=self.names.unique("conv2d"),
            norm_name=self.names.unique("batch_normalization"),
            name=self.names.unique("sk_block"),
        )
        return layer(x)

    def spatial(self, x: tf.Tensor, filters: int, strides: int) -> tf.Tensor:
        """The 3x3 of a block: a convolution with ReLU or a selective kernel unit, maybe blurred."""
        blurred = "sconv" in self.config.anti_alias_places
        inner_strides = 1 if blurred else strides
        if self.config.use_sk_block:
            x = self.selective_kernel(x, filters, inner_strides)
            x = self.drop(x)
        else:
            x = self.conv_norm(x, filters, 3, inner_strides)
            x = self.drop(x)
            x = self.relu(x)
        return self.blur(x, strides) if blurred else x

    def add(self, branch: tf.Tensor, shortcut: tf.Tensor) -> tf.Tensor:
        """Sum of the residual branch and its shortcut."""
        name = self.names.unique("add")
        if self.config.anti_alias_filter_size in (2, 4, 6):
            # Even filters round odd sizes down, strided convolutions and pools round them up.
            return CroppedAdd(name=name)([branch, shortcut])
        return tf.keras.layers.Add(name=name)([branch, shortcut])

    def named(self, x: tf.Tensor, name: str) -> tf.Tensor:
        """An identity under a well-known name, to take intermediate features from."""
        return tf.keras.layers.Identity(name=name)(x)
