"""Names, shapes and order of the variables for every combination that the original has."""

import importlib.util
import itertools
import math
import pathlib

import pytest

from nets import (
    ModelConfig,
    build_model,
    cost,
    original_variable_names,
    parts,
    variable_shapes,
)

HERE = pathlib.Path(__file__).parent
GIVEN = [
    "assemble_r50", "v1_r50", "v1_r50_aa3", "v1_r50_d", "v1_r50_emb128", "v1_r50_gem", "v1_r50_se",
    "v1_r50_sk", "v2_r50",
]  # fmt: skip
SWITCHES = ("use_resnet_d", "use_se_block", "use_sk_block")


def _load_listing():
    spec = importlib.util.spec_from_file_location("original_listing", HERE / "original_listing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.listing


listing = _load_listing()


def listed(shapes):
    return [[name, list(shape)] for name, shape in shapes.items()]


@pytest.mark.parametrize("name", GIVEN)
def test_names_shapes_and_order_of_the_given_cases(reference, name):
    case = reference.json(f"models/{name}")
    assert listed(variable_shapes(reference.config(case))) == case["variables"]
    without_variables = ("anti_alias_type", "anti_alias_filter_size", "pool_type")
    options = {k: v for k, v in case["config"].items() if k not in without_variables}
    assert listing(**options) == case["variables"]


def combinations():
    """What the original's flags allow."""
    for version, sizes in ((1, (50, 101, 152, 200)), (2, (50, 101, 152))):
        for size in sizes:
            for switches in itertools.product([False, True], repeat=3):
                yield version, size, dict(zip(SWITCHES, switches, strict=True))


def test_names_shapes_and_order_of_every_combination(reference):
    count = 0
    for version, size, switches in combinations():
        for embedding, alpha, beta in ((0, 2, 4), (96, 1, 2)):
            case = {"resnet_version": version, "resnet_size": size, **switches}
            case |= {"embedding_size": embedding, "bl_alpha": alpha, "bl_beta": beta}
            config = reference.config({"config": case, "num_classes": 11})
            assert listed(variable_shapes(config)) == listing(**case), case
            count += 1
    assert count == 2 * 7 * 8


# Each builds a model of its own kind: what is counted without building must be what is built. The
# multiply-adds at 70 x 83 pixels are those of the layers of the built models, added up one by one
# by an earlier version.
BUILT = [
    ({"big_little": True, "use_resnet_d": True, "use_sk_block": True, "use_se_block": True,
      "anti_alias_type": "sconv", "anti_alias_filter_size": 4}, 9_545_960),
    ({"use_sk_block": True, "sk_type": "3x3_5x5", "use_eca_block": True, "use_resnet_b": False,
      "anti_alias_type": "max,proj,sconv", "anti_alias_filter_size": 3}, 22_625_232),
    ({"resnet_size": 18, "no_shortcut": True, "pool_type": "gem", "gem_learnable": True},
     5_527_056),
    ({"resnet_size": 18, "stem_type": "deep", "pool_type": "flatten", "embedding_size": 5,
      "embedding_batch_norm": False, "anti_alias_type": "proj", "anti_alias_filter_size": 1},
     4_641_303),
    ({"architecture": "mobilenet_v1", "use_eca_block": True, "eca_kernel_size": 5}, 1_692_072),
]  # fmt: skip


@pytest.mark.parametrize("fields, multiply_adds", BUILT)
def test_a_built_model_has_the_listed_variables_and_costs(fields, multiply_adds):
    config = ModelConfig(num_filters=8, num_classes=3, **{"se_ratio": 4, **fields})
    model = build_model(config, (70, 83, 3))
    built = {name: variable.shape for name, variable in original_variable_names(model).items()}
    assert listed(built) == listed(variable_shapes(config, 70, 83))
    assert len(built) == len(model.weights)
    counted = cost(config, 70, 83)
    assert counted.multiply_adds == multiply_adds
    assert counted.parameters == model.count_params()
    assert counted.trainable == sum(math.prod(v.shape) for v in model.trainable_weights)
    listed_parts = parts(config, 70, 83)
    assert sum(part.multiply_adds for part in listed_parts) == counted.multiply_adds
    assert sum(part.trainable for part in listed_parts) == counted.trainable
    for part in listed_parts[:-1]:
        assert model.get_layer(part.name).output_shape[1:] == part.shape
