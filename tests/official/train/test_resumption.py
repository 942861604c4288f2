"""A run that is killed, and started again with the same command, ends with the same bits."""

import importlib.util
import json
import pathlib
import random
import shutil
import signal

import pytest
import tensorflow as tf

SOAK = pathlib.Path(__file__).parent / "soak.py"


@pytest.fixture(scope="module")
def soak():
    """The module of scripts/soak.sh."""
    spec = importlib.util.spec_from_file_location("soak", SOAK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Building its graph is most of a start; that a picture is a function of its seed has tests.
    module.FLAGS = [flag for flag in module.FLAGS if "autoaugment" not in flag]
    return module


@pytest.fixture(scope="module")
def whole(soak, records, tmp_path_factory):
    """A run that is left alone: 4 epochs of 10 steps, each scored."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    printed = soak.finish(records, folder, soak.FLAGS)
    assert "training top-1" not in printed  # With mixup no label is right.
    return folder


def points(folder):
    """The points of the curves of TensorBoard: {(folder, tag, step): values}."""
    found = {}
    for path in folder.glob("logs/*/events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                place = (path.parent.name, value.tag, event.step)
                found.setdefault(place, set()).add(str(tf.make_ndarray(value.tensor)))
    return found


def test_three_kills(soak, whole, records, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    draw = random.Random(2)
    for moment, number in (
        ("writing", signal.SIGKILL),
        ("training", signal.SIGTERM),
        ("scoring", signal.SIGKILL),
    ):
        process = soak.start(records, folder, soak.FLAGS)
        soak.wait_for(moment, process, folder, 60.0, draw)
        process.send_signal(number)
        _, printed = process.communicate(timeout=120)
        wanted = 143 if number == signal.SIGTERM else -number
        assert process.returncode == wanted, printed
        if number == signal.SIGTERM:
            last = printed.splitlines()[-1]
            assert last.startswith("error: stopped by SIGTERM ") and "goes on" in last
    assert "resuming" in soak.finish(records, folder, soak.FLAGS)
    assert soak.differences(whole, folder) == []

    # The curves are those of one run, whatever was done twice.
    wanted, found = points(whole), points(folder)
    assert set(wanted) == set(found) and ("validation", "top1", 40) in wanted
    steps = sorted(step for where, tag, step in wanted if (where, tag) == ("train", "loss"))
    assert steps == list(range(5, 41, 5))
    for place, values in wanted.items():
        if place[1] not in ("images_per_second", "epoch_seconds"):
            assert values == found[place] and len(values) == 1, place


def test_an_evaluation_that_was_killed_is_made_up_for(soak, whole, records, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    # As it lies on the disk when the process dies in the last evaluation, or right behind it.
    lines = (folder / "training.jsonl").read_text().splitlines(keepends=True)
    (folder / "training.jsonl").write_text("".join(lines[:-1]))
    printed = soak.finish(records, folder, soak.FLAGS)
    assert "the end of epoch 4 is made up for" in printed and "validation top-1" in printed
    assert soak.differences(whole, folder) == []
    rates = (
        json.loads(lines[-1]),
        json.loads((folder / "training.jsonl").read_text().split("\n")[3]),
    )
    # The epoch's time is that of its steps, all of which were done before.
    assert rates[0]["seconds"] == rates[1]["seconds"] > 0
    assert rates[0]["images_per_second"] == rates[1]["images_per_second"] > 0
    assert rates[1]["time"] > rates[0]["time"]

    assert "made up" not in soak.finish(records, folder, soak.FLAGS)
    assert soak.differences(whole, folder) == []
