"""The registry against the tables of the paper."""

import collections
import json
import pathlib

import pytest

from nets import NAMED_MODELS, ModelConfig, cost, named_config

TABLES = json.loads(
    (pathlib.Path(__file__).parent.parent / "reference" / "paper" / "tables.json").read_text()
)
# What the tables call a model -> its name here. REG, FGVC and KD tell how it was trained.
NAMES = {
    "R50": "resnet50",
    "ResNet-50": "resnet50",
    "ResNet-50 (baseline)": "resnet50",
    "ResNet50": "resnet50",
    "ResNet152": "resnet152",
    "ResNet-34": "resnet34",
    "plain-34": "plain34",
    "R50+SE": "resnet50_se",
    "R50+SK+SE": "resnet50_sk_se",
    "R50D": "resnet50d",
    "R50D+SE": "resnet50d_se",
    "R50D+SK": "resnet50d_sk",
    "R50D+BL+SK": "resnet50d_sk_bl",
    "R50D+BL+SK+AA": "assemble_resnet50",
    "R152D+BL+SK+AA": "assemble_resnet152",
    "Assemble-ResNet-50": "assemble_resnet50",
    "Assemble-ResNet-152": "assemble_resnet152",
    "MobileNet-V1": "mobilenet_v1",
    "SE-MobileNet-V1 (r=16)": "se_mobilenet_v1_r16",
    "SE-MobileNet-V1 (r=2)": "se_mobilenet_v1_r2",
}
SK_ROWS = {
    ("3x3 + 5x5", 2): "resnet50_sk_3x3_5x5",
    ("3x3, 2x-channel", 2): "resnet50_sk",
    ("3x3, 2x-channel", 16): "resnet50_sk_r16",
}
AA_ROWS = {
    (None, False, False, False): "resnet50",
    (5, True, True, True): "resnet50_aa5_max_proj_sconv",
    (3, True, True, True): "resnet50_aa3_max_proj_sconv",
    (3, True, False, True): "resnet50_aa3_max_sconv",
    (3, False, False, True): "resnet50_aa3_sconv",
}
# A network that is compared by its embedding has a layer for it.
RETRIEVAL = {
    "resnet50": "resnet50_ir",
    "resnet50d": "resnet50d_ir",
    "resnet50d_sk": "assemble_ir50",
    "resnet50d_sk_bl": "resnet50d_sk_bl_ir",
    "assemble_resnet50": "assemble_resnet50_ir",
}
# Column that holds a model's score, in tables with one row per data set.
COLUMNS = {
    "resnet50_top1": "resnet50",
    "assemble_fgvc50_top1": "assemble_resnet50",
    "resnet50_recall_at_1": "resnet50_ir",
    "assemble_ir50_recall_at_1": "assemble_ir50",
}


def name_of(text):
    """The name here of what a table calls a model; None for the models of others."""
    if text.startswith(("EfficientNet", "AmoebaNet")):
        return None
    words = text.removesuffix("+REG").split(" (7 to")[0].split(" from ImageNet")[0]
    if "BL" not in words:
        return NAMES[words]
    base, *tweaks = words.split("+")
    order = [tweak for tweak in ("BL", "SK", "AA") if tweak in tweaks]
    return NAMES["+".join([base, *order])]


def rows_of(table):
    """Yields (row name, values by column) of a table that has models; the name is its own."""
    columns = TABLES[table]["columns"]
    for row in TABLES[table]["rows"]:
        yield row[0], dict(zip(columns, row, strict=True))


def expected_rows():
    """Every row with a model of ours -> the model's name, read from the tables' own words."""
    for table in TABLES:
        for row, cells in rows_of(table):
            scored = [column for column in cells if column in COLUMNS]
            for column in scored:
                yield f"{table}/{row}/{column}", COLUMNS[column]
            text = cells.get("model") or cells.get("backbone")
            if scored or text is None or name_of_row(table, text, cells) is None:
                continue
            yield f"{table}/{row}", name_of_row(table, text, cells)
    for row, cells in rows_of("table3_anti_alias"):
        yield f"table3_anti_alias/{row}", AA_ROWS[tuple(cells.values())[1:5]]


def name_of_row(table, text, cells):
    if table == "table2_channel_attention" and text == "R50+SK":
        return SK_ROWS[cells["sk_configuration"], cells["sk_r"]]
    name = name_of(text)
    return RETRIEVAL[name] if table in ("table10_sop_retrieval", "table15_ir_models") else name


def test_every_row_of_the_paper_is_covered_by_its_model():
    ours = {row: v.name for v in NAMED_MODELS.values() for row in v.table_rows}
    assert ours == dict(expected_rows())
    counts = collections.Counter(row for v in NAMED_MODELS.values() for row in v.table_rows)
    assert counts.most_common(1)[0][1] == 1
    assert len(ours) == 119


def test_sizes_are_those_of_the_tables():
    for table in TABLES:
        for row, cells in rows_of(table):
            if "eval_size" in cells and name_of(cells["model"]):
                variant = NAMED_MODELS[name_of(cells["model"])]
                assert f"{table}/{row}" in variant.table_rows
                assert variant.image_size == cells["eval_size"], row
    size = dict(rows_of("table16_ir_hyperparameters"))["SOP"]["feature_size"]
    assert named_config("assemble_ir50").embedding_size == size == 1536


def test_configurations_are_those_of_the_original_scripts():
    assemble = named_config("assemble_resnet152", num_classes=11)
    assert assemble == ModelConfig(
        resnet_size=152,
        num_classes=11,
        big_little=True,
        bl_alpha=1,
        bl_beta=2,
        use_sk_block=True,
        anti_alias_type="sconv",
        anti_alias_filter_size=3,
        zero_gamma=True,
    )
    assert NAMED_MODELS["assemble_resnet152"].preprocessing_type == "imagenet_224_256a"
    assert NAMED_MODELS["assemble_resnet50"].preprocessing_type == "imagenet_224_256"
    assert named_config("resnet50") == ModelConfig(zero_gamma=True)
    configs = [variant.config for variant in NAMED_MODELS.values()]
    assert len(set(configs)) == len(configs)
    assert all(name == variant.name for name, variant in NAMED_MODELS.items())


def test_costs_are_those_of_the_paper_and_of_the_original():
    table = dict(rows_of("table12_flops"))
    measured = {}
    for row, cells in table.items():
        name = name_of(row)
        if name is not None:
            variant = NAMED_MODELS[name]
            assert f"table12_flops/{row}" in variant.table_rows
            giga = cost(variant.config, variant.image_size).multiply_adds / 1e9
            measured[row] = (cells["flops_billion"], giga)
    # docs/differences.md says why three are not what rounding gives. The paper's 4.4 is what the
    # profiler counts with element-wise operations (4.36).
    printed = {row: value for row, (value, _) in measured.items()}
    assert printed == {
        "R50": 4.1, "R50D": 4.4, "R50D+SK": 6.2, "R50D+SK+BL": 5.4, "R50D+SK+BL+AA": 7.2,
        "R152D+SK+BL+AA": 15.8,
    }  # fmt: skip
    agree = {row for row, (value, giga) in measured.items() if round(giga, 1) == value}
    assert agree == {"R50", "R50D+SK", "R50D+SK+BL"}
    assert measured["R50D"][1] == 4.32882688
    # The original's profiler on the original's graph at 256 pixels.
    assert measured["R50D+SK+BL+AA"][1] == 7.47938304
    # At 224 pixels, to which 15.8 belongs, it is 15.68, with element-wise operations 15.8.
    assert cost(named_config("assemble_resnet152")).multiply_adds == 15_676_657_408


def test_unknown_names_and_fields_are_refused():
    with pytest.raises(ValueError, match=r"'asemble_resnet50'; did you mean assemble_resnet50 or"):
        named_config("asemble_resnet50")
    with pytest.raises(ValueError, match="known: plain18, plain34, resnet18"):
        named_config("vgg")
    with pytest.raises(ValueError, match="no field 'classes'"):
        named_config("resnet50", classes=3)
    with pytest.raises(TypeError):
        NAMED_MODELS["mine"] = NAMED_MODELS["resnet50"]
