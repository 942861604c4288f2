"""--print_config: what a run is, worked out, without data."""

import json
import os

import pytest

from official.run.errors import RunError
from official.train import __main__ as train_command


@pytest.fixture
def printed(call_command, capsys):
    def call(*arguments):
        call_command(train_command, "--print_config", *arguments)
        return json.loads(capsys.readouterr().out)

    return call


def test_counts_come_from_the_catalogue(printed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    food = printed(
        "--dataset_name=food101", "--data_dir=not there", "--batch_size=256", "--train_epochs=10",
        "--preprocessing_type=imagenet_224_256", "--dropblock_kp=0.9,0.7", "--model_dir=run [1]",
    )  # fmt: skip
    assert food["model"]["num_classes"] == food["data"]["num_classes"] == 101
    assert (food["data"]["num_images"], food["data"]["shuffle_buffer"]) == (75750, 1000)
    assert food["recipe"]["dropblock_kp"] == [0.9, 0.7]
    # 10 * 75,750 / 256 = 2958.98 steps; 1 - 10 / 2958 = 0.99662.
    assert food["model"]["bn_momentum"] == pytest.approx(0.9966, abs=5e-5)
    assert food["follows"] == {"train_size": 224, "eval_size": 256, "total_steps": 2958}
    assert food["options"]["model_dir"] == str(tmp_path / "run [1]")
    assert os.listdir(tmp_path) == []


def test_weights_that_are_not_there_are_said(call_command, capsys):
    call_command(
        train_command, "--print_config", "--dataset_name=food101", "--pretrained=runs/none"
    )
    out, err = capsys.readouterr()
    assert "note: runs/none was not looked at" in err
    assert json.loads(out)["options"]["pretrained_model_checkpoint_path"].endswith("runs/none")


def test_own_data_is_as_the_training_sees_it(printed, records, tmp_path):
    known = printed(f"--data_dir={records}", "--batch_size=8", "--train_epochs=2")
    assert known["data"]["class_names"] == ["blue", "green", "red", "white"]
    assert known["data"]["num_images"] == 40 and known["model"]["bn_momentum"] == 0.9


def test_a_model_dir_is_still_needed_to_train(call_command):
    with pytest.raises(RunError, match="--model_dir must be given"):
        call_command(train_command, "--data_dir=x")
