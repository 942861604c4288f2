"""A run in the folder that somebody chose: names, other files, what is lost or damaged in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

import official.train
from nets import ModelConfig
from official.command import configs
from official.evaluate import evaluation
from official.export import exporter, serving
from official.report import report
from official.run import checkpoint_files, lock
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.train import __main__ as train_command
from official.train import best_checkpoints, folder
from preprocessing import PreprocessingConfig


def make_config(records):
    return RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4, bn_momentum=0.8),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=8, train_epochs=2, base_learning_rate=0.05, seed=3, mixup_type=2),
        DataConfig(data_dir=str(records), shuffle_buffer=0),
    )


@pytest.fixture(scope="module")
def short_run(records, tmp_path_factory):
    """Five of ten steps, a checkpoint after each, of which two are kept; the paths are relative."""
    place = tmp_path_factory.mktemp("my run [1]") / "runs [*]"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(records.parent)
        options = RunOptions(
            os.path.relpath(place),
            max_train_steps=5,
            save_checkpoints_epochs=0.2,
            keep_checkpoint_max=2,
        )
        official.train.run(make_config(records.name), options)
    return place


@pytest.fixture
def copy(short_run, tmp_path):
    return shutil.copytree(short_run, tmp_path / "a [copy]")


def names(place):
    return checkpoint_files.names_of_run(str(place))


def test_brackets_in_the_name(short_run, tmp_path, monkeypatch):
    """Saving, pruning, the best, evaluation and export; each from another directory."""
    assert names(short_run) == ["model.ckpt-4", "model.ckpt-5"]
    assert names(short_run / "best") == ["model.ckpt-5"]
    best_checkpoints.keep_best(str(short_run), "model.ckpt-4", 0.99, 3)
    assert "best/model.ckpt-4, top-1 99.00 %" in best_checkpoints.describe(str(short_run))
    monkeypatch.chdir(short_run.parent)
    scores = evaluation.evaluate("runs [*]")
    last = json.loads((short_run / "training.jsonl").read_text())["validation"]
    assert scores["checkpoint"] == "model.ckpt-5" and scores["images"] == 20
    assert scores["correct_top1"] == last["correct_top1"]
    with pytest.raises(RunError, match="model.ckpt-4 of .* was not evaluated: .*checkpoint=best"):
        report.load("run", "runs [*]", "best")
    for checkpoint in ("best", "model.ckpt-5"):
        evaluation.record("runs [*]", evaluation.evaluate("runs [*]", checkpoint=checkpoint))
    assert report.load("run", "runs [*]").evaluation["checkpoint"] == "model.ckpt-5"
    assert report.load("run", "runs [*]", "best").evaluation["step"] == 4
    monkeypatch.chdir(tmp_path)
    exported = exporter.export(str(short_run), "exports [1]", checkpoint="best")
    assert exported == "exports [1]/1" and os.listdir("exports [1]") == ["1"]
    served = serving.Served("exports [1]")
    assert served.class_names == ["blue", "green", "red", "white"]
    assert served.description["checkpoint"] == "model.ckpt-4"


def test_paths_in_its_records_mean_the_same_everywhere(short_run, records):
    saved = json.loads((short_run / "config.json").read_text())
    assert saved["data"]["data_dir"] == str(records)
    assert saved["options"]["model_dir"] == str(short_run)
    assert saved["directory"] == str(records.parent)


def test_it_goes_on_with_the_model_dir_alone(copy, call_command, monkeypatch, capsys):
    """After the state file was lost and the newest checkpoint was cut off."""
    (copy / "checkpoint").unlink()
    os.truncate(copy / "model.ckpt-5.data-00000-of-00001", 1000)
    monkeypatch.chdir("/")
    with pytest.raises(RunError, match=r"epochs: 2 -> 3\n(.|\n)* --pretrained_model_check"):
        call_command(train_command, f"--model_dir={copy}", "--train_epochs=3")
    capsys.readouterr()
    call_command(train_command, f"--model_dir={copy}")
    said = capsys.readouterr().err
    assert "model.ckpt-5 cannot be used: it is damaged" in said
    assert f"resuming {copy}/model.ckpt-4\n" in said
    assert "finished 5 steps" in said and "--max_train_steps=0 goes on" in said
    lines = [json.loads(line) for line in (copy / "training.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5]
    assert names(copy) == ["model.ckpt-4", "model.ckpt-5"]
    assert checkpoint_files.problem(f"{copy}/model.ckpt-5") == ""
    saved = json.loads((copy / "config.json").read_text())
    assert saved["recipe"]["mixup_type"] == 2 and saved["options"]["keep_checkpoint_max"] == 2


def test_clean_removes_the_run_and_no_other_file(copy, records, call_command, capsys):
    mine = ["best/mine.txt", "data", "model.ckpt-5-copy.index", "notes.txt"]
    shutil.copytree(records, copy / "data")
    for name in mine[:1] + mine[2:]:
        (copy / name).write_text("mine")
    before = sorted(copy.rglob("*"))
    with pytest.raises(RunError, match="holds --data_dir=.* Nothing was touched"):
        flags = [f"--model_dir={copy}", f"--data_dir={copy}/data", "--clean", "--batch_size=8"]
        call_command(train_command, *flags)
    assert sorted(copy.rglob("*")) == before
    folder.clean(RunOptions(str(copy), clean=True))
    assert f"so they stay in {copy}: {', '.join(mine)}\n" in capsys.readouterr().err
    assert sorted(path.name for path in copy.iterdir()) == sorted(["best", *mine[1:]])
    assert os.listdir(copy / "best") == ["mine.txt"] and len(os.listdir(copy / "data")) == 5


def test_data_that_was_moved_and_a_folder_of_checkpoints(copy, call_command):
    config = json.loads((copy / "config.json").read_text())
    config["data"]["data_dir"] = "/nowhere/records"
    (copy / "config.json").write_text(json.dumps(config))
    gone = "the data of the run, /nowhere/records, is not there any more: give --data_dir"
    with pytest.raises(RunError, match=gone):
        call_command(train_command, f"--model_dir={copy}")
    with pytest.raises(RunError, match=gone):
        evaluation.evaluate(str(copy))
    for name in ("best", "model.ckpt-5"):
        with pytest.raises(RunError, match=f"is one, of which .* take --checkpoint={name}"):
            evaluation.evaluate(f"{copy}/{name}")


def test_a_run_that_was_cleaned_is_not_cleaned_again(copy, call_command):
    config = json.loads((copy / "config.json").read_text())
    config["options"]["clean"] = True
    (copy / "config.json").write_text(json.dumps(config))
    options = call_command(train_command, f"--model_dir={copy}", function=configs.run_options)
    assert not options.clean and options.max_train_steps == 5


@pytest.mark.parametrize("name", ["labels.txt", "config.json", "logs/train/events.out.tfevents.1"])
def test_files_of_other_people_under_a_runs_names(name, records, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}")
    for clean in (False, True):
        with pytest.raises(RunError, match=f"holds {name}, but .* a run would write over them"):
            official.train.run(make_config(records), RunOptions(str(tmp_path), clean=clean))
    assert (tmp_path / name).read_text() == "{}"


def test_a_second_training_is_refused_while_the_first_lives(copy, records):
    before = sorted((path, path.stat().st_mtime_ns) for path in copy.rglob("*"))
    with lock.hold(str(copy)):
        for clean in (False, True):
            with pytest.raises(RunError, match=f"is in use: process {os.getpid()} on"):
                official.train.run(make_config(records), RunOptions(str(copy), clean=clean))
    assert sorted((path, path.stat().st_mtime_ns) for path in copy.rglob("*")) == before


def test_another_networks_checkpoint(copy, short_run):
    held = tf.train.Checkpoint(network=tf.keras.Sequential([tf.keras.layers.Dense(1)]))
    held.network.build([None, 2])
    checkpoint_files.write(held, str(copy), "model.ckpt-7")
    with pytest.raises(RunError, match="model.ckpt-7 does not fit the architecture"):
        evaluation.evaluate(str(copy))


@pytest.mark.parametrize("module", ["train", "evaluate", "predict", "report"])
def test_ctrl_c_while_it_starts(module):
    process = subprocess.Popen(
        [sys.executable, "-m", f"official.{module}"], stderr=subprocess.PIPE, text=True,
        cwd=os.path.dirname(os.path.dirname(official.__file__)),
    )  # fmt: skip
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "\ninterrupted\n")
