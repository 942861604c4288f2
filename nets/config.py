"""What a model is made of: one frozen dataclass, checked when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from nets import config_checks, depths


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
        shortcut_type: Of 18 and 34 layers, what a shortcut is (1512.03385, section 4.1): `B`, a
            projection where size or channels change, as everywhere here; `A`, zeros for the
            channels that are more, without parameters; `C`, a projection in every block.
        use_resnet_b: The stride of a bottleneck sits on its 3x3, as in the original; False puts it
            on the first 1x1, as the ResNet paper had it. Basic blocks have no such choice.
        use_resnet_d: Deep 3x3 stem (see `stem_type`) and 2x2 average-pooled shortcuts. With
            `big_little` the latter are those of stage 4: the other stages have 3x3 ones of their
            own.
        shortcut_pool: Of `use_resnet_d`, where the shortcut is averaged: `always`, as in the
            original (at stride 1 too; at odd sizes padded zeros count), or `strided`, as in timm
            (only where there is a stride; padding is left out of the mean).
        stem_type: `7x7`, `deep` (three 3x3: ResNet-C), or empty: deep with `use_resnet_d`, else
            7x7. `use_resnet_d=True, stem_type="7x7"` is the average-pooled shortcut alone.
        max_pool_padding: Of the first max-pool: `same`, the original's (one side only at even
            sizes), or `symmetric` (a cell on every side), as in Keras, torchvision and timm.
        use_se_block: Squeeze-and-excitation at the end of each residual branch.
        se_ratio: Channel reduction of squeeze-and-excitation.
        se_bias: The two layers of a gate have a bias, as in timm.
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
        dropblock_gamma_scales: Scale of the drop rate in each of the four stages, a tuple or list.
        dropblock_keep_prob: Keep probability of a network that is trained by a plain `fit`, above 0
            and at most 1; a trainer with a schedule sets its own.
        seed: Seed of DropBlock, 0 to 2**31 - 1.
        final_bias: Initial bias of the classification layer.
        logit_type: How the classifier makes logits: empty: a dense layer; `cosine`: cosines between
            embedding and classes, times `arc_s` (cosine softmax), without the ReLU before it and
            without a bias; `arc_margin`: the same layer, with a margin in the loss (ArcFace,
            1801.07698).
        arc_s: Scale of the cosines of `logit_type`.
    """

    resnet_size: int = 50
    num_classes: int = 1001
    num_filters: int = 64
    big_little: bool = False
    bl_alpha: int = 2
    bl_beta: int = 4
    no_shortcut: bool = False
    shortcut_type: str = "B"
    use_resnet_b: bool = True
    use_resnet_d: bool = False
    shortcut_pool: str = "always"
    stem_type: str = ""
    max_pool_padding: str = "same"
    use_se_block: bool = False
    se_ratio: int = 16
    se_bias: bool = False
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
    dropblock_keep_prob: float = 0.9
    seed: int = 0
    final_bias: float = 0.0
    logit_type: str = ""
    arc_s: float = 80.0
    architecture: str = "resnet"

    def __post_init__(self) -> None:
        """Checks every field and every combination, see `config_checks.check`."""
        if isinstance(self.dropblock_gamma_scales, list):  # As JSON has it.
            object.__setattr__(self, "dropblock_gamma_scales", tuple(self.dropblock_gamma_scales))
        config_checks.check(self)

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
        return (*strides[:-1], 1) if self.no_downsample else strides

    @property
    def anti_alias_places(self) -> frozenset[str]:
        """The places named in `anti_alias_type`."""
        return frozenset(config_checks.split(self.anti_alias_type))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        scales = list(self.dropblock_gamma_scales)
        return {**dataclasses.asdict(self), "dropblock_gamma_scales": scales}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Makes a configuration from `to_dict`'s dictionary; fields left out keep the default.

        Raises:
            ValueError: A key is no field, or a value is refused.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(
                f"ModelConfig has no field {', '.join(map(repr, unknown))}; it has {known}"
            )
        return cls(**values)
