"""Every row of the paper's tables is trained as its table says."""

import dataclasses
import os
import re

import pytest

from datasets import catalog
from nets import NAMED_MODELS
from nets.config import ModelConfig
from official.report import paper
from official.rows import listing, registry

ROWS = list(registry.ROWS.values())
# Those of the experiments beside the paper.
BESIDE = ("bag_of_tricks", "flowers104")
PAPER = [row for row in ROWS if row.name.split("/")[0] not in BESIDE]
IMAGENET = {"table2", "table3", "table4", "table5", "table6", "table7", "mobilenet"}
# Tables whose rows are no trainings.
NO_TRAINING = {
    "table1_summary", "table12_flops", "table13_fgvc_epochs", "table14_fgvc_datasets",
    "table15_ir_models", "table16_ir_hyperparameters", "summary_v2",
}  # fmt: skip
# The techniques by the words of the tables: fields and the values that they have then.
TECHNIQUES = {
    "LS": {"recipe.label_smoothing": 0.1},
    "Mixup": {"recipe.mixup_type": 1, "recipe.mixup_alpha": 0.2},
    "DropBlock": {"recipe.use_dropblock": True},
    "KD": {"recipe.kd_temp": 1.0},
    "Autoaug": {"preprocessing.autoaugment_type": "imagenet"},
}


def field(config, name):
    part, _, key = name.partition(".")
    return config[part][key]


def words(row):
    """The regularisation of a row, as its table names it."""
    values = paper.row(row.table, row.key)
    text = values.get("regularization") or values.get("configuration") or ""
    return [word.strip() for word in text.split("+") if word.strip()]


def test_every_training_of_the_tables_has_its_row():
    rows = {(row.table, row.key) for row in ROWS}
    for table, content in paper.tables().items():
        if table in NO_TRAINING | WAITING:
            continue
        for key, *_ in content["rows"]:
            assert (key == "-") != ((table, key) in rows), f"{table}/{key}"


# Tables whose flags are not there yet.
WAITING = {"table10_sop_retrieval", "table11_retrieval"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_files_of_a_row_say_what_the_paper_says(row):
    script = registry.ROOT / row.script
    assert os.access(script, os.X_OK)
    for path in (row.flags_file, script):
        text = path.read_text(encoding="utf-8")
        head = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
        assert f"Paper: {listing.numbers(row)}" in head, path
        for needed in row.needs.values() if path == row.flags_file else ():
            assert f"scripts/{needed}.sh" in head, path
    # The title names the row.
    assert row.key in listing.title(row)
    assert f"run {row.name} " in script.read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_network_of_a_row_is_that_of_the_table(row, resolved):
    printed = [f"{row.table}/{row.key}"]
    printed += [f"{row.table}/{row.key}/{column}" for column in row.columns]
    names = [v.config for v in NAMED_MODELS.values() if set(printed) & set(v.table_rows)]
    assert len(names) == 1
    built = ModelConfig.from_dict(resolved(row.name)["model"])
    names_free = ["num_classes", "bn_momentum", "use_dropblock"]
    if row.name.split("/")[0] in BESIDE:
        # Networks whose ImageNet weights can be had, and those of a project without zero gammas.
        names_free += ["use_resnet_b", "max_pool_padding", "zero_gamma"]
    free = {name: getattr(built, name) for name in names_free}
    assert built == dataclasses.replace(names[0], **free)
    assert built.num_classes == catalog.get(row.dataset).num_classes


@pytest.mark.parametrize("row", PAPER, ids=lambda row: row.name)
def test_the_recipe_of_a_row_is_that_of_the_table(row, resolved):
    config, values = resolved(row.name), paper.row(row.table, row.key)
    named = words(row)
    techniques = {name: dict(fields) for name, fields in TECHNIQUES.items()}
    if row.table.startswith(("table8", "table9")):
        # Note of table 8: the policy found for CIFAR-10, of 95 sub-policies.
        techniques["Autoaug"] = {"preprocessing.autoaugment_type": "good"}
    if row.table == "table9_fgvc":
        named = ["DropBlock", "Mixup", "Autoaug", "LS"] * (row.columns[0][:8] == "assemble")
    for word in list(named):
        temperature = re.fullmatch(r"KD \(T=([\d.]+)\)", word)
        if temperature:
            techniques["KD"] = {"recipe.kd_temp": float(temperature[1])}
            named[named.index(word)] = "KD"
        if word in ("mixup type 1", "mixup type 2"):
            techniques["Mixup"]["recipe.mixup_type"] = int(word[-1])
            named[named.index(word)] = "Mixup"
    assert set(named) <= set(techniques)
    for name, fields in techniques.items():
        reached = {key: field(config, key) for key in fields}
        if name in named:
            assert reached == fields, name
        else:
            first = next(iter(fields))
            assert not reached[first], f"{name} is on"
    if "epochs" in values:
        assert config["recipe"]["train_epochs"] == values["epochs"]
    if "eval_size" in values:
        assert config["follows"]["eval_size"] == values["eval_size"]
    assert config["follows"]["train_size"] == 224


@pytest.mark.parametrize("row", PAPER, ids=lambda row: row.name)
def test_rates_and_batches(row, resolved):
    recipe = resolved(row.name)["recipe"]
    assert (recipe["optimizer"], recipe["momentum"]) == ("momentum", 0.9)
    assert recipe["lr_warmup_epochs"] == 5
    if row.name.split("/")[0] in IMAGENET:
        assert (recipe["batch_size"], recipe["base_learning_rate"]) == (1024, 0.4)
        assert (recipe["weight_decay"], recipe["dtype"]) == (1e-4, "fp16")
    else:
        assert (recipe["batch_size"], recipe["base_learning_rate"]) == (256, 0.01)
        assert (recipe["weight_decay"], recipe["dtype"]) == (1e-3, "fp32")
    if row.table[:6] in ("table2", "table3"):
        assert recipe["learning_rate_decay_type"] == "piecewise"
        assert recipe["piecewise_lr_boundary_epochs"] == [30, 60, 90]
        assert recipe["piecewise_lr_decay_rates"] == [1.0, 0.1, 0.01, 0.001]
    else:
        assert recipe["learning_rate_decay_type"] == "cosine"
    if row.table[:6] in ("table2", "table3", "table6"):
        assert recipe["train_epochs"] == 120


def test_drop_block_of_the_fine_grained_rows_is_stronger(resolved):
    assert resolved("table7/E11")["recipe"]["dropblock_kp"] == [1.0, 0.9]
    assert resolved("table8/F13")["recipe"]["dropblock_kp"] == [0.9, 0.7]


@pytest.mark.parametrize("row", [r for r in ROWS if r.table == "table8_food101"],
                         ids=lambda row: row.name)  # fmt: skip
def test_backbones_of_table_8_have_the_accuracy_that_it_prints(row):
    backbone = registry.get(row.needs["pretrained_model_checkpoint_path"])
    assert backbone.paper["top1"] == paper.row(row.table, row.key)["backbone_top1"]
    # What the backbone is trained for beside the network is REG.
    assert bool(words(backbone)) == ("REG" in paper.row(row.table, row.key)["backbone"])


@pytest.mark.parametrize("row", [r for r in ROWS if r.table == "table9_fgvc"],
                         ids=lambda row: row.name)  # fmt: skip
def test_the_sets_of_table_9_have_the_epochs_of_table_13_and_the_images_of_table_14(row, resolved):
    config = resolved(row.name)
    assert config["recipe"]["train_epochs"] == paper.row("table13_fgvc_epochs", row.key)["epochs"]
    images = paper.row("table14_fgvc_datasets", row.key)
    assert config["data"]["num_images"] == images["train_images"]
    assert config["data"]["num_classes"] == images["classes"]
    # max(1 - 10 / s, 0.9), rounded as in the original's script: 0.966 for Food-101.
    momentum = max(1 - 10 / (images["train_images"] / 256), 0.9)
    assert config["model"]["bn_momentum"] == pytest.approx(momentum, abs=5e-4)
    assert registry.get(row.needs["pretrained_model_checkpoint_path"]).name == (
        "table7/E0" if row.columns == ("resnet50_top1",) else "table7/E11"
    )


BIRDS = [row for row in ROWS if row.table == "bag_of_tricks_cub200"]


@pytest.mark.parametrize("row", BIRDS, ids=lambda row: row.name)
def test_the_bag_of_tricks_is_as_the_note_of_its_table(row, resolved):
    config, technique = resolved(row.name), paper.row(row.table, row.key)["technique"]
    recipe = config["recipe"]
    assert config["model"]["resnet_size"] == int(paper.row(row.table, row.key)["model"][6:])
    assert (recipe["batch_size"], recipe["train_epochs"], recipe["optimizer"]) == (64, 10, "adam")
    assert recipe["base_learning_rate"] == 1e-3 and recipe["lr_warmup_epochs"] == 0
    assert recipe["layer_rates"] == [
        "stem:1/10", "stage1:1/8", "stage2:1/6", "stage3:1/4", "stage4:1/2", "head:1/2",
    ]  # fmt: skip
    assert config["preprocessing"]["rotation_degrees"] == 5
    cosine, smoothed = "cosine" in technique, "LS" in technique or "smoothing" in technique
    assert recipe["learning_rate_decay_type"] == ("cosine" if cosine else "one_cycle")
    assert recipe["label_smoothing"] == (0.1 if smoothed else 0)
    alpha = re.search(r"mixup alpha ([\d.]+)", technique)
    assert bool(recipe["mixup_type"]) == bool(alpha)
    assert not alpha or recipe["mixup_alpha"] == float(alpha[1])
    taught = "KD" in technique
    assert (recipe["kd_temp"], recipe["kd_alpha"]) == ((10, 0.1) if taught else (0, None))
    # With label smoothing the teacher is one that was trained with it.
    teacher = f"runs/bag_of_tricks/{'B1' if smoothed else 'B0'}" if taught else ""
    assert recipe["teacher"] == teacher
    # 72 per cent of 11,788 images of 200 classes.
    assert (config["data"]["num_images"], config["model"]["num_classes"]) == (8487, 200)


@pytest.mark.parametrize("name", ["P0", "P1", "P2", "P3"])
def test_the_flowers_are_as_the_note_of_their_table(name, resolved):
    config = resolved(f"flowers104/{name}")
    recipe, images = config["recipe"], config["preprocessing"]
    assert (config["data"]["num_images"], config["model"]["num_classes"]) == (51012, 104)
    assert (recipe["batch_size"], recipe["momentum"], recipe["weight_decay"]) == (256, 0.9, 1e-4)
    assert recipe["base_learning_rate"] == (0.01 if name == "P3" else 0.1)
    assert (recipe["learning_rate_decay_type"], recipe["train_epochs"]) == ("plateau", 70)
    assert (recipe["plateau_metric"], recipe["plateau_patience"]) == ("cross_entropy", 7)
    assert recipe["plateau_factor"] == 0.1
    assert images["scale_augmentation"] == [256, 480] and config["follows"]["train_size"] == 224


SE, SK, D = "model.use_se_block", "model.use_sk_block", "model.use_resnet_d"
AA, AA_SIZE = "model.anti_alias_type", "model.anti_alias_filter_size"
EPOCHS, LS, KD = "recipe.train_epochs", "recipe.label_smoothing", "recipe.kd_temp"
DECAY, ALPHA = "recipe.learning_rate_decay_type", "recipe.mixup_alpha"
MIXUP, POLICY = "recipe.mixup_type", "preprocessing.autoaugment_type"
TAUGHT = {KD, "recipe.kd_alpha", "recipe.teacher"}
SIZE, BACKBONE = "preprocessing.preprocessing_type", "options.pretrained_model_checkpoint_path"
DROP_BLOCK = {"model.use_dropblock", "recipe.use_dropblock"}
BL = {"model.big_little", D, SIZE}
SET = {"data.dataset_name", "data.num_images", "data.num_classes", "model.num_classes", EPOCHS,
       "model.bn_momentum"}  # fmt: skip
# What each row changes of the one that its file names, by the tables.
STEPS = {
    "table2/C1": {SE}, "table2/C2": {SK, "model.sk_type"}, "table2/C3": {SK},
    "table2/C4": {"model.sk_reduction"}, "table2/C5": {SE},
    "table3/A0": set(), "table3/A1": {AA, AA_SIZE}, "table3/A2": {AA_SIZE}, "table3/A3": {AA},
    "table3/A4": {AA},
    "table4/E2": set(), "table4/X1": {MIXUP}, "table4/E3": set(),
    "table5/E6": set(), "table5/K1": {KD}, "table5/K2": {KD}, "table5/E7": set(),
    "table6/M0": set(), "table6/M1": set(), "table6/M2": {SK}, "table6/M3": BL,
    "table6/M4": {AA, AA_SIZE},
    "table7/E1": {D}, "table7/E2": {LS}, "table7/E3": {MIXUP, EPOCHS}, "table7/E4": {SE},
    "table7/E5": {*DROP_BLOCK, EPOCHS}, "table7/E6": {SE, SK}, "table7/E7": {KD},
    "table7/E8": {EPOCHS}, "table7/E9": BL, "table7/E10": {AA, AA_SIZE}, "table7/E11": {POLICY},
    "table7/E12": {"model.resnet_size", "model.bl_alpha", "model.bl_beta", SIZE},
    "table8/F1": {D, BACKBONE}, "table8/F2": {SK, BACKBONE},
    "table8/F3": {"model.big_little", D, BACKBONE}, "table8/F4": {AA, AA_SIZE, BACKBONE},
    "table8/F5": {*DROP_BLOCK, "recipe.dropblock_kp"}, "table8/F6": {MIXUP}, "table8/F7": {POLICY},
    "table8/F8": {LS}, "table8/F9": {BACKBONE},
    "table8/F10": {*DROP_BLOCK, "recipe.dropblock_kp"}, "table8/F11": {MIXUP},
    "table8/F12": {POLICY}, "table8/F13": {LS},
    "table9/food101_resnet50": set(), "table9/food101_assemble_fgvc50": set(),
    **{
        f"table9/{name}_{network}": SET
        for name in ("cars196", "oxford_flowers102", "fgvc_aircraft", "oxford_iiit_pet")
        for network in ("resnet50", "assemble_fgvc50")
    },
    "bag_of_tricks/B1": {LS}, "bag_of_tricks/B3": {DECAY}, "bag_of_tricks/B4": {LS},
    "bag_of_tricks/B6": {MIXUP, ALPHA}, "bag_of_tricks/B7": {ALPHA}, "bag_of_tricks/B8": {ALPHA},
    "bag_of_tricks/B9": {ALPHA}, "bag_of_tricks/B10": {LS},
    "bag_of_tricks/B5": TAUGHT, "bag_of_tricks/B11": TAUGHT, "bag_of_tricks/B12": TAUGHT,
    "bag_of_tricks/B13": TAUGHT, "bag_of_tricks/B14": {MIXUP}, "bag_of_tricks/B15": {ALPHA},
    "flowers104/P1": {"model.no_shortcut"}, "flowers104/P2": {"model.resnet_size"},
    "flowers104/P3": {BACKBONE, "model.use_resnet_b", "model.max_pool_padding",
                      "recipe.base_learning_rate"},
    "mobilenet/MB1": {SE, EPOCHS}, "mobilenet/MB2": {LS}, "mobilenet/MB3": {MIXUP, EPOCHS},
    "mobilenet/MB4": {KD}, "mobilenet/MB5": {EPOCHS}, "mobilenet/MB6": {SE},
    "mobilenet/MB7": {"model.se_ratio"}, "mobilenet/MB8": {*DROP_BLOCK, EPOCHS},
}  # fmt: skip
FIRST = {
    "table2/C0", "table7/E0", "table8/F0", "mobilenet/MB0", "bag_of_tricks/B0", "bag_of_tricks/B2",
    "flowers104/P0",
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_changes_what_its_table_names_and_nothing_else(row, resolved):
    if row.name in FIRST:
        assert row.parent.startswith("common/")
        return
    before, after = resolved(row.parent), resolved(row.name)
    parts = ("model", "preprocessing", "recipe", "data", "options")
    changed = {
        f"{part}.{key}" for part in parts for key in after[part]
        if after[part][key] != before[part][key]
    }  # fmt: skip
    assert changed == STEPS[row.name]
    assert (row.training is row) == bool(changed)
