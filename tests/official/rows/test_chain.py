"""The commands that make a row: what it needs first, and never twice."""

import os
import shlex
import subprocess
import sys

import pytest
from absl import flags

from nets import ModelConfig
from official.command import flags as run_flags
from official.rows import __main__ as rows_command
from official.rows import chain, listing, made_up, registry, running
from official.rows.chain import Places, Step
from official.run import files, history
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

FLAGS = flags.FLAGS
EVERYWHERE = {"imagenet": "/in", "food101": "/food"}


def pretend(folder, epochs, of):
    """A MODEL_DIR whose training has come to an epoch."""
    config = RunConfig(
        ModelConfig(), PreprocessingConfig(), RecipeConfig(train_epochs=of), DataConfig("/in")
    )
    history.write(str(folder), config, RunOptions(str(folder)))
    files.append_json_line(str(folder / "training.jsonl"), {"epoch": epochs, "step": epochs})


def shown(row, places, *further):
    return list(map(str, chain.steps(registry.get(row), places, further)))


def test_a_backbone_comes_first_until_it_is_trained(tmp_path):
    places = Places(str(tmp_path), data_dirs=EVERYWHERE)
    lines = shown("table8/F4", places)
    assert f"--data_dir=/in --model_dir={tmp_path}/table6/M4" in lines[0]
    assert f"--data_dir=/food --model_dir={tmp_path}/table8/F4 " in lines[1]
    assert lines[1].endswith(f"--pretrained_model_checkpoint_path={tmp_path}/table6/M4")
    pretend(tmp_path / "table6/M4", epochs=119, of=120)
    assert listing.state(registry.get("table6/M4"), places) == "epoch 119 of 120"
    assert shown("table8/F4", places) == lines
    files.append_json_line(str(tmp_path / "table6/M4/training.jsonl"), {"epoch": 120, "step": 120})
    assert shown("table8/F4", places) == lines[1:]


def test_a_teachers_logits_are_written_unless_they_are_there(tmp_path):
    bare, taught = tmp_path / "bare", tmp_path / "taught"
    made_up.write("imagenet", str(bare))
    made_up.write("imagenet", str(taught), with_logits=True)
    runs = str(tmp_path / "runs")

    def lines(data, *further, **other):
        return shown(
            "table7/E12", Places(runs, data_dirs={"imagenet": str(data)}, **other), *further
        )

    distilled = f"{runs}/distilled/imagenet-keras_EfficientNetB7"
    first, second = lines(bare)[:2]
    assert "official.distill --teacher=keras:EfficientNetB7 " in first
    assert first.endswith(f"--data_dir={bare} --output_dir={distilled}")
    assert f" --data_dir={distilled} " in second
    assert lines(bare, teacher="/my/t")[0].split("--")[1] == "teacher=/my/t "
    # Logits that are there already, and a teacher that runs along.
    assert f" --data_dir={taught} " in lines(taught)[0] and "official.train" in lines(taught)[0]
    assert "official.train" in lines(bare, "--teacher=keras:ResNet50")[0]


def test_a_teacher_that_runs_along_is_a_row(tmp_path):
    birds = {"cub_200_2011_72_8_20": "/birds"}
    lines = shown("bag_of_tricks/B12", Places(str(tmp_path), data_dirs=birds))
    assert "B1.flags" in lines[0] and f"--model_dir={tmp_path}/bag_of_tricks/B1" in lines[0]
    assert lines[1].endswith(f"--teacher={tmp_path}/bag_of_tricks/B1")
    # The scores are those of the test split.
    assert "'--val_regex=test-*'" in lines[2]


def test_the_scores_of_a_table_are_those_that_are_measured(tmp_path):
    def robustness(row):
        return [line.split("robustness=")[1] for line in
                shown(row, Places("r", data_dirs=EVERYWHERE)) if "robustness" in line]  # fmt: skip

    assert robustness("mobilenet/MB0") == ["c", "p"]
    assert robustness("table7/E0") == robustness("table8/F0") == ["c"]
    assert robustness("table2/C0") == []


def test_other_weights_take_the_place_of_a_backbone(tmp_path):
    places = Places(str(tmp_path), data_dirs=EVERYWHERE)
    mine = "--pretrained_model_checkpoint_path=/mine"
    lines = shown("table8/F9", places, mine, "--batch_size=8")
    assert "F9.flags" in lines[0] and lines[0].endswith(f"{mine} --batch_size=8")
    assert "E11" not in lines[0]


def test_a_training_that_two_tables_print_is_done_once(tmp_path):
    places = Places(str(tmp_path), data_dirs=EVERYWHERE)
    assert f"--model_dir={tmp_path}/table7/E0" in shown("table6/M0", places)[0]
    assert registry.get("table6/M1").training is registry.get("table7/E1")


def test_a_row_is_found_by_its_files_and_a_wrong_one_is_said():
    row = registry.ROWS["table7/E11"]
    for name in ("table7/E11", "scripts/table7/E11.sh", "/repo/scripts/table7/E11.flags"):
        assert registry.get(name) is row
    with pytest.raises(RunError, match="no row 'E11'; did you mean table7/E11?"):
        registry.get("E11")


def test_missing_data_is_named(tmp_path):
    with pytest.raises(RunError, match="table7/E11 needs TFRecords of imagenet.*DATA_DIR_IMAGENET"):
        shown("table8/F9", Places(str(tmp_path), data_dirs={"food101": "/food"}))
    assert "--data_dir=DATA_DIR_IMAGENET" in shown("table7/E0", Places("runs", planned=True))[0]


def test_the_script_prints_its_commands_from_anywhere(tmp_path):
    folder = tmp_path / "my runs [1]"
    folder.mkdir()
    environ = {
        **os.environ,
        "VENV": sys.prefix,
        "DATA_DIR": "data & more",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [registry.ROOT / "scripts/table7/E2.sh", "--dry_run", "--model_dir=here"]
    command.append("--nouse_resnet_d")
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    flag_file = shlex.quote(f"--flagfile={registry.ROOT}/scripts/table7/E2.flags")
    assert lines[0] == (
        f"python -m official.train {flag_file} '--data_dir=data & more' --model_dir=here "
        "--nouse_resnet_d"
    )
    assert [line.split()[2] for line in lines[1:]] == [
        "official.evaluate", "official.evaluate", "official.export", "official.benchmark",
        "official.report",
    ]  # fmt: skip
    assert os.listdir(folder) == []


def further_words():
    return run_flags.given_training_flags(but=("data_dir", "model_dir"))


def test_every_flag_of_a_training_can_be_handed_on(call_command):
    def further():
        for name in FLAGS.flags_by_module_dict()[run_flags.__name__]:
            FLAGS[name.name].present = 1
            FLAGS[name.name].value = FLAGS[name.name].value
        return further_words()

    words = call_command(rows_command, function=further)
    assert "--bn_momentum=0.997" in words and "--piecewise_lr_boundary_epochs=30,60,80,90" in words
    assert "--nouse_se_block" in words
    # Where things are is the row's own business.
    assert not [word for word in words if word.startswith(("--data_dir", "--model_dir"))]
    given = ["run", "E", "--bn_momentum=auto", "--nozero_gamma", "--layer_rates=stem:1/10,head:1/2"]
    words = call_command(rows_command, *given, function=further_words)
    assert words == ("--bn_momentum=auto", "--layer_rates=stem:1/10,head:1/2", "--nozero_gamma")


def test_a_chain_ends_where_a_command_fails(tmp_path, capfd):
    output = tmp_path / "out.txt"
    good = Step("this", (), str(output))
    bad = Step("official.evaluate", (f"--model_dir={tmp_path}/nothing",))
    with pytest.raises(running.StepFailed, match="(?s)status 1.*official.evaluate") as error:
        running.run([good, good, bad, good])
    assert error.value.status == 1
    assert output.read_text().count("Beautiful is better than ugly.") == 2
    assert "does not exist" in capfd.readouterr().err
