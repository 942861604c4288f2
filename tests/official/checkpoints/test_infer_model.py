"""The flags of a network out of the names and shapes of its variables."""

import dataclasses
import json
import pathlib

import pytest

from nets import NAMED_MODELS, ModelConfig, named_config, variable_shapes
from official.checkpoints import infer_model, model_flags
from official.run.errors import RunError

MODELS = pathlib.Path(__file__).parents[2] / "reference/nets/models"
# What leaves no variable behind.
UNSEEN = {"anti_alias_type", "anti_alias_filter_size", "pool_type"}


def variables(name):
    listed = json.loads((MODELS / f"{name}.json").read_text())["variables"]
    return {name: tuple(shape) for name, shape in listed}


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.json")))
def test_every_reference_model(name):
    case = json.loads((MODELS / f"{name}.json").read_text())
    wanted = {k: v for k, v in case["config"].items() if k not in UNSEEN}
    wanted["big_little"] = wanted.pop("resnet_version") == 2
    wanted["num_classes"] = case["num_classes"]
    found = infer_model.infer(variables(name)).fields
    assert {key: found[key] for key in wanted} == wanted
    default = ModelConfig()
    for field in set(found) - set(wanted):
        assert found[field] == getattr(default, field), field


def test_assembled_networks_are_taken_to_be_the_papers():
    assumed = infer_model.infer(variables("assemble_r50")).assumed
    assert assumed == {"anti_alias_type": "sconv", "anti_alias_filter_size": 3}
    assert infer_model.infer(variables("v2_r50")).assumed == {}
    fields = infer_model.infer(variables("assemble_r50")).fields
    assert model_flags.named_models_with(fields) == ["resnet50d_sk_bl", "assemble_resnet50"]


def without_unseen(config):
    """A configuration with its defaults where variables cannot tell."""
    default = ModelConfig()
    hidden = (
        "anti_alias_type", "anti_alias_filter_size", "zero_gamma", "use_resnet_b",
        "max_pool_padding", "shortcut_pool",
    )  # fmt: skip
    return dataclasses.replace(config, **{name: getattr(default, name) for name in hidden})


@pytest.mark.parametrize("name", NAMED_MODELS)
def test_every_named_model(name):
    wanted = without_unseen(named_config(name, num_classes=3))
    if name == "resnet50c":  # The stem is that of ResNet-D, the shortcuts leave no variable.
        wanted = dataclasses.replace(wanted, stem_type="", use_resnet_d=True)
    shapes = variable_shapes(wanted)
    inferred = infer_model.infer(shapes)
    assert ModelConfig.from_dict(inferred.fields) == wanted
    assert name in model_flags.named_models_with(inferred.fields) or name == "resnet50c"


@pytest.mark.parametrize(
    "fields",
    [
        {"resnet_size": 34, "num_filters": 8, "use_sk_block": True, "sk_min_width": 4},
        {"resnet_size": 18, "use_sk_block": True, "sk_type": "3x3_5x5", "sk_reduction": 8},
        {"num_filters": 16, "use_sk_block": True, "sk_reduction": 4, "sk_min_width": 8},
        {"num_filters": 12, "big_little": True, "bl_alpha": 3, "bl_beta": 2, "use_resnet_d": True},
        {"resnet_size": 101, "big_little": True, "use_se_block": True, "se_ratio": 4},
        {"resnet_size": 152, "big_little": True, "bl_alpha": 1, "bl_beta": 3},
        {"use_eca_block": True, "eca_kernel_size": 7, "num_filters": 32},
        {"use_eca_block": True, "big_little": True},
        {"embedding_size": 9, "embedding_batch_norm": False, "pool_type": "gem",
         "gem_learnable": True},
        {"architecture": "mobilenet_v1", "num_filters": 32, "use_se_block": True, "se_ratio": 2},
        {"architecture": "mobilenet_v1", "use_eca_block": True, "embedding_size": 5},
        {"resnet_size": 34, "no_shortcut": True, "num_filters": 2, "use_eca_block": True},
    ],
)  # fmt: skip
def test_other_networks(fields):
    config = ModelConfig(**fields, num_classes=7)
    inferred = infer_model.infer(variable_shapes(config))
    found = ModelConfig.from_dict(inferred.fields)
    # Several values of beta can mean the same number of blocks.
    assert dataclasses.replace(found, bl_beta=config.bl_beta) == config
    assert variable_shapes(found) == variable_shapes(config)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("resnet_model/dense/kernel"), "no classifier"),
        (lambda s: s.pop("resnet_model/conv2d_29/kernel"), "stages of 3, 4, 5, 3 bottlenecks"),
        (lambda s: s.update({"resnet_model/dense/kernel": (2047, 11)}), "reads 2047 features"),
    ],
)
def test_variables_of_no_network(change, message):
    shapes = variables("v1_r50")
    change(shapes)
    with pytest.raises(RunError, match=message):
        infer_model.infer(shapes)


def test_flatten_pooling_shows_in_the_classifier():
    shapes = {**variables("v1_r50"), "resnet_model/dense/kernel": (49 * 2048, 11)}
    inferred = infer_model.infer(shapes)
    assert inferred.fields["pool_type"] == "flatten"
    assert "49 cells of 2048 channels: images of 224" in inferred.reasons["pool_type"]


def test_flags_of_an_inferred_network():
    fields = infer_model.infer(variables("assemble_r50")).fields
    assert model_flags.needed_flags(fields) == (
        "--resnet_version=2 --resnet_size=50 --use_sk_block --num_classes=11"
    )
