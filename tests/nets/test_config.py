import dataclasses
import json

import pytest

from nets import ModelConfig

PLAIN = {"resnet_size": 18, "no_shortcut": True}


def test_survives_json():
    config = ModelConfig(
        resnet_size=101, big_little=True, dropblock_gamma_scales=(0.0, 0.1, 0.25, 1.0), seed=7
    )
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert ModelConfig(**json.loads(json.dumps(config.to_dict()))) == config
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
        ({"architecture": "vgg"}, "architecture='vgg' must be one of resnet, mobilenet_v1"),
        ({"architecture": "mobilenet_v1", "num_filters": 9}, "num_filters=9 must be even"),
        ({"resnet_size": 18, "use_resnet_b": False}, "resnet_size=18 has basic blocks"),
        ({"shortcut_type": "D"}, "shortcut_type='D' must be one of A, B, C"),
        ({"shortcut_type": "A"}, r"is for \[18, 34\]; resnet_size=50 has bottlenecks"),
        ({**PLAIN, "shortcut_type": "C"}, "must be B where there is no shortcut"),
        ({"resnet_size": 18, "shortcut_type": "A", "use_resnet_d": True}, "has no projection"),
        ({"shortcut_pool": "never"}, "shortcut_pool='never' must be one of always, strided"),
        ({"shortcut_pool": "strided"}, "shortcut_pool='strided' is a form of ResNet-D's"),
        ({"max_pool_padding": "valid"}, "max_pool_padding='valid' must be one of same, symmetric"),
        ({"max_pool_padding": "symmetric", "big_little": True}, "has no pool"),
        ({"se_bias": True}, "se_bias=True belongs to the gates of use_se_block=True"),
        ({"stem_type": "5x5"}, "stem_type='5x5' must be 7x7, deep or empty"),
        ({"stem_type": "deep", "num_filters": 9}, "must be even with stem_type='deep'"),
        ({"big_little": True, "use_resnet_d": True, "num_filters": 9, "bl_alpha": 1}, "be even"),
        ({"no_shortcut": True}, r"no_shortcut=True exists for \[18, 34\], not for resnet_size=50"),
        ({**PLAIN, "use_resnet_d": True}, "use_resnet_d=True pools shortcuts"),
        ({**PLAIN, "zero_gamma": True}, "zero_gamma=True would give zeros"),
        ({**PLAIN, "anti_alias_type": "proj", "anti_alias_filter_size": 3}, "blurs shortcuts"),
        ({"use_se_block": True, "use_eca_block": True}, "place that use_se_block=True has"),
        ({"eca_kernel_size": 3}, "eca_kernel_size=3 must be 0 where use_eca_block is False"),
        ({"eca_kernel_size": 4, "use_eca_block": True}, "eca_kernel_size=4 must be odd"),
        ({"sk_type": "5x5"}, "sk_type='5x5' must be one of 3x3_2x, 3x3_5x5"),
        ({"sk_type": "3x3_5x5"}, "sk_type='3x3_5x5' is a form of .*: use_sk_block=True"),
        ({"gem_power": 0.0}, "gem_power=0.0 must be above 0"),
        ({"gem_learnable": True}, "needs pool_type='gem', not 'gap'"),
        ({"embedding_batch_norm": False}, "needs an embedding_size above 0"),
        ({"dropblock_size": 0}, "dropblock_size=0 must be 1 or more"),
        ({"dropblock_gamma_scales": (0.0, 1.0)}, "must be four numbers"),
        ({"dropblock_gamma_scales": (0.0, 0.0, -1.0, 1.0)}, "must be four numbers"),
        ({"dropblock_gamma_scales": [0.0, 1.0]}, "must be four numbers"),
        ({"dropblock_keep_prob": 0.0}, "dropblock_keep_prob=0.0 must be above 0 and at most 1"),
        ({"dropblock_keep_prob": 1.5}, "dropblock_keep_prob=1.5 must be above 0 and at most 1"),
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
