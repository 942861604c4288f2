"""What a `ModelConfig` refuses: wrong types, impossible values, fields that exclude each other.

`config` is a `ModelConfig` in all functions; its module imports this one.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from nets import depths
from nets.layers import anti_alias

POOL_TYPES = ("gap", "gem", "flatten")
ARCHITECTURES = ("resnet", "mobilenet_v1")
STEM_TYPES = ("", "7x7", "deep")
SHORTCUT_TYPES = ("A", "B", "C")
SHORTCUT_POOLS = ("always", "strided")
MAX_POOL_PADDINGS = ("same", "symmetric")
LOGIT_TYPES = ("", "cosine", "arc_margin")
SK_TYPES = ("3x3_2x", "3x3_5x5")
MAX_SEED = 2**31 - 1
_RESNET_ONLY = (
    "resnet_size", "big_little", "no_shortcut", "use_resnet_b", "use_resnet_d", "stem_type",
    "use_sk_block", "anti_alias_type", "zero_gamma", "shortcut_pool", "max_pool_padding",
    "shortcut_type",
)  # fmt: skip


def check(config: Any) -> None:
    """Checks every field and every combination.

    Raises:
        ValueError: A field has a wrong type, an impossible value, or two fields exclude each other.
            The message names the field, its value and what would be right.
    """
    _check_types(config)
    _check_architecture(config)
    _check_depth(config)
    _check_blocks(config)
    _check_widths(config)
    _check_attention(config)
    _check_anti_alias(config)
    _check_head(config)
    _check_drop_block(config)


def _check_types(config: Any) -> None:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        kind = field.type
        if kind == "bool" and not isinstance(value, bool):
            _refuse(config, field.name, "must be True or False")
        if kind == "int" and (isinstance(value, bool) or not isinstance(value, int)):
            _refuse(config, field.name, "must be an integer")
        if kind == "float" and not _is_number(value):
            _refuse(config, field.name, "must be a finite number")
        if kind == "str" and not isinstance(value, str):
            _refuse(config, field.name, "must be a string")


def _check_depth(config: Any) -> None:
    if config.resnet_size not in depths.BLOCKS:
        _refuse(config, "resnet_size", f"must be one of {sorted(depths.BLOCKS)}")
    if config.big_little and config.resnet_size not in depths.BIG_LITTLE_BLOCKS:
        reason = "has no Big-Little depths" if config.bottleneck else "has basic blocks"
        right = f"Big-Little exists for {sorted(depths.BIG_LITTLE_BLOCKS)}"
        right = f"{reason}, so big_little=True is impossible; {right}"
        _refuse(config, "resnet_size", right)


def _check_architecture(config: Any) -> None:
    if config.architecture not in ARCHITECTURES:
        _refuse(config, "architecture", f"must be one of {', '.join(ARCHITECTURES)}")
    if config.architecture == "resnet":
        return
    for field in dataclasses.fields(config):
        if field.name in _RESNET_ONLY and getattr(config, field.name) != field.default:
            right = f"leave it at {field.default!r} with architecture={config.architecture!r}"
            _refuse(config, field.name, f"belongs to ResNets; {right}")


def _check_blocks(config: Any) -> None:
    if not config.use_resnet_b and not config.bottleneck:
        has = f"resnet_size={config.resnet_size} has basic blocks"
        right = f"moves the stride of a bottleneck, but {has}"
        _refuse(config, "use_resnet_b", right)
    if config.stem_type not in STEM_TYPES:
        _refuse(config, "stem_type", "must be 7x7, deep or empty")
    if config.shortcut_pool not in SHORTCUT_POOLS:
        _refuse(config, "shortcut_pool", f"must be one of {', '.join(SHORTCUT_POOLS)}")
    if config.shortcut_pool != SHORTCUT_POOLS[0] and not config.use_resnet_d:
        _refuse(config, "shortcut_pool", "is a form of ResNet-D's shortcuts: use_resnet_d=True")
    if config.max_pool_padding not in MAX_POOL_PADDINGS:
        _refuse(config, "max_pool_padding", f"must be one of {', '.join(MAX_POOL_PADDINGS)}")
    if config.max_pool_padding != MAX_POOL_PADDINGS[0] and config.big_little:
        _refuse(config, "max_pool_padding", "has no effect with big_little=True, which has no pool")
    _check_shortcut_type(config)
    if not config.no_shortcut:
        return
    if config.bottleneck:
        right = f"exists for {list(depths.BASIC_SIZES)}, not for resnet_size={config.resnet_size}"
        _refuse(config, "no_shortcut", right)
    without = "there is no shortcut with no_shortcut=True"
    if config.use_resnet_d:
        _refuse(config, "use_resnet_d", f"pools shortcuts, but {without}")
    if "proj" in config.anti_alias_places:
        _refuse(config, "anti_alias_type", f"blurs shortcuts, but {without}")
    if config.zero_gamma:
        _refuse(config, "zero_gamma", f"would give zeros at the start: {without}")


def _check_shortcut_type(config: Any) -> None:
    if config.shortcut_type not in SHORTCUT_TYPES:
        _refuse(config, "shortcut_type", f"must be one of {', '.join(SHORTCUT_TYPES)}")
    if config.shortcut_type == "B":
        return
    if config.bottleneck:
        has = f"resnet_size={config.resnet_size} has bottlenecks, whose shortcuts are B"
        _refuse(config, "shortcut_type", f"is for {list(depths.BASIC_SIZES)}; {has}")
    if config.no_shortcut:
        _refuse(config, "shortcut_type", "must be B where there is no shortcut: no_shortcut=True")
    if config.shortcut_type == "A" and (config.use_resnet_d or "proj" in config.anti_alias_places):
        right = "has no projection that use_resnet_d=True or anti_alias_type='proj' could change"
        _refuse(config, "shortcut_type", right)


def _check_widths(config: Any) -> None:
    for name in (
        "num_classes", "num_filters", "bl_alpha", "bl_beta", "se_ratio", "sk_reduction",
        "sk_min_width", "dropblock_size",
    ):  # fmt: skip
        if getattr(config, name) < 1:
            _refuse(config, name, "must be 1 or more")
    if config.big_little and config.num_filters % config.bl_alpha:
        _refuse(config, "bl_alpha", f"must divide num_filters={config.num_filters} evenly")
    if config.deep_stem and config.num_filters % 2:
        reason = "use_resnet_d=True" if config.use_resnet_d else "stem_type='deep'"
        _refuse(config, "num_filters", f"must be even with {reason}")
    if config.architecture == "mobilenet_v1" and config.num_filters % 2:
        _refuse(config, "num_filters", "must be even with architecture='mobilenet_v1'")
    if config.use_se_block and _narrowest_output(config) < config.se_ratio:
        right = "the output channels of the narrowest block"
        right = f"must be at most {_narrowest_output(config)}, {right}"
        _refuse(config, "se_ratio", right)


def _narrowest_output(config: Any) -> int:
    width = config.num_filters
    if config.architecture == "mobilenet_v1":
        return width
    if config.big_little:
        width //= config.bl_alpha
    return width * (4 if config.bottleneck else 1)


def _check_attention(config: Any) -> None:
    if config.sk_type not in SK_TYPES:
        _refuse(config, "sk_type", f"must be one of {', '.join(SK_TYPES)}")
    if config.sk_type != SK_TYPES[0] and not config.use_sk_block:
        _refuse(config, "sk_type", "is a form of selective kernels: use_sk_block=True")
    if config.se_bias and not config.use_se_block:
        _refuse(config, "se_bias", "belongs to the gates of use_se_block=True")
    if config.use_eca_block and config.use_se_block:
        _refuse(config, "use_eca_block", "takes the place that use_se_block=True has: choose one")
    size = config.eca_kernel_size
    if size and not config.use_eca_block:
        _refuse(config, "eca_kernel_size", "must be 0 where use_eca_block is False")
    if size < 0 or (size and size % 2 == 0):
        _refuse(config, "eca_kernel_size", "must be odd, or 0 to follow the channels")


def _check_anti_alias(config: Any) -> None:
    places = split(config.anti_alias_type)
    wrong = [place for place in places if place not in anti_alias.PLACES]
    if wrong or len(set(places)) != len(places):
        right = f"must be a comma list of different words out of {', '.join(anti_alias.PLACES)}"
        _refuse(config, "anti_alias_type", right)
    if places and not 1 <= config.anti_alias_filter_size <= 7:
        right = f"must be 1 to 7 with anti_alias_type={config.anti_alias_type!r}"
        _refuse(config, "anti_alias_filter_size", right)
    if not places and config.anti_alias_filter_size != 0:
        right = "must be 0 where anti_alias_type is empty (nothing would be blurred)"
        _refuse(config, "anti_alias_filter_size", right)


def _check_head(config: Any) -> None:
    if config.pool_type not in POOL_TYPES:
        _refuse(config, "pool_type", f"must be one of {', '.join(POOL_TYPES)}")
    if config.gem_power <= 0.0:
        _refuse(config, "gem_power", "must be above 0")
    if config.gem_learnable and config.pool_type != "gem":
        _refuse(config, "gem_learnable", f"needs pool_type='gem', not {config.pool_type!r}")
    if config.embedding_size < 0:
        _refuse(config, "embedding_size", "must be 0 (none) or more")
    if not config.embedding_batch_norm and not config.embedding_size:
        _refuse(config, "embedding_batch_norm", "needs an embedding_size above 0")
    if config.logit_type not in LOGIT_TYPES:
        _refuse(config, "logit_type", f"must be empty or one of {', '.join(LOGIT_TYPES[1:])}")
    if config.arc_s <= 0.0:
        _refuse(config, "arc_s", "must be above 0")
    if config.logit_type and config.final_bias:
        _refuse(config, "final_bias", f"must be 0 with logit_type={config.logit_type!r}: no bias")
    if not 0.0 <= config.bn_momentum < 1.0:
        _refuse(config, "bn_momentum", "must be at least 0 and below 1")
    if config.bn_epsilon <= 0.0:
        _refuse(config, "bn_epsilon", "must be above 0")


def _check_drop_block(config: Any) -> None:
    scales = config.dropblock_gamma_scales
    four = isinstance(scales, tuple) and len(scales) == 4
    if not four or not all(_is_number(scale) and scale >= 0 for scale in scales):
        _refuse(config, "dropblock_gamma_scales", "must be four numbers, 0 or more, one per stage")
    if not 0.0 < config.dropblock_keep_prob <= 1.0:
        _refuse(config, "dropblock_keep_prob", "must be above 0 and at most 1")
    if not 0 <= config.seed <= MAX_SEED:
        _refuse(config, "seed", f"must be 0 to {MAX_SEED}")


def split(words: str) -> list[str]:
    """Splits a comma list, without blanks."""
    return [word.strip() for word in words.split(",")] if words.strip() else []


def _is_number(value: Any) -> bool:
    """Whether `value` is a finite int or float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(config: Any, field: str, right: str) -> None:
    """Raises the ValueError that every refused field gets."""
    raise ValueError(f"ModelConfig.{field}={getattr(config, field)!r} {right}")
