"""Every model that occurs in a table of the paper, and those of `nets.published`, by name.

Lee et al., "Compounding the Performance Improvements of Assembled Techniques in a Convolutional
Neural Network" (arXiv:2001.06268), first and second version. The ablations compound, and so do
the entries here: each is an earlier one and the technique that it adds.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Mapping
from typing import Any

from nets.config import ModelConfig
from nets.published import PUBLISHED

# Means of ImageNet's training images, red, green, blue, in units of 0 to 255; the numbers of the
# original, which took them from Simonyan and Zisserman (arXiv:1409.1556).
CHANNEL_MEANS = (123.68, 116.78, 103.94)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A network with a name.

    Attributes:
        name: Key in `NAMED_MODELS`.
        config: What it is made of, with ImageNet's 1001 classes; 1000 in `nets.published`.
        image_size: Side of the images at evaluation, in pixels.
        train_image_size: Side of the images in training, in pixels.
        preprocessing_type: Value of the flag of that name which gives both sizes.
        channel_means: Red, green and blue that are subtracted from images of 0 to 255.
        crop_share: Side of the central crop over the shorter side, at evaluation.
        interpolation: How images are resized; a value of `preprocessing`'s field of that name.
        table_rows: The results that the paper prints for it, `table/row`; where a table has one row
            per data set, `table/row/column`. Regularisation and data set differ between them.
    """

    name: str
    config: ModelConfig
    image_size: int = 224
    train_image_size: int = 224
    preprocessing_type: str = "imagenet"
    channel_means: tuple[float, float, float] = CHANNEL_MEANS
    crop_share: float = 0.875
    interpolation: str = "tf1_bilinear"
    table_rows: tuple[str, ...] = ()

    @property
    def input_conventions(self) -> dict[str, Any]:
        """What the network's images are like: fields of `preprocessing.PreprocessingConfig`."""
        names = ("channel_means", "crop_share", "interpolation")
        return {name: getattr(self, name) for name in names}


def named_config(name: str, **changes: Any) -> ModelConfig:
    """Returns the configuration of a named model with some fields changed (`num_classes=11`).

    Raises:
        ValueError: No such model (the message names those with a similar name), no such field, or
            a change that is impossible with the rest.
    """
    if name not in NAMED_MODELS:
        near = difflib.get_close_matches(name, NAMED_MODELS, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}" if near else f"known: {', '.join(NAMED_MODELS)}"
        raise ValueError(f"there is no model named {name!r}; {hint}")
    return ModelConfig.from_dict({**NAMED_MODELS[name].config.to_dict(), **changes})


def _rows(table: str, *rows: str) -> tuple[str, ...]:
    """The names of some rows of one table."""
    return tuple(f"{table}/{row}" for row in rows)


def _numbered(table: str, letter: str, *numbers: int) -> tuple[str, ...]:
    """The names of rows such as E0 to E12."""
    return _rows(table, *(f"{letter}{number}" for number in numbers))


_FGVC = ("Food-101", "Stanford Cars", "Oxford-Flowers", "FGVC Aircraft", "Oxford-IIIT Pets")
_RETRIEVAL = ("SOP", "CUB200", "CARS196")
_TABLE2 = "table2_channel_attention"
_TABLE3 = "table3_anti_alias"
_TABLE6 = "table6_network_tweaks"
_TABLE7 = "table7_assembling"
_TABLE8 = "table8_food101"
_TABLE10 = "table10_sop_retrieval"
_TABLE12 = "table12_flops"
_TRICKS = "bag_of_tricks_cub200"
_FLOWERS = "flowers104_resnet"
_MOBILE = "mobilenet_ablation"

# The original's scripts start every ResNet with zero gammas.
_RESNET50 = {"zero_gamma": True}
_RESNET50_SK = {**_RESNET50, "use_sk_block": True}
_RESNET50D = {**_RESNET50, "use_resnet_d": True}
_RESNET50D_SK = {**_RESNET50D, "use_sk_block": True}
# Big-Little brings average-pooled shortcuts of its own; the paper calls that D, and its scripts
# leave --use_resnet_d off, because training was unstable with the deep stem.
_BIG_LITTLE = {**_RESNET50, "big_little": True}
_BIG_LITTLE_SK = {**_BIG_LITTLE, "use_sk_block": True}
_ASSEMBLE = {**_BIG_LITTLE_SK, "anti_alias_type": "sconv", "anti_alias_filter_size": 3}
# What image retrieval compares (table 16).
_EMBEDDING = {"embedding_size": 1536}
_MOBILENET = {"architecture": "mobilenet_v1"}
_SE_MOBILENET = {**_MOBILENET, "use_se_block": True}

_AT_256 = {"image_size": 256, "preprocessing_type": "imagenet_224_256"}
_AT_256A = {"image_size": 256, "preprocessing_type": "imagenet_224_256a"}
_REID = {"preprocessing_type": "reid_224"}


def _variant(
    name: str, fields: Mapping[str, Any], *row_groups: tuple[str, ...], **sizes: Any
) -> Variant:
    """One entry: what differs from the defaults of `ModelConfig`, its rows, its sizes."""
    rows = tuple(row for group in row_groups for row in group)
    return Variant(name, ModelConfig(**fields), table_rows=rows, **sizes)


def _anti_aliased(places: str, size: int) -> dict[str, Any]:
    """The ResNet-50 of a row of table 3."""
    return {**_RESNET50, "anti_alias_type": places, "anti_alias_filter_size": size}


_VARIANTS = (
    # The networks without a tweak.
    _variant("plain18", {"resnet_size": 18, "no_shortcut": True}),
    _variant("plain34", {"resnet_size": 34, "no_shortcut": True}, _rows(_FLOWERS, "P0")),
    _variant("resnet18", {**_RESNET50, "resnet_size": 18}),
    _variant("resnet34", {**_RESNET50, "resnet_size": 34}, _rows(_FLOWERS, "P1")),
    _variant(
        "resnet50",
        _RESNET50,
        _rows("table1_summary", "ResNet-50 (baseline)"),
        _rows(_TABLE2, "C0"),
        _rows(_TABLE3, "A0"),
        _rows(_TABLE6, "M0"),
        _rows(_TABLE7, "E0"),
        _rows(_TABLE8, "F0"),
        _rows("table9_fgvc", *(f"{name}/resnet50_top1" for name in _FGVC)),
        _rows(_TABLE12, "R50"),
        _rows("summary_v2", "ResNet-50"),
        _numbered(_TRICKS, "B", *range(2, 16)),
        _rows(_FLOWERS, "P2", "P3"),
    ),
    _variant("resnet101", {**_RESNET50, "resnet_size": 101}),
    _variant("resnet152", {**_RESNET50, "resnet_size": 152}, _rows(_TRICKS, "B0", "B1")),
    _variant("resnet200", {**_RESNET50, "resnet_size": 200}),
    # ResNet-50 with one technique, or with the combinations of tables 2 and 3.
    _variant("resnet50_se", {**_RESNET50, "use_se_block": True}, _rows(_TABLE2, "C1")),
    _variant("resnet50_eca", {**_RESNET50, "use_eca_block": True}),
    _variant("resnet50_sk_3x3_5x5", {**_RESNET50_SK, "sk_type": "3x3_5x5"}, _rows(_TABLE2, "C2")),
    _variant("resnet50_sk", _RESNET50_SK, _rows(_TABLE2, "C3")),
    _variant("resnet50_sk_r16", {**_RESNET50_SK, "sk_reduction": 16}, _rows(_TABLE2, "C4")),
    _variant("resnet50_sk_se", {**_RESNET50_SK, "use_se_block": True}, _rows(_TABLE2, "C5")),
    _variant(
        "resnet50_aa5_max_proj_sconv", _anti_aliased("max,proj,sconv", 5), _rows(_TABLE3, "A1")
    ),
    _variant(
        "resnet50_aa3_max_proj_sconv", _anti_aliased("max,proj,sconv", 3), _rows(_TABLE3, "A2")
    ),
    _variant("resnet50_aa3_max_sconv", _anti_aliased("max,sconv", 3), _rows(_TABLE3, "A3")),
    _variant("resnet50_aa3_sconv", _anti_aliased("sconv", 3), _rows(_TABLE3, "A4")),
    _variant("resnet50c", {**_RESNET50, "stem_type": "deep"}),
    _variant("resnet50_bl", _BIG_LITTLE, **_AT_256),
    _variant("resnet101_bl", {**_BIG_LITTLE, "resnet_size": 101}, **_AT_256),
    _variant("resnet152_bl", {**_BIG_LITTLE, "resnet_size": 152}, **_AT_256),
    # The ladder of tables 6 and 7.
    _variant(
        "resnet50d",
        _RESNET50D,
        _rows("table4_mixup", "E2", "X1", "E3"),
        _rows(_TABLE6, "M1"),
        _numbered(_TABLE7, "E", 1, 2, 3),
        _rows(_TABLE8, "F1"),
        _rows(_TABLE12, "R50D"),
    ),
    _variant("resnet50d_se", {**_RESNET50D, "use_se_block": True}, _rows(_TABLE7, "E4", "E5")),
    _variant(
        "resnet50d_sk",
        _RESNET50D_SK,
        _rows("table5_kd_temperature", "E6", "K1", "K2", "E7"),
        _rows(_TABLE6, "M2"),
        _numbered(_TABLE7, "E", 6, 7, 8),
        _rows(_TABLE8, "F2"),
        _rows(_TABLE12, "R50D+SK"),
    ),
    _variant(
        "resnet50d_sk_bl",
        _BIG_LITTLE_SK,
        _rows(_TABLE6, "M3"),
        _rows(_TABLE7, "E9"),
        _rows(_TABLE8, "F3"),
        _rows(_TABLE12, "R50D+SK+BL"),
        **_AT_256,
    ),
    _variant(
        "assemble_resnet50",
        _ASSEMBLE,
        _rows("table1_summary", "Assemble-ResNet-50"),
        _rows(_TABLE6, "M4"),
        _rows(_TABLE7, "E10", "E11"),
        _numbered(_TABLE8, "F", *range(4, 14)),
        _rows("table9_fgvc", *(f"{name}/assemble_fgvc50_top1" for name in _FGVC)),
        _rows(_TABLE12, "R50D+SK+BL+AA"),
        _rows("summary_v2", "Assemble-ResNet-50"),
        **_AT_256,
    ),
    _variant(
        "assemble_resnet152",
        {**_ASSEMBLE, "resnet_size": 152, "bl_alpha": 1, "bl_beta": 2},
        _rows("table1_summary", "Assemble-ResNet-152"),
        _rows(_TABLE7, "E12"),
        _rows(_TABLE12, "R152D+SK+BL+AA"),
        **_AT_256A,
    ),
    # Networks whose embedding is compared (tables 10, 11 and 15).
    _variant(
        "resnet50_ir",
        {**_RESNET50, **_EMBEDDING},
        _rows(_TABLE10, "S0"),
        _rows("table11_retrieval", *(f"{name}/resnet50_recall_at_1" for name in _RETRIEVAL)),
        **_REID,
    ),
    _variant("resnet50d_ir", {**_RESNET50D, **_EMBEDDING}, _rows(_TABLE10, "S1"), **_REID),
    _variant(
        "assemble_ir50",
        {**_RESNET50D_SK, **_EMBEDDING},
        _numbered(_TABLE10, "S", 2, 5, 6, 7, 8, 9),
        _rows("table11_retrieval", *(f"{name}/assemble_ir50_recall_at_1" for name in _RETRIEVAL)),
        _rows("table15_ir_models", *_RETRIEVAL),
        **_REID,
    ),
    _variant(
        "resnet50d_sk_bl_ir", {**_BIG_LITTLE_SK, **_EMBEDDING}, _rows(_TABLE10, "S3"), **_REID
    ),
    _variant("assemble_resnet50_ir", {**_ASSEMBLE, **_EMBEDDING}, _rows(_TABLE10, "S4"), **_REID),
    # The networks of the second version's ablation.
    _variant("mobilenet_v1", _MOBILENET, _numbered(_MOBILE, "MB", 0, 2, 3, 4, 5)),
    _variant(
        "se_mobilenet_v1_r16", {**_SE_MOBILENET, "se_ratio": 16}, _rows(_MOBILE, "MB1", "MB6")
    ),
    _variant("se_mobilenet_v1_r2", {**_SE_MOBILENET, "se_ratio": 2}, _rows(_MOBILE, "MB7", "MB8")),
    *(_variant(name, fields, **settings) for name, (fields, settings) in PUBLISHED.items()),
)

NAMED_MODELS: Mapping[str, Variant] = types.MappingProxyType(
    {variant.name: variant for variant in _VARIANTS}
)
