"""The benchmark of networks without a checkpoint."""

import numpy as np
import pytest

from nets import build_model, named_config
from official.benchmark import networks, original_graph, turns
from official.benchmark.networks import Case
from official.run.errors import RunError

ROW = {
    "milliseconds": 40.0, "times": [], "peak_memory_mb": 500,
    "parameters": 10, "gflops": 0.5,
}  # fmt: skip


def test_one_network_in_both_modes():
    inference = turns.measure(Case("mobilenet_v1", "inference", 2, 32), seconds=0)
    train = turns.measure(Case("mobilenet_v1", "train", 2, 32), seconds=0)
    # Keras' own MobileNet-V1 has 4,253,864 for 1000 classes; one class more has 1024 and a bias.
    assert train["parameters"] == 4_253_864 + 1025
    # The network's own, also where batch norm is folded.
    assert inference["parameters"] == train["parameters"]
    # 0.569 billion at 224 pixels, of which the classifier, 0.001, does not shrink with the area.
    assert inference["gflops"] == train["gflops"] == pytest.approx(0.0126, abs=5e-4)
    for result in (inference, train):
        assert len(result["times"]) == 3 and 0 < result["milliseconds"] <= max(result["times"])
        assert result["peak_memory_mb"] > 100


def test_the_multiply_adds_of_the_yardstick():
    _, billions = networks.build(Case("keras_resnet50", "inference", 1, 224))
    # He et al. (arXiv:1512.03385), table 1: 3.8 billion, stride on the 1x1. 2048 for class 1001.
    assert billions == pytest.approx(3.858, abs=0.002)


def test_sizes_are_those_of_the_network_and_mode():
    assert Case("assemble_resnet50", "inference", 8).size == 256
    assert Case("assemble_resnet50", "train", 8).size == 224
    assert Case("keras_resnet50", "train", 8).size == 224
    assert Case("keras_resnet50", "train", 8, 64).size == 64


def results(*milliseconds):
    return [{**ROW, "milliseconds": ms, "times": [ms, 2 * ms]} for ms in milliseconds]


def test_a_row_has_the_median_round():
    (row,) = turns.table({Case("resnet50", "train", 8): results(50, 20, 40)}, "a, b")
    assert row["milliseconds"] == 40 and row["slowest_milliseconds"] == 100
    # 8 images in 40 ms.
    assert row["images_per_second"] == 200.0
    assert tuple(row) == turns.COLUMNS


def test_a_row_is_relative_to_the_first_of_its_mode_round_by_round():
    found = {
        Case("resnet50", "train", 8): results(100, 200, 400),
        Case("resnet50", "inference", 8): results(10, 10, 10),
        # 1.5, 1.2 and 1.1 times; the ratio of the medians, 240 / 200, says less.
        Case("resnet50d", "train", 8): results(150, 240, 440),
    }
    rows = turns.table(found, "")
    names = ("relative", "relative_low", "relative_high")
    assert [[row[name] for name in names] for row in rows] == [
        [1, 1, 1],
        [1, 1, 1],
        [1.2, 1.15, 1.35],
    ]


def test_networks_take_turns(capsys):
    cases = [Case("mobilenet_v1", "inference", 2, 32), Case("resnet18", "train", 2, 32)]
    rows = turns.rows(cases, 3, 0.0, "a, b", paired=True)
    assert [row["model"] for row in rows] == ["mobilenet_v1", "resnet18"]
    assert [row["rounds"] for row in rows] == [3, 3]
    assert rows[0]["parameters"] == 4_253_864 + 1025
    for row in rows:
        assert 0 < row["milliseconds"] <= row["slowest_milliseconds"]
        assert row["peak_memory_mb"] > 0
    assert capsys.readouterr().err.count("turn ") == 3


@pytest.mark.parametrize(
    "fields, message",
    [
        (("resnet51", "train", 8), "'resnet51'; did you mean"),
        (("resnet50", "forward", 8), "'forward'"),
        (("resnet50", "train", 8, 0, "fp8"), "'fp8'"),
        (("original_resnet51", "train", 8), "'resnet51'; did you mean"),
        (("original_resnet50+dropblock", "train", 8), "without DropBlock"),
    ],
)
def test_what_cannot_be_measured_is_refused(fields, message):
    with pytest.raises(RunError, match=message):
        Case(*fields)


def test_a_case_that_fails_says_so():
    for paired in (False, True):
        with pytest.raises(RunError, match="resnet18 train, batch -1"):
            turns.rows([Case("resnet18", "train", -1, 32)], 1, 0.0, "", paired)


def test_the_original_form_is_the_same_network():
    config = named_config("assemble_resnet50", num_filters=8, num_classes=5)
    random = np.random.default_rng(0)
    images = random.uniform(-120, 150, (2, 64, 64, 3)).astype(np.float32)
    ours = build_model(config, (64, 64, 3))
    networks._scatter(ours, random)
    expected = ours(images, training=False).numpy()
    for_training = original_graph.build(config, (64, 64, 3))
    for_inference = original_graph.build(config, (64, 64, 3), grouped=True)
    for network in (for_training, for_inference):
        network.set_weights(ours.get_weights())
    largest = np.abs(expected).max()
    separate = for_training(images, training=False).numpy()
    assert np.abs(separate - expected).max() < 1e-5 * largest
    # The frozen graph has the weights as constants.
    run = original_graph.frozen(for_inference, images)
    for_inference.set_weights([0 * value for value in for_inference.get_weights()])
    assert np.abs(run() - expected).max() < 1e-5 * largest
