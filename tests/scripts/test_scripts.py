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


@pytest.mark.parametrize("name", ["quickstart.sh", "test.sh"])
def test_an_unsuitable_python_is_refused(name, tmp_path):
    old = tmp_path / "python3.6"
    # What the script asks of an interpreter: whether it suits (no) and what it is.
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.6.15" && exit 0\nexit 1\n')
    old.chmod(0o755)
    result = run(ROOT / "scripts" / name, PYTHON=str(old), VENV=str(tmp_path / "venv"))
    assert result.returncode == 1
    assert "Python 3.6.15" in result.stderr
    assert "3.10 or 3.11" in result.stderr and "PYTHON=" in result.stderr
    assert not (tmp_path / "venv").exists()


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
