"""Balanced sampling and class weights, of data with a class that is small."""

import collections
import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.conversion import command
from nets import ModelConfig
from official.input import labels, pipeline
from official.input.balancing import Repeats
from official.input.splits import find_split
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train import class_weights
from preprocessing import PreprocessingConfig


@pytest.mark.parametrize("number", range(5))
def test_shares_of_a_pass(number):
    classes = np.array([0, 2, 0, -1, 0, 2, 5, 0, 0, 0, 0])
    counts = Repeats(classes)(tf.constant([7, number], tf.int64)).numpy()
    # Ten records and three classes: 4 for class 0, whose records come at most once; 3 and 3.
    assert counts.sum() == 11 and counts[3] == 1
    assert counts[classes == 0].sum() == 4 and set(counts[classes == 0]) == {0, 1}
    assert sorted(counts[classes == 2]) == [1, 2] and counts[6] == 3


def test_every_record_has_its_turn():
    classes = np.array([0] * 8 + [1] * 2)
    passes = [Repeats(classes)(tf.constant([3, n], tf.int64)).numpy() for n in range(40)]
    again = Repeats(classes)(tf.constant([3, 7], tf.int64)).numpy()
    assert (again == passes[7]).all() and len({tuple(counts) for counts in passes}) > 10
    assert np.sum(passes, 0)[:8].min() >= 10  # 25 are expected.


@pytest.fixture(scope="module")
def uneven(photos, tmp_path_factory):
    """10 blue, 10 green, 3 red and 10 white photos."""
    raw, folder = tmp_path_factory.mktemp("uneven") / "raw", tmp_path_factory.mktemp("records")
    shutil.copytree(photos, raw)
    for number in range(3, 10):
        (raw / f"train/red/{number:03d}.jpg").unlink()
    arguments = ["image_folder", f"--raw_dir={raw}", f"--output_dir={folder}"]
    assert command.main([*arguments, "--train_shards=2", "--validation_shards=1"]) == 0
    return folder


def run_of(folder, **recipe):
    names = ("blue", "green", "red", "white")
    return RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=3, seed=5, **recipe),
        DataConfig(data_dir=str(folder), num_classes=4, shuffle_buffer=100, class_names=names),
    )


def test_the_stream_is_balanced_and_goes_on_anywhere(uneven):
    config = run_of(uneven, balanced_sampling=True)
    split = find_split(str(uneven), "train-*", "fail")
    assert np.bincount(labels.read(config.data, split)).tolist() == [10, 10, 3, 10]
    whole = list(pipeline.training_dataset(config, split).take(22).as_numpy_iterator())
    for start in (0, 11):  # Two passes of 33.
        found = np.concatenate([targets["labels"] for _, targets in whole[start : start + 11]])
        assert found.sum(0).tolist() == [9, 8, 8, 8]
    images = np.concatenate([images for images, _ in whole[:11]])
    assert len({image.tobytes() for image in images}) == 33  # Another crop each time.

    for start in (5, 14):
        rest = pipeline.training_dataset(config, split, start).take(22 - start)
        for one, other in zip(whole[start:], rest.as_numpy_iterator(), strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_weights_of_classes(uneven):
    split = find_split(str(uneven), "train-*", "fail")

    def found(*entries):
        return class_weights.weights(run_of(uneven, class_weights=entries), split)

    assert found() == ()
    assert found("red:3", "blue:1/4") == (0.25, 1.0, 3.0, 1.0)
    # 33 records and four classes.
    assert found("balanced") == pytest.approx((0.825, 0.825, 2.75, 0.825))
    with pytest.raises(RunError, match="no class pink.*classes are blue, green, red, white"):
        found("pink:2")
    with pytest.raises(ValueError, match="--class_weights must name each class once"):
        found("balanced", "red:2")


def test_records_that_cannot_be_used_have_no_class(uneven):
    data = dataclasses.replace(run_of(uneven).data, num_classes=3)  # White is out of range.
    split = find_split(str(uneven), "train-*", "fail")
    assert collections.Counter(labels.read(data, split).tolist()) == {0: 10, 1: 10, 2: 3, -1: 10}
