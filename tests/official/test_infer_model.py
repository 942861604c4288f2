"""The flags of a network out of the names and shapes of its variables."""

import json
import pathlib

import pytest

from nets import ModelConfig, build_model, original_variable_names
from official import infer_model
from official.configuration import RunError

MODELS = pathlib.Path(__file__).parent.parent / "reference/nets/models"
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
    assert infer_model.named_models_with(fields) == ["resnet50d_sk_bl", "assemble_resnet50"]


def test_depth_and_thin_branches_of_the_152():
    """12 x 3 bottlenecks in the big branch of stage 2, and so on, without building it."""
    shapes = {}
    for name, shape in variables("assemble_r50").items():
        if not name.startswith(("resnet_model/stage2", "resnet_model/stage3")):
            shapes[name] = shape
    blocks = {1: (4, 1), 2: (11, 5), 3: (29, 14)}
    for stage, (big, little) in blocks.items():
        for branch, count in (("big", big), ("little", little)):
            scope = f"resnet_model/stage{stage}/{branch}{stage}"
            kinds = [(1, 1), *[(1, 1), (3, 3), (1, 1)] * count]
            for number, side in enumerate(kinds):
                suffix = f"_{number}" if number else ""
                shapes[f"{scope}/conv2d{suffix}/kernel"] = (*side, 64, 64)
    shapes["resnet_model/stage0/pool/conv2d_1/kernel"] = (3, 3, 64, 64)
    found = infer_model.infer(shapes).fields
    assert (found["resnet_size"], found["bl_alpha"], found["bl_beta"]) == (152, 1, 2)


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(resnet_size=18, num_filters=8, num_classes=3),
        ModelConfig(resnet_size=34, num_filters=8, use_sk_block=True, sk_min_width=4),
        ModelConfig(resnet_size=101, num_filters=8, use_resnet_d=True, embedding_size=9),
        ModelConfig(num_filters=16, use_sk_block=True, sk_reduction=4, sk_min_width=8),
        ModelConfig(num_filters=12, big_little=True, bl_alpha=3, bl_beta=2, use_se_block=True,
                    se_ratio=4),
    ],
    ids=["r18", "r34_sk", "r101_d_embedding", "sk", "big_little_se"],
)  # fmt: skip
def test_small_networks_of_this_program(config):
    shapes = {n: tuple(v.shape) for n, v in original_variable_names(build_model(config)).items()}
    inferred = infer_model.infer(shapes)
    assert ModelConfig.from_dict(inferred.fields) == config


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
    assert inferred.reasons["pool_type"] == "the head reads 49 cells of 2048 channels"


def test_flags_of_an_inferred_network():
    fields = infer_model.infer(variables("assemble_r50")).fields
    assert infer_model.needed_flags(fields) == (
        "--resnet_version=2 --resnet_size=50 --use_sk_block --num_classes=11"
    )
