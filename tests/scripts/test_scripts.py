"""The doors: what the scripts refuse, and that their flag files fit the commands."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))


def run(*command, **environment):
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_valid_shell(script):
    assert run("bash", "-n", script).returncode == 0


def fake_python(folder, version, name="python"):
    """An interpreter that says that it is of that version, and does nothing else."""
    path = folder / name
    major_minor = ".".join(version.split(".")[:2])
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Python {version}" && exit 0\n'
        f'case "$2" in *version_info*) echo {major_minor}; exit 0 ;; esac\nexit 1\n'
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", ["quickstart.sh", "test.sh"])
@pytest.mark.parametrize("version,lane", [("3.9.18", ""), ("3.14.0", "B"), ("3.12.1", "A")])
def test_an_unsuitable_python_is_refused(name, version, lane, tmp_path):
    python = fake_python(tmp_path, version)
    venv = tmp_path / "venv"
    result = run(ROOT / "scripts" / name, PYTHON=python, LANE=lane, VENV=str(venv))
    assert result.returncode == 3
    assert f"PYTHON={python} is Python {version}" in result.stderr
    assert "TensorFlow 2.15 runs on 3.10 and 3.11, TensorFlow 2.21 on 3.10 to 3.13" in result.stderr
    assert not venv.exists()


def test_an_environment_of_the_other_lane_is_refused(tmp_path):
    (tmp_path / "bin").mkdir()
    fake_python(tmp_path / "bin", "3.11.7")
    (tmp_path / ".installed-A-cpu-1").touch()
    result = run(ROOT / "scripts/test.sh", LANE="B", VENV=str(tmp_path))
    assert result.returncode == 1 and "holds the other lane than LANE=B" in result.stderr
    result = run(ROOT / "scripts/test.sh", LANE="C", VENV=str(tmp_path))
    assert result.returncode == 1 and "Received: C" in result.stderr


def test_an_unknown_argument_is_refused():
    result = run(ROOT / "scripts/quickstart.sh", "--photos=here")
    assert result.returncode == 1 and "unknown argument --photos=here" in result.stderr


def test_folders_of_the_quick_start_are_checked_before_anything_is_done(tmp_path):
    script = ROOT / "scripts/quickstart.sh"
    result = run(script, f"--data_dir={tmp_path}/none [1]")
    assert result.returncode == 1
    assert result.stderr == f"error: --data_dir={tmp_path}/none [1] is no folder\n"


def test_help_needs_no_installation(tmp_path):
    result = run(ROOT / "scripts/quickstart.sh", "--help", VENV=str(tmp_path / "venv"))
    assert result.returncode == 0 and "--data_dir /my/photos" in result.stdout
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("name", ["assemble", "plain"])
def test_flag_files_describe_a_run(name):
    """Every technique but distillation is on in the one, none in the other."""
    code = """
import sys
from absl import flags
from official.command import configs
from official.train import __main__ as train
train.define_flags()
flags.FLAGS([sys.argv[0], "--flagfile=" + sys.argv[1]])
model, recipe = configs.model_config(5), configs.recipe_config()
pictures = configs.preprocessing_config()
print([model.big_little, model.use_sk_block, model.anti_alias_type == "sconv", model.zero_gamma,
       model.use_dropblock, recipe.use_dropblock, recipe.mixup_type > 0,
       recipe.label_smoothing > 0, bool(pictures.autoaugment_type)])
"""
    result = run(
        sys.executable, "-c", code, f"scripts/quickstart/{name}.flags", PYTHONPATH=str(ROOT)
    )
    assert result.stdout.strip() == str([name == "assemble"] * 9), result.stderr
