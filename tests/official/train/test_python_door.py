"""Training from Python: the same run as from the command line, and what it writes down."""

import dataclasses
import json

import pytest
import tensorflow as tf

import official.train
from nets import ModelConfig
from official.run.configuration import DataConfig, RunConfig, load
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig


def make_config(records, classes=4, **recipe):
    return RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=classes, bn_momentum=0.8),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=8, train_epochs=2, base_learning_rate=0.05, seed=3, **recipe),
        DataConfig(data_dir=str(records), shuffle_buffer=0),
    )


def test_a_run_and_its_history(records, tmp_path):
    options = RunOptions(str(tmp_path / "run"), max_train_steps=5, keep_freed_memory=False)
    config = make_config(records)
    network = official.train.run(config, options)
    assert network.output_shape == (None, 4)
    first = json.loads((tmp_path / "run/config.json").read_text())
    assert first["options"]["max_train_steps"] == 5 and first["data"]["num_images"] == 40

    whole = dataclasses.replace(options, max_train_steps=0, epochs_between_evals=2)
    again = dataclasses.replace(config, data=dataclasses.replace(config.data, val_batch_size=7))
    network = official.train.run(again, whole)
    lines = (tmp_path / "run/history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    # Each start is kept, with the step at which it went on.
    assert [(line["step"], line["options"]["max_train_steps"]) for line in history] == [
        (0, 5),
        (5, 0),
    ]
    assert [line["data"]["val_batch_size"] for line in history] == [256, 7]
    assert {"started", "versions", "command", "model", "recipe"} <= set(history[0])
    saved = load(str(tmp_path / "run"))
    # What was left open is worked out: 10,000 records, as many classes as labels.txt has lines.
    assert saved.data.shuffle_buffer == 10_000 and saved.data.num_classes == 4
    assert saved == dataclasses.replace(again, data=saved.data)
    reader = tf.train.load_checkpoint(str(tmp_path / "run"))
    bias = next(n for n in reader.get_variable_to_shape_map() if n.startswith("network/") and
                reader.get_variable_to_shape_map()[n] == [4] and n.endswith("VARIABLE_VALUE")
                and "bias" in n)  # fmt: skip
    assert (reader.get_tensor(bias) == network.get_layer("dense").bias.numpy()).all()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model_dir": ""}, "--model_dir must be the name of a folder. Received: ''"),
        ({"num_gpus": -2}, "--num_gpus must be at least -1. Received: -2"),
        ({"ratio_fine_eval": 1.5}, "--ratio_fine_eval must be in .0, 1.. Received: 1.5"),
        ({"keep_checkpoint_max": -1}, "--keep_checkpoint_max must be at least 0. Received: -1"),
    ],
)
def test_impossible_options(changes, message):
    with pytest.raises(ValueError, match=message):
        RunOptions(**{"model_dir": "run", **changes})


def test_a_network_of_other_classes_is_refused_before_anything_is_written(records, tmp_path):
    with pytest.raises(RunError, match="num_classes=7, the data in .* 4 classes"):
        official.train.run(make_config(records, classes=7), RunOptions(str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()
