"""What a model is made of: one frozen dataclass, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from nets import depths

ANTI_ALIAS_PLACES = ("max", "proj", "sconv")
POOL_TYPES = ("gap", "gem", "flatten")
ARCHITECTURES = ("resnet", "mobilenet_v1")
STEM_TYPES = ("", "7x7", "deep")
SK_TYPES = ("3x3_2x", "3x3_5x5")
MAX_SEED = 2**31 - 1
_RESNET_ONLY = (
    "resnet_size", "big_little", "no_shortcut", "use_resnet_b", "use_resnet_d", "stem_type",
    "use_sk_block", "anti_alias_type", "zero_gamma",
)  # fmt: skip
# `to_dict` of every version writes these: a dictionary that lacks one was written by hand.
_ALWAYS_WRITTEN = {"big_little", "use_resnet_d", "dropblock_gamma_scales", "final_bias"}


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Architecture of a network and of its tweaks. The default is the ordinary ResNet-50.

    Attributes:
        architecture: `resnet`, or `mobilenet_v1`, which takes `num_classes`, `num_filters`,
            `use_se_block`, `se_ratio`, `use_eca_block`, `eca_kernel_size`, `no_downsample` and
            what concerns the head, batch norm and DropBlock.
        resnet_size: Number of layers: 18, 34 (basic blocks), 50, 101, 152 or 200 (bottlenecks).
        num_classes: Width of the logits; 1001 is ImageNet with a background class.
        num_filters: Channels after the stem; stage k works at `num_filters * 2**(k-1)`.
            MobileNet-V1 starts with half as many, so that 64 is the paper's width there too.
        no_shortcut: The plain network of the ResNet paper: 18 or 34 layers, nothing added up.
        big_little: Two branches of different resolution in the stages 1 to 3 (50, 101, 152 only).
        bl_alpha: Big-Little: how many times narrower the little branch is.
        bl_beta: Big-Little: how many times shallower the little branch is.
        use_resnet_b: The stride of a bottleneck sits on its 3x3, as in the original; False puts it
            on the first 1x1, as the ResNet paper had it. Basic blocks have no such choice.
        use_resnet_d: Deep 3x3 stem (see `stem_type`) and 2x2 average-pooled shortcuts. With
            `big_little` the latter are those of stage 4: the other stages have 3x3 ones of their
            own.
        stem_type: `7x7`, `deep` (three 3x3: ResNet-C), or empty: deep with `use_resnet_d`, else
            7x7. `use_resnet_d=True, stem_type="7x7"` is the average-pooled shortcut alone.
        use_se_block: Squeeze-and-excitation at the end of each residual branch.
        se_ratio: Channel reduction of squeeze-and-excitation.
        use_eca_block: Efficient channel attention at the end of each residual branch, in place of
            squeeze-and-excitation.
        eca_kernel_size: Width of its convolution over the channels, odd; 0: from their number.
        use_sk_block: Selective kernel unit in place of the 3x3 convolution of each block.
        sk_type: `3x3_2x` (one 3x3 of doubled channels, the paper's) or `3x3_5x5` (two branches).
        sk_reduction: Channel reduction inside the selective kernel unit.
        sk_min_width: Least number of channels inside the selective kernel unit.
        anti_alias_type: Comma list of the places that are blurred before they are subsampled:
            `max` (the max-pool, which Big-Little has not), `proj` (plain projection shortcuts;
            no effect where ResNet-D or Big-Little average-pool the shortcut), `sconv` (the
            strided convolutions).
        anti_alias_filter_size: Width of the blur, 1 to 7; 0 where `anti_alias_type` is empty.
        zero_gamma: The last batch-norm scale of each residual branch starts at 0, not 1.
        no_downsample: The last stage runs at stride 1.
        pool_type: `gap` (mean), `gem` (generalised mean) or `flatten`.
        gem_power: Exponent of the generalised mean.
        gem_learnable: The exponent is a variable that starts at `gem_power`.
        embedding_size: Width of an embedding layer before the classifier; 0 leaves it out.
        embedding_batch_norm: Batch norm behind the embedding layer, as in the original.
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
    no_shortcut: bool = False
    use_resnet_b: bool = True
    use_resnet_d: bool = False
    stem_type: str = ""
    use_se_block: bool = False
    se_ratio: int = 16
    use_eca_block: bool = False
    eca_kernel_size: int = 0
    use_sk_block: bool = False
    sk_type: str = "3x3_2x"
    sk_reduction: int = 2
    sk_min_width: int = 32
    anti_alias_type: str = ""
    anti_alias_filter_size: int = 0
    zero_gamma: bool = False
    no_downsample: bool = False
    pool_type: str = "gap"
    gem_power: float = 3.0
    gem_learnable: bool = False
    embedding_size: int = 0
    embedding_batch_norm: bool = True
    bn_momentum: float = 0.997
    bn_epsilon: float = 1e-5
    use_dropblock: bool = False
    dropblock_size: int = 7
    dropblock_gamma_scales: tuple[float, float, float, float] = (0.0, 0.0, 0.25, 1.0)
    seed: int = 0
    final_bias: float = 0.0
    architecture: str = "resnet"

    def __post_init__(self) -> None:
        """Checks every field and every combination.

        Raises:
            ValueError: A field has a wrong type, an impossible value, or two fields exclude
                each other. The message names the field, its value and what would be right.
        """
        self._check_types()
        self._check_architecture()
        self._check_depth()
        self._check_blocks()
        self._check_widths()
        self._check_attention()
        self._check_anti_alias()
        self._check_head()
        self._check_drop_block()

    @property
    def bottleneck(self) -> bool:
        """Whether the blocks are bottlenecks (50 layers and more) or basic blocks."""
        return self.resnet_size not in depths.BASIC_SIZES

    @property
    def deep_stem(self) -> bool:
        """Whether three 3x3 convolutions take the place of the 7x7."""
        return self.stem_type == "deep" or (self.stem_type == "" and self.use_resnet_d)

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
        values = _upgraded(values)
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

    def _check_architecture(self) -> None:
        if self.architecture not in ARCHITECTURES:
            _refuse("architecture", self.architecture, f"must be one of {', '.join(ARCHITECTURES)}")
        if self.architecture == "resnet":
            return
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in _RESNET_ONLY and value != field.default:
                _refuse(
                    field.name,
                    value,
                    f"belongs to ResNets; leave it at {field.default!r} with "
                    f"architecture={self.architecture!r}",
                )

    def _check_blocks(self) -> None:
        if not self.use_resnet_b and not self.bottleneck:
            _refuse(
                "use_resnet_b",
                self.use_resnet_b,
                f"moves the stride of a bottleneck, but resnet_size={self.resnet_size} has "
                f"basic blocks",
            )
        if self.stem_type not in STEM_TYPES:
            _refuse("stem_type", self.stem_type, "must be 7x7, deep or empty")
        if not self.no_shortcut:
            return
        if self.bottleneck:
            _refuse(
                "no_shortcut",
                self.no_shortcut,
                f"exists for {list(depths.BASIC_SIZES)}, not for resnet_size={self.resnet_size}",
            )
        without = "there is no shortcut with no_shortcut=True"
        if self.use_resnet_d:
            _refuse("use_resnet_d", self.use_resnet_d, f"pools shortcuts, but {without}")
        if "proj" in self.anti_alias_places:
            _refuse("anti_alias_type", self.anti_alias_type, f"blurs shortcuts, but {without}")
        if self.zero_gamma:
            _refuse("zero_gamma", self.zero_gamma, f"would give zeros at the start: {without}")

    def _check_widths(self) -> None:
        for name in (
            "num_classes", "num_filters", "bl_alpha", "bl_beta", "se_ratio", "sk_reduction",
            "sk_min_width", "dropblock_size",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                _refuse(name, getattr(self, name), "must be 1 or more")
        if self.big_little and self.num_filters % self.bl_alpha:
            _refuse("bl_alpha", self.bl_alpha, f"must divide num_filters={self.num_filters} evenly")
        if self.deep_stem and self.num_filters % 2:
            reason = "use_resnet_d=True" if self.use_resnet_d else "stem_type='deep'"
            _refuse("num_filters", self.num_filters, f"must be even with {reason}")
        if self.architecture == "mobilenet_v1" and self.num_filters % 2:
            _refuse(
                "num_filters", self.num_filters, "must be even with architecture='mobilenet_v1'"
            )
        if self.use_se_block and self._narrowest_output() < self.se_ratio:
            _refuse(
                "se_ratio",
                self.se_ratio,
                f"must be at most {self._narrowest_output()}, the output channels of the "
                f"narrowest block",
            )

    def _narrowest_output(self) -> int:
        width = self.num_filters
        if self.architecture == "mobilenet_v1":
            return width
        if self.big_little:
            width //= self.bl_alpha
        return width * (4 if self.bottleneck else 1)

    def _check_attention(self) -> None:
        if self.sk_type not in SK_TYPES:
            _refuse("sk_type", self.sk_type, f"must be one of {', '.join(SK_TYPES)}")
        if self.sk_type != SK_TYPES[0] and not self.use_sk_block:
            _refuse("sk_type", self.sk_type, "is a form of selective kernels: use_sk_block=True")
        if self.use_eca_block and self.use_se_block:
            _refuse("use_eca_block", True, "takes the place that use_se_block=True has: choose one")
        size = self.eca_kernel_size
        if size and not self.use_eca_block:
            _refuse("eca_kernel_size", size, "must be 0 where use_eca_block is False")
        if size < 0 or (size and size % 2 == 0):
            _refuse("eca_kernel_size", size, "must be odd, or 0 to follow the channels")

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
        if self.gem_power <= 0.0:
            _refuse("gem_power", self.gem_power, "must be above 0")
        if self.gem_learnable and self.pool_type != "gem":
            _refuse("gem_learnable", True, f"needs pool_type='gem', not {self.pool_type!r}")
        if self.embedding_size < 0:
            _refuse("embedding_size", self.embedding_size, "must be 0 (none) or more")
        if not self.embedding_batch_norm and not self.embedding_size:
            _refuse("embedding_batch_norm", False, "needs an embedding_size above 0")
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


def _upgraded(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `values`; what version 0.1 wrote means what it meant there.

    There a Big-Little network with `use_resnet_d` kept the 7x7 stem, which the original does not.
    """
    upgraded = dict(values)
    written_by_0_1 = "stem_type" not in values and _ALWAYS_WRITTEN <= set(values)
    if written_by_0_1 and values["big_little"] and values["use_resnet_d"]:
        upgraded["stem_type"] = "7x7"
    return upgraded


def _split(words: str) -> list[str]:
    """Splits a comma list, without blanks."""
    return [word.strip() for word in words.split(",")] if words.strip() else []


def _is_number(value: Any) -> bool:
    """Whether `value` is a finite int or float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(field: str, value: Any, right: str) -> None:
    """Raises the ValueError that every refused field gets."""
    raise ValueError(f"ModelConfig.{field}={value!r} {right}")
