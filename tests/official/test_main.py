"""`python -m official` and `assembled-cnn`: one list of commands, and every one of them starts."""

import pathlib
import pkgutil
import subprocess
import sys

import pytest

import official
from official.__main__ import COMMANDS
from tensorflow_start import command_of

ROOT = pathlib.Path(official.__file__).parents[1]


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_the_list_needs_no_tensorflow():
    code = (
        "import runpy, sys\nsys.argv = ['assembled-cnn']\n"
        "sys.orig_argv = ['python', '/usr/bin/assembled-cnn']\n"
        "runpy.run_module('official', run_name='__main__')\nassert 'tensorflow' not in sys.modules"
    )
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


def test_every_command_is_listed():
    found = set()
    for module in pkgutil.iter_modules(official.__path__):
        path = pathlib.Path(official.__path__[0]) / module.name
        door = path / "__main__.py" if module.ispkg else path.with_suffix(".py")
        if door.exists() and module.name != "__main__" and "program.run(" in door.read_text():
            found.add(module.name)
    assert found == set(COMMANDS)


def test_a_command_behind_the_name_of_the_program():
    done = run("-m", "official", "evaluate", "--model_dir=/nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("error: /nowhere/config.json does not exist")
    done = run("-m", "official", "evaluat")
    assert done.returncode == 1 and "did you mean evaluate?" in done.stderr


@pytest.mark.parametrize(
    "line, command",
    [
        ("python -m official.train --model_dir m", "train"),
        ("python -u -X dev -m official train", "train"),
        ("python /usr/local/bin/assembled-cnn train --model_dir m", "train"),
        ("python -m official", ""),
        ("python /usr/bin/assembled-cnn --help", ""),
        ("python -m officially.train", None),
        ("python -c pass -m official.train", None),
        ("python my_train.py official.train", None),
    ],
)
def test_which_command_a_command_line_runs(line, command):
    assert command_of(line.split()) == command
