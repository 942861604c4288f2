import dataclasses
import json

import pytest

from nets import ModelConfig


def test_survives_json():
    config = ModelConfig(
        resnet_size=101, big_little=True, dropblock_gamma_scales=(0.0, 0.1, 0.25, 1.0), seed=7
    )
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert ModelConfig.from_dict({}) == ModelConfig()


def test_unknown_key_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no field 'depth'; it has \['resnet_size'"):
        ModelConfig.from_dict({"depth": 50})


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig().resnet_size = 18


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"resnet_size": 51}, r"resnet_size=51 must be one of \[18, 34, 50, 101, 152, 200\]"),
        ({"resnet_size": 18, "big_little": True}, "resnet_size=18 has basic blocks"),
        ({"resnet_size": 34, "big_little": True}, "resnet_size=34 has basic blocks"),
        ({"resnet_size": 200, "big_little": True}, "resnet_size=200 has no Big-Little depths"),
        ({"resnet_size": "50"}, "resnet_size='50' must be an integer"),
        ({"use_sk_block": 1}, "use_sk_block=1 must be True or False"),
        ({"num_classes": 0}, "num_classes=0 must be 1 or more"),
        ({"num_classes": True}, "num_classes=True must be an integer"),
        ({"num_filters": 9, "big_little": True}, "bl_alpha=2 must divide num_filters=9"),
        ({"num_filters": 9, "use_resnet_d": True}, "num_filters=9 must be even"),
        ({"num_filters": 2, "use_se_block": True}, "se_ratio=16 must be at most 8"),
        (
            {"num_filters": 4, "use_se_block": True, "big_little": True},
            "se_ratio=16 must be at most 8",
        ),
        ({"anti_alias_type": "conv", "anti_alias_filter_size": 3}, "anti_alias_type='conv'"),
        ({"anti_alias_type": "max,max", "anti_alias_filter_size": 3}, "different words"),
        ({"anti_alias_type": "sconv"}, "anti_alias_filter_size=0 must be 1 to 7"),
        ({"anti_alias_type": "sconv", "anti_alias_filter_size": 8}, "anti_alias_filter_size=8"),
        ({"anti_alias_filter_size": 3}, "must be 0 where anti_alias_type is empty"),
        ({"pool_type": "max"}, "pool_type='max' must be one of gap, gem, flatten"),
        ({"embedding_size": -1}, "embedding_size=-1 must be 0"),
        ({"bn_momentum": 1.0}, "bn_momentum=1.0 must be at least 0 and below 1"),
        ({"bn_epsilon": 0.0}, "bn_epsilon=0.0 must be above 0"),
        ({"final_bias": float("nan")}, "final_bias=nan must be a finite number"),
        ({"dropblock_size": 0}, "dropblock_size=0 must be 1 or more"),
        ({"dropblock_gamma_scales": (0.0, 1.0)}, "must be four numbers"),
        ({"dropblock_gamma_scales": (0.0, 0.0, -1.0, 1.0)}, "must be four numbers"),
        ({"seed": -1}, "seed=-1 must be 0 to 2147483647"),
    ],
)
def test_impossible_values_are_refused_by_name(fields, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**fields)


def test_depths_and_strides():
    assert ModelConfig(resnet_size=101).blocks == (3, 4, 23, 3)
    assert ModelConfig(resnet_size=101, big_little=True).blocks == (4, 8, 18, 3)
    assert ModelConfig(resnet_size=152, big_little=True).blocks == (5, 12, 30, 3)
    assert ModelConfig().strides == (1, 2, 2, 2)
    assert ModelConfig(big_little=True).strides == (2, 2, 1, 2)
    assert ModelConfig(big_little=True, no_downsample=True).strides == (2, 2, 1, 1)
