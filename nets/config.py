"""What a model is made of: one frozen dataclass, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from nets import depths

ANTI_ALIAS_PLACES = ("max", "proj", "sconv")
POOL_TYPES = ("gap", "gem", "flatten")
MAX_SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Architecture of a ResNet and of its tweaks. The default is the plain ResNet-50.

    Attributes:
        resnet_size: Number of layers: 18, 34 (basic blocks), 50, 101, 152 or 200 (bottlenecks).
        num_classes: Width of the logits; 1001 is ImageNet with a background class.
        num_filters: Channels after the stem; stage k works at `num_filters * 2**(k-1)`.
        big_little: Two branches of different resolution in the stages 1 to 3 (50, 101, 152 only).
        bl_alpha: Big-Little: how many times narrower the little branch is.
        bl_beta: Big-Little: how many times shallower the little branch is.
        use_resnet_d: Deep 3x3 stem and average-pooled shortcuts. With `big_little` it is only
            the shortcut of stage 4.
        use_se_block: Squeeze-and-excitation at the end of each residual branch.
        se_ratio: Channel reduction of squeeze-and-excitation.
        use_sk_block: Selective kernel unit in place of the 3x3 convolution of each block.
        sk_reduction: Channel reduction inside the selective kernel unit.
        sk_min_width: Least number of channels inside the selective kernel unit.
        anti_alias_type: Comma list of the places that are blurred before they are subsampled:
            `max` (the max-pool, which Big-Little has not), `proj` (plain projection shortcuts;
            no effect where ResNet-D or Big-Little average-pool the shortcut), `sconv` (the
            strided convolutions).
        anti_alias_filter_size: Width of the blur, 1 to 7; 0 where `anti_alias_type` is empty.
        zero_gamma: The last batch-norm scale of each residual branch starts at 0, not 1.
        no_downsample: The last stage runs at stride 1.
        pool_type: `gap` (mean), `gem` (generalised mean, p = 3) or `flatten`.
        embedding_size: Width of an embedding layer before the classifier; 0 leaves it out.
        bn_momentum: Momentum of the batch-norm moving statistics.
        bn_epsilon: Added to the variance in batch norm (1.001e-5 is used at least, as
            by the original).
        use_dropblock: DropBlock after every batch norm of the stages with a positive scale.
        dropblock_size: Side of the dropped squares, in cells of the feature map.
        dropblock_gamma_scales: Scale of the drop rate in each of the four stages.
        seed: Seed of DropBlock, 0 to 2**31 - 1.
        final_bias: Initial bias of the classification layer.
    """

    resnet_size: int = 50
    num_classes: int = 1001
    num_filters: int = 64
    big_little: bool = False
    bl_alpha: int = 2
    bl_beta: int = 4
    use_resnet_d: bool = False
    use_se_block: bool = False
    se_ratio: int = 16
    use_sk_block: bool = False
    sk_reduction: int = 2
    sk_min_width: int = 32
    anti_alias_type: str = ""
    anti_alias_filter_size: int = 0
    zero_gamma: bool = False
    no_downsample: bool = False
    pool_type: str = "gap"
    embedding_size: int = 0
    bn_momentum: float = 0.997
    bn_epsilon: float = 1e-5
    use_dropblock: bool = False
    dropblock_size: int = 7
    dropblock_gamma_scales: tuple[float, float, float, float] = (0.0, 0.0, 0.25, 1.0)
    seed: int = 0
    final_bias: float = 0.0

    def __post_init__(self) -> None:
        """Checks every field and every combination.

        Raises:
            ValueError: A field has a wrong type, an impossible value, or two fields exclude
                each other. The message names the field, its value and what would be right.
        """
        self._check_types()
        self._check_depth()
        self._check_widths()
        self._check_anti_alias()
        self._check_head()
        self._check_drop_block()

    @property
    def bottleneck(self) -> bool:
        """Whether the blocks are bottlenecks (50 layers and more) or basic blocks."""
        return self.resnet_size not in depths.BASIC_SIZES

    @property
    def blocks(self) -> tuple[int, ...]:
        """Number of blocks in each stage."""
        table = depths.BIG_LITTLE_BLOCKS if self.big_little else depths.BLOCKS
        return table[self.resnet_size]

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each stage."""
        strides = depths.BIG_LITTLE_STRIDES if self.big_little else depths.STRIDES
        if self.no_downsample:
            return (*strides[:-1], 1)
        return strides

    @property
    def anti_alias_places(self) -> frozenset[str]:
        """The places named in `anti_alias_type`."""
        return frozenset(_split(self.anti_alias_type))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        values = dataclasses.asdict(self)
        values["dropblock_gamma_scales"] = list(self.dropblock_gamma_scales)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Makes a configuration from `to_dict`'s dictionary; fields left out keep the default.

        Args:
            values: Field names and values.

        Returns:
            The configuration.

        Raises:
            ValueError: A key is no field, or a value is refused.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(
                f"ModelConfig has no field {', '.join(map(repr, unknown))}; it has {known}"
            )
        values = dict(values)
        scales = values.get("dropblock_gamma_scales")
        if isinstance(scales, list):
            values["dropblock_gamma_scales"] = tuple(scales)
        return cls(**values)

    def _check_types(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            kind = field.type
            if kind == "bool" and not isinstance(value, bool):
                _refuse(field.name, value, "must be True or False")
            if kind == "int" and (isinstance(value, bool) or not isinstance(value, int)):
                _refuse(field.name, value, "must be an integer")
            if kind == "float" and not _is_number(value):
                _refuse(field.name, value, "must be a finite number")
            if kind == "str" and not isinstance(value, str):
                _refuse(field.name, value, "must be a string")

    def _check_depth(self) -> None:
        if self.resnet_size not in depths.BLOCKS:
            _refuse("resnet_size", self.resnet_size, f"must be one of {sorted(depths.BLOCKS)}")
        if self.big_little and self.resnet_size not in depths.BIG_LITTLE_BLOCKS:
            reason = "has basic blocks" if not self.bottleneck else "has no Big-Little depths"
            _refuse(
                "resnet_size",
                self.resnet_size,
                f"{reason}, so big_little=True is impossible; Big-Little exists for "
                f"{sorted(depths.BIG_LITTLE_BLOCKS)}",
            )

    def _check_widths(self) -> None:
        for name in (
            "num_classes", "num_filters", "bl_alpha", "bl_beta", "se_ratio", "sk_reduction",
            "sk_min_width", "dropblock_size",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                _refuse(name, getattr(self, name), "must be 1 or more")
        if self.big_little and self.num_filters % self.bl_alpha:
            _refuse("bl_alpha", self.bl_alpha, f"must divide num_filters={self.num_filters} evenly")
        if self.use_resnet_d and not self.big_little and self.num_filters % 2:
            _refuse("num_filters", self.num_filters, "must be even with use_resnet_d=True")
        if self.use_se_block and self._narrowest_output() < self.se_ratio:
            _refuse(
                "se_ratio",
                self.se_ratio,
                f"must be at most {self._narrowest_output()}, the output channels of the "
                f"narrowest block",
            )

    def _narrowest_output(self) -> int:
        width = self.num_filters
        if self.big_little:
            width //= self.bl_alpha
        return width * (4 if self.bottleneck else 1)

    def _check_anti_alias(self) -> None:
        places = _split(self.anti_alias_type)
        wrong = [place for place in places if place not in ANTI_ALIAS_PLACES]
        if wrong or len(set(places)) != len(places):
            _refuse(
                "anti_alias_type",
                self.anti_alias_type,
                f"must be a comma list of different words out of {', '.join(ANTI_ALIAS_PLACES)}",
            )
        if places and not 1 <= self.anti_alias_filter_size <= 7:
            _refuse(
                "anti_alias_filter_size",
                self.anti_alias_filter_size,
                f"must be 1 to 7 with anti_alias_type={self.anti_alias_type!r}",
            )
        if not places and self.anti_alias_filter_size != 0:
            _refuse(
                "anti_alias_filter_size",
                self.anti_alias_filter_size,
                "must be 0 where anti_alias_type is empty (nothing would be blurred)",
            )

    def _check_head(self) -> None:
        if self.pool_type not in POOL_TYPES:
            _refuse("pool_type", self.pool_type, f"must be one of {', '.join(POOL_TYPES)}")
        if self.embedding_size < 0:
            _refuse("embedding_size", self.embedding_size, "must be 0 (none) or more")
        if not 0.0 <= self.bn_momentum < 1.0:
            _refuse("bn_momentum", self.bn_momentum, "must be at least 0 and below 1")
        if self.bn_epsilon <= 0.0:
            _refuse("bn_epsilon", self.bn_epsilon, "must be above 0")

    def _check_drop_block(self) -> None:
        scales = self.dropblock_gamma_scales
        four = isinstance(scales, tuple) and len(scales) == 4
        if not four or not all(_is_number(scale) and scale >= 0 for scale in scales):
            _refuse(
                "dropblock_gamma_scales", scales, "must be four numbers, 0 or more, one per stage"
            )
        if not 0 <= self.seed <= MAX_SEED:
            _refuse("seed", self.seed, f"must be 0 to {MAX_SEED}")


def _split(words: str) -> list[str]:
    """Splits a comma list, without blanks."""
    return [word.strip() for word in words.split(",")] if words.strip() else []


def _is_number(value: Any) -> bool:
    """Whether `value` is a finite int or float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(field: str, value: Any, right: str) -> None:
    """Raises the ValueError that every refused field gets."""
    raise ValueError(f"ModelConfig.{field}={value!r} {right}")
