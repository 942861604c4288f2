"""What a network is made of and costs, from its configuration alone: no variable is made.

The blocks are the same functions that build the network, applied to sizes instead of tensors, so
that listing every named model takes milliseconds.

The count is that of the paper and of the original's profiler: convolutions and dense layers, one
multiplication and addition being one. A blur counts as the depthwise convolution that it stands
for, whatever computes it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from nets import resnet
from nets.builder import LayerBuilder
from nets.config import ModelConfig
from nets.layers import anti_alias, efficient_channel_attention
from nets.names import original_name, root_of

_MOVING = ("moving_mean", "moving_variance")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        multiply_adds: Multiplications with addition that one image takes; the FLOPs are twice as
            many.
        trainable: Numbers that training changes.
        parameters: All numbers, with the moving statistics, without the state of DropBlock.
    """

    multiply_adds: int
    trainable: int
    parameters: int


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a network, up to one of its endpoints.

    Attributes:
        name: Of the endpoint, as `nets.endpoints` gives it; `classifier` for the last part.
        shape: Of its output: [height, width, channels] of a map, or [size].
        multiply_adds: Of the layers since the endpoint before.
        trainable: Numbers that training changes in them.
    """

    name: str
    shape: tuple[int, ...]
    multiply_adds: int
    trainable: int


def cost(config: ModelConfig, height: int = 224, width: int = 0) -> Cost:
    """Counts what the network costs for an image of that size in pixels; width 0: a square."""
    tally = _dry_run(config, height, width)
    total = sum(math.prod(shape) for shape in tally.shapes.values())
    return Cost(tally.multiply_adds, tally.trainable, total)


def parts(config: ModelConfig, height: int = 224, width: int = 0) -> list[Part]:
    """Lists the parts of a network, from the image to the classifier; they add up to `cost`.

    The two branches of a stage of Big-Little are parts of their own, before the block that merges
    them.
    """
    return _dry_run(config, height, width).parts


def variable_shapes(
    config: ModelConfig, height: int = 224, width: int = 0
) -> dict[str, tuple[int, ...]]:
    """Lists the variables: names as of `original_variable_names`, in its order, and shapes.

    The size of the image counts with `pool_type="flatten"` only.
    """
    return _dry_run(config, height, width).shapes


def _dry_run(config: ModelConfig, height: int, width: int) -> _Tally:
    """Runs the network on sizes."""
    build = _CountingBuilder(config, tally=_Tally(root_of(config.architecture)))
    x = resnet.features(_Map(height, width or height, 3), build)
    _head(x, config, build.tally)
    return build.tally


class _Map(NamedTuple):
    """Size of a feature map; stands for the tensor."""

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[None, int, int, int]:
        """As a tensor has it."""
        return None, *self

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.height * self.width

    def strided(self, strides: int) -> _Map:
        """The map behind a strided layer, whose sizes are rounded up."""
        return _Map(-(-self.height // strides), -(-self.width // strides), self.channels)


@dataclasses.dataclass
class _Tally:
    """What was counted so far."""

    root: str
    multiply_adds: int = 0
    parts: list[Part] = dataclasses.field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    @property
    def trainable(self) -> int:
        """Numbers that training changes."""
        shapes = self.shapes.items()
        return sum(math.prod(shape) for name, shape in shapes if not name.endswith(_MOVING))

    def end_part(self, name: str, shape: tuple[int, ...]) -> None:
        """Ends a part of the network."""
        multiply_adds = self.multiply_adds - sum(part.multiply_adds for part in self.parts)
        trainable = self.trainable - sum(part.trainable for part in self.parts)
        self.parts.append(Part(name, shape, multiply_adds, trainable))

    def kernel(
        self, path: str, shape: tuple[int, ...], cells: int = 1, leaf: str = "kernel"
    ) -> None:
        """A kernel that is applied at that many cells."""
        self.variable(path, leaf, shape)
        self.multiply_adds += math.prod(shape) * cells

    def norm(self, path: str, channels: int) -> None:
        """A batch norm."""
        for leaf in ("gamma", "beta", *_MOVING):
            self.variable(path, leaf, (channels,))

    def variable(self, path: str, leaf: str, shape: tuple[int, ...]) -> None:
        """A variable of a layer."""
        self.shapes[original_name(self.root, path, leaf)] = shape


@dataclasses.dataclass(frozen=True)
class _CountingBuilder(LayerBuilder):
    """A builder whose layers only count: takes and gives a `_Map`."""

    tally: _Tally = dataclasses.field(default_factory=lambda: _Tally(""))

    def conv(self, x: _Map, filters: int, kernel_size: int, strides: int = 1) -> _Map:
        out = x.strided(strides)
        shape = (kernel_size, kernel_size, x.channels, filters)
        self.tally.kernel(self.names.unique("conv2d"), shape, out.cells)
        return _Map(out.height, out.width, filters)

    def depthwise(self, x: _Map, kernel_size: int, strides: int) -> _Map:
        out = x.strided(strides)
        name, shape = self.names.unique("depthwise_conv2d"), (kernel_size,) * 2 + (x.channels, 1)
        self.tally.kernel(name, shape, out.cells, "depthwise_kernel")
        return out

    def norm(self, x: _Map, zero_gamma: bool = False) -> _Map:
        self.tally.norm(self.names.unique("batch_normalization"), x.channels)
        return x

    def relu(self, x: _Map, largest: float | None = None) -> _Map:
        return x

    def max_pool(self, x: _Map, strides: int) -> _Map:
        return x.strided(strides)

    def average_pool(self, x: _Map, pool_size: int, strides: int) -> _Map:
        return x.strided(strides)

    def pad_channels(self, x: _Map, filters: int, strides: int) -> _Map:
        return x.strided(strides)._replace(channels=filters)

    def blur(self, x: _Map, strides: int) -> _Map:
        if strides == 1:
            return x
        side = self.config.anti_alias_filter_size
        sizes = (anti_alias.output_size(size, side, strides) for size in (x.height, x.width))
        out = _Map(*sizes, x.channels)
        if side > 1:
            self.tally.multiply_adds += side**2 * out.cells * out.channels
        return out

    def squeeze_excite(self, x: _Map) -> _Map:
        if self.config.use_se_block:
            inner = f"{self.names.unique('se_block')}.seblock_dense"
            width = x.channels // self.config.se_ratio
            for end, sizes in (("_1", (x.channels, width)), ("_2", (width, x.channels))):
                self.tally.kernel(inner + end, (1, 1, *sizes))
                if self.config.se_bias:
                    self.tally.variable(inner + end, "bias", sizes[1:])
        return x

    def efficient_attention(self, x: _Map) -> _Map:
        if self.config.use_eca_block:
            size = self.config.eca_kernel_size
            size = size or efficient_channel_attention.adaptive_size(x.channels)
            name = f"{self.names.unique('eca_block')}.ecablock_conv"
            self.tally.kernel(name, (size, 1, 1), x.channels)
        return x

    def selective_kernel(self, x: _Map, filters: int, strides: int) -> _Map:
        x = self.conv_norm(x, 2 * filters, 3, strides)
        half = _Map(x.height, x.width, filters)
        return self.fuse(half, half)

    def fuse(self, large: _Map, small: _Map) -> _Map:
        inner = self.names.unique("sk_block")
        filters = small.channels
        width = max(filters // self.config.sk_reduction, self.config.sk_min_width)
        self.tally.kernel(f"{inner}.sk_fc_1", (1, 1, filters, width))
        self.tally.norm(f"{inner}.batch_normalization", width)
        self.tally.kernel(f"{inner}.sk_fc_2", (1, 1, width, 2 * filters))
        return small

    def add(self, branch: _Map, shortcut: _Map | None) -> _Map:
        # The sum of two maps is cut to the smaller.
        return branch if shortcut is None else _Map(*map(min, branch, shortcut))

    def upsample_add(self, fine: _Map, coarse: _Map) -> _Map:
        return self.add(fine, _Map(2 * coarse.height, 2 * coarse.width, coarse.channels))

    def named(self, x: _Map, name: str) -> _Map:
        self.tally.end_part(name, x.shape[1:])
        return x


def _head(x: _Map, config: ModelConfig, tally: _Tally) -> None:
    """Pooling, embedding and classifier, which `nets.head` makes without the builder."""
    size = x.channels * (x.cells if config.pool_type == "flatten" else 1)
    if config.gem_learnable:
        tally.variable("global_pool", "exponent", ())
    tally.end_part("global_pool", (size,))
    if config.embedding_size:
        tally.kernel("embedding_dense", (1, 1, size, config.embedding_size))
        size = config.embedding_size
        if config.embedding_batch_norm:
            tally.norm("embedding_dense_batch_normalization", size)
        tally.end_part("embedding", (size,))
    tally.kernel("dense", (size, config.num_classes))
    if not config.logit_type:
        tally.variable("dense", "bias", (config.num_classes,))
    tally.end_part("classifier", (config.num_classes,))
