"""A training that gets no better ends, says why, and stays ended when it is started again."""

import dataclasses
import json

import pytest

import official.train
from nets import ModelConfig
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.train import early_stopping
from preprocessing import PreprocessingConfig


def ended(folder, values, patience, metric="top1"):
    """Why a run with these scores, epoch after epoch, has ended."""
    name = metric.removeprefix("train/")
    with open(folder / "training.jsonl", "w") as file:
        for epoch, value in enumerate(values, 1):
            line = {"epoch": epoch, "step": 5 * epoch, "validation": {"top1": 0.5}}
            (line if name != metric else line["validation"])[name] = value
            if value == "not scored":
                del line["validation"]
            file.write(json.dumps(line) + "\n")
    return early_stopping.reason(
        RunOptions(str(folder), early_stopping_patience=patience, early_stopping_metric=metric)
    )


def test_patience_counts_evaluations_without_a_better_one(tmp_path):
    assert not ended(tmp_path, [0.5, 0.4], 2)
    found = ended(tmp_path, [0.5, 0.4, 0.5], 2)  # Equal is not better.
    assert "after epoch 3" in found and "for 2 evaluations than 0.5 in epoch 1" in found
    assert not ended(tmp_path, [0.5, 0.4, 0.6], 2)
    assert not ended(tmp_path, [0.5, "not scored", "not scored", 0.4], 2)
    assert "after epoch 4" in ended(tmp_path, [0.5, 0.4, "not scored", 0.3][:2] + [0.1, 0.2], 3)
    assert not ended(tmp_path, [0.5] * 9, 0)


def test_lower_is_better_for_losses_and_nothing_is_worse_than_nan(tmp_path):
    assert ended(tmp_path, [1.0, 2.0, 3.0], 2, "cross_entropy")
    assert not ended(tmp_path, [3.0, 2.0, 1.0], 2, "cross_entropy")
    assert not ended(tmp_path, [None, 2.0, 3.0], 2, "cross_entropy")
    assert ended(tmp_path, [2.0, None, None], 2, "ece")
    assert ended(tmp_path, [1.0, 2.0, 3.0], 2, "train/loss")
    assert not ended(tmp_path, [0.1, 0.2, 0.3], 2, "train/top1")


def test_a_score_that_is_good_enough_ends_a_training(tmp_path):
    ended(tmp_path, [0.5, 0.75], 0)
    for threshold, end in ((0.75, True), (0.76, False), (None, False)):
        found = early_stopping.reason(RunOptions(str(tmp_path), stop_threshold=threshold))
        assert ("after epoch 2: top-1 has reached --stop_threshold=0.75" in found) == end
    # Only the last score counts.
    ended(tmp_path, [0.9, 0.5], 0)
    assert not early_stopping.reason(RunOptions(str(tmp_path), stop_threshold=0.75))


def test_a_metric_that_there_is_not(tmp_path):
    with pytest.raises(ValueError, match="--early_stopping_metric must be one of top1, "):
        RunOptions("run", early_stopping_metric="accuracy")
    early_stopping.require("early_stopping_metric", "train/top1", {"loss", "top1"})
    early_stopping.require("plateau_metric", "top1", {"loss"})
    with pytest.raises(RunError, match="--plateau_metric=train/top1: this training has no such"):
        early_stopping.require("plateau_metric", "train/top1", {"loss"})


def test_a_run_ends_and_stays_ended(records, tmp_path, capsys):
    config = RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4, bn_momentum=0.8),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=20, train_epochs=5, base_learning_rate=0.05, ema_decay=0.5),
        DataConfig(data_dir=str(records)),
    )
    options = RunOptions(str(tmp_path / "run"), max_train_steps=2, early_stopping_patience=2)
    official.train.run(config, options)
    # From now on no epoch is better than the first.
    log = tmp_path / "run/training.jsonl"
    line = json.loads(log.read_text())
    line["validation"]["top1"] = 2.0
    log.write_text(json.dumps(line) + "\n")

    def go_on(**changes):
        capsys.readouterr()
        official.train.run(config, dataclasses.replace(options, **changes))
        steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
        return steps, capsys.readouterr().err

    steps, printed = go_on(max_train_steps=3)  # Half of epoch 2.
    assert steps == [2, 3] and "stopped early" not in printed
    for _ in range(2):
        steps, printed = go_on(max_train_steps=0)
        assert steps == [2, 3, 4, 6]
        assert "finished 6 steps" in printed and "stopped early after epoch 3: top1" in printed
        assert "best in validation" in printed and "--max_train_steps" not in printed
    steps, printed = go_on(max_train_steps=0, early_stopping_patience=0)
    assert steps == [2, 3, 4, 6, 8, 10] and "stopped early" not in printed
