"""Frozen layers, and what they make of the images computed once."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

import official.train
from datasets.records import reader
from nets import ModelConfig, build_model, original_variable_names
from official.input import pipeline
from official.run import checkpoint_files
from official.run.configuration import DataConfig, RunConfig, load
from official.run.errors import RunError
from official.run.network import load as load_network
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.train import features, freezing
from preprocessing import PreprocessingConfig

FROZEN = ("stem", "stage1", "stage2", "stage3", "batch_norm")


def make_config(records, **recipe):
    fields = {"batch_size": 8, "train_epochs": 3, "base_learning_rate": 0.01, "seed": 3, **recipe}
    return RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4, bn_momentum=0.8),
        PreprocessingConfig(image_size=32),
        RecipeConfig(learning_rate_decay_type="cosine", **fields),
        DataConfig(data_dir=str(records), num_classes=4, shuffle_buffer=0, on_bad_record="skip"),
    )


def values(network):
    return {name: v.numpy() for name, v in original_variable_names(network).items()}


@pytest.fixture(scope="module")
def start(records, tmp_path_factory):
    """A run whose network is the first weights of others."""
    folder = tmp_path_factory.mktemp("start") / "run"
    config = make_config(records, train_epochs=1)
    official.train.run(config, RunOptions(str(folder), keep_freed_memory=False))
    return folder


@pytest.fixture(scope="module")
def network():
    network = build_model(make_config("").model)
    freezing.freeze(network, RecipeConfig(freeze=FROZEN))
    return network


def options(folder, start, **fields):
    path = str(start)
    return RunOptions(
        str(folder), pretrained_model_checkpoint_path=path, keep_freed_memory=False, **fields
    )


def test_a_run_on_kept_features_is_an_ordinary_run(records, start, tmp_path):
    """Frozen weights and statistics keep their bits, a stop changes nothing, nothing is left."""
    config = make_config(records, freeze=FROZEN, repeat_crops=2, optimizer="adam")
    whole, parts = tmp_path / "whole", tmp_path / "my run [1]"
    trained = official.train.run(config, options(whole, start))
    for steps in (2, 7, 0):
        official.train.run(config, options(parts, start, max_train_steps=steps))
        assert (parts / "features.f16").exists() == (steps > 0)
        if steps == 7:  # 2 passes of 40 maps of 2 x 2 x 16 channels in 16 bits.
            assert (parts / "features.f16").stat().st_size == 2 * 40 * 2 * 2 * 16 * 2
    before, after = values(load_network(start)), values(load_network(whole))
    learnt = {name for name in after if not np.array_equal(before[name], after[name])}
    # The five convolutions of stage 4, and the classifier.
    assert len([name for name in learnt if "conv2d" in name]) == 5
    assert {name.split("/")[-2] for name in learnt if "conv2d" not in name} == {"dense"}
    for name, value in values(load_network(parts)).items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
        np.testing.assert_array_equal(value, values(trained)[name], err_msg=name)
    assert load(str(whole)).recipe.freeze == FROZEN


@pytest.mark.parametrize("freeze,cut", [(FROZEN, "stage3"), (("backbone",), "embedding")])
def test_the_parts_are_the_network(freeze, cut, start):
    network = load_network(start)
    freezing.freeze(network, RecipeConfig(freeze=freeze))
    trunk, tail = freezing.split(network)
    assert trunk.layers[-1].name == cut and not trunk.trainable_variables
    images = tf.random.stateless_normal([3, 32, 32, 3], [1, 2]) * 50
    found, wanted = tail(trunk(images), training=True), network(images, training=False)
    np.testing.assert_array_equal(found, wanted)


def test_not_from_the_beginning_nothing_is_kept():
    network = build_model(make_config("").model)
    freezing.freeze(network, RecipeConfig(freeze=("stage2", "batch_norm")))
    assert freezing.split(network) is None
    # 12 convolutions but the 5 of stage 2; the stem's, kernel and bias of the classifier.
    assert len(network.trainable_variables) == 20 - 5 + 2


def test_features_are_those_of_the_crops_that_come_again(records, network, tmp_path):
    """Through bad records too, which are counted as they are without features."""
    folder = tmp_path / "records"
    folder.mkdir()
    for path in pathlib.Path(records).glob("train-*"):
        shutil.copy(path, folder)
    shard = sorted(folder.iterdir())[1]
    examples = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(shard))]
    picture = examples[4].features.feature["image/encoded"].bytes_list
    picture.value[0] = picture.value[0][:200]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())

    config = make_config(folder, freeze=FROZEN, repeat_crops=2)
    split = reader.find_split(str(folder), "train-*")
    trunk, _ = freezing.split(network)
    kept = features.compute(trunk, config, split, str(tmp_path))
    with_features = pipeline.training_dataset(config, split, start_step=3, features=kept)
    with_images = pipeline.training_dataset(config, split, start_step=3)
    epochs = []
    for (found, targets), (images, wanted) in zip(
        with_features.take(20), with_images.take(20), strict=True
    ):
        np.testing.assert_array_equal(targets["labels"], wanted["labels"])
        np.testing.assert_array_equal(targets["bad_records"], wanted["bad_records"])
        # float16 has 11 bits.
        np.testing.assert_allclose(found, trunk(images), rtol=6e-4, atol=1e-4)
        epochs.append(int(tf.reduce_sum(targets["bad_records"])))
    assert sum(epochs) == 4  # Four passes.

    # Stopped after the first pass: only the second is computed; of another seed, both.
    path, state = tmp_path / "features.f16", tmp_path / "features.json"
    table = np.memmap(path, np.float16, "r+", shape=(2, 40, 2, 2, 16))
    wanted = table.copy()
    assert np.isnan(wanted[:, 24]).all() and np.isfinite(np.delete(wanted, 24, axis=1)).all()
    table[:] = 7
    state.write_text(json.dumps({**json.loads(state.read_text()), "passes": 1}))
    features.compute(trunk, config, split, str(tmp_path))
    np.testing.assert_array_equal(table[1], wanted[1])
    assert np.all(table[0] == 7)
    other = dataclasses.replace(config, recipe=dataclasses.replace(config.recipe, seed=4))
    features.compute(trunk, other, split, str(tmp_path))
    found = np.fromfile(path, np.float16).reshape(wanted.shape)
    assert not np.any(found == 7) and not np.array_equal(found[1, 0], wanted[1, 0])
    features.remove(str(tmp_path))
    assert not path.exists() and not state.exists()


def test_refusals(records, start, network, tmp_path):
    config = make_config(records, freeze=("stage5",))
    with pytest.raises(RunError, match="this network has no stage5; it has stem, stage1, "):
        official.train.run(config, options(tmp_path / "a", start))
    config = make_config(records, freeze=("backbone",))
    with pytest.raises(RunError, match="without --pretrained they are random"):
        official.train.run(config, RunOptions(str(tmp_path / "a"), keep_freed_memory=False))
    with pytest.raises(RunError, match="leave one of them out"):
        official.train.run(config, options(tmp_path / "a", start, restore_trainable_only=True))
    assert not checkpoint_files.names_of_run(str(tmp_path / "a"))
    mixed = make_config(records, freeze=FROZEN, repeat_crops=2, mixup_type=1)
    assert not freezing.keeps_features(mixed)
    dropped = dataclasses.replace(config.model, use_dropblock=True)
    assert not freezing.keeps_features(dataclasses.replace(config, model=dropped))
