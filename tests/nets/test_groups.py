"""Every layer is in one group, of the part of the network where it lies."""

from nets import ModelConfig, build_model
from nets.groups import groups


def names(config):
    network = build_model(config)
    found = groups(network)
    together = [layer.name for layers in found.values() for layer in layers]
    assert sorted(together) == sorted(layer.name for layer in network.layers)
    return {
        name: [weight.name for layer in layers for weight in layer.trainable_weights]
        for name, layers in found.items()
    }


def test_groups_of_a_plain_network():
    found = names(ModelConfig(resnet_size=18, num_filters=4, num_classes=3))
    # A kernel, gamma and beta each: the stem; two blocks of two, and a projection but for stage 1.
    assert {name: len(weights) for name, weights in found.items()} == {
        "stem": 3, "stage1": 12, "stage2": 15, "stage3": 15, "stage4": 15, "head": 2,
    }  # fmt: skip
    assert found["head"] == ["dense/kernel:0", "dense/bias:0"]
    assert found["stem"][0] == "conv2d/kernel:0"


def test_groups_are_those_of_the_names_in_big_little():
    found = names(ModelConfig(resnet_size=50, num_filters=4, big_little=True, use_sk_block=True))
    assert list(found) == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    for name, weights in found.items():
        start = {"stem": "stage0", "head": "dense"}.get(name, name)
        assert weights and all(weight.startswith(start) for weight in weights), name


def test_groups_of_mobilenet():
    found = names(ModelConfig(architecture="mobilenet_v1", num_filters=8, num_classes=3))
    assert list(found) == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert all(found.values())
