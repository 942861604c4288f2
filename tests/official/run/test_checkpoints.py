"""Which checkpoint is used, whatever lies in the folder; how one is written."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import tensorflow as tf

from official.evaluate import evaluation
from official.run import checkpoint_files, checkpoints, history
from official.run.errors import RunError
from official.train.checkpoints import CheckpointFolder, Checkpoints
from official.train.watch import Watch

ROOT = pathlib.Path(__file__).parents[3]


def write(folder, *steps, value=None):
    """Checkpoints whose only variable is the step, or `value`."""
    for step in steps:
        held = tf.train.Checkpoint(v=tf.Variable(float(step) if value is None else value))
        checkpoint_files.write(held, str(folder), f"model.ckpt-{step}")


def step_in(prefix):
    held = tf.train.Checkpoint(v=tf.Variable(-1.0))
    with checkpoint_files.plain(prefix) as plain:
        held.read(plain).assert_consumed()
    return float(held.v)


@pytest.fixture(params=["run", "my run [1]", "a*b?"])
def folder(request, tmp_path):
    place = tmp_path / request.param
    write(place, 5, 10, 20)
    return place


@pytest.mark.parametrize(
    "state", [None, "", 'model_checkpoint_path: "/elsewhere/model.ckpt-7"\n',
              'model_checkpoint_path: "model.ckpt-5"\n', "\0\1no state"],
)  # fmt: skip
def test_the_newest_is_found_by_listing(folder, state):
    (folder / "checkpoint").unlink()
    if state is not None:
        (folder / "checkpoint").write_text(state)
    (folder / "model.ckpt-99-copy.index").write_bytes((folder / "model.ckpt-5.index").read_bytes())
    found = checkpoints.newest(str(folder))
    assert found == f"{folder}/model.ckpt-20" and step_in(found) == 20.0


def flip(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1  # Of the only value.
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil, why",
    [
        (lambda folder: (folder / "model.ckpt-20.data-00000-of-00001").unlink(), "0 of its data"),
        (lambda folder: os.truncate(folder / "model.ckpt-20.data-00000-of-00001", 3), "damaged"),
        (lambda folder: os.truncate(folder / "model.ckpt-20.index", 70), "damaged"),
        (lambda folder: os.truncate(folder / "model.ckpt-20.index", 0), "damaged"),
        (lambda folder: flip(folder / "model.ckpt-20.data-00000-of-00001"), "damaged"),
    ],
)
def test_one_that_is_not_whole_is_passed_over(folder, spoil, why, capsys):
    spoil(folder)
    assert checkpoints.latest(str(folder)) == f"{folder}/model.ckpt-10"
    said = capsys.readouterr().err
    assert f"note: {folder}/model.ckpt-20 cannot be used: " in said and why in said
    assert said.endswith(f"; {folder}/model.ckpt-10 is taken instead\n")
    with pytest.raises(RunError, match=why):
        checkpoints.choose(str(folder), "model.ckpt-20")


def test_values_that_are_not_finite_are_passed_over(tmp_path, capsys):
    """As of a version that saved them."""
    write(tmp_path, 3)
    held = tf.train.Checkpoint(v=tf.Variable([1.0, float("nan")]), w=tf.Variable(1.0))
    held.write(f"{tmp_path}/model.ckpt-4")
    assert checkpoints.newest(str(tmp_path)).endswith("-3")
    said = capsys.readouterr().err
    assert "model.ckpt-4 cannot be used: 1 of its 2 variables are not finite (v)" in said


def test_a_folder_whose_checkpoints_are_all_damaged_is_no_empty_one(tmp_path):
    write(tmp_path, 1, 2)
    for step in (1, 2):
        flip(tmp_path / f"model.ckpt-{step}.data-00000-of-00001")
    with pytest.raises(RunError, match="no checkpoint in .* can be used: .*ckpt-2 .*ckpt-1 "):
        checkpoints.newest(str(tmp_path))
    with pytest.raises(RunError, match="holds no checkpoint"):
        checkpoints.latest(str(tmp_path / "best"))


def test_what_people_pass(folder, tmp_path, monkeypatch):
    best = folder / "best"
    write(best, 5, 10, 15)
    listed = {"model.ckpt-5": 0.8, "model.ckpt-10": 0.9, "model.ckpt-15": 0.9}
    (best / "best_checkpoints").write_text(json.dumps(listed))
    monkeypatch.chdir(tmp_path)
    relative = os.path.relpath(folder, tmp_path)
    for given, wanted in {
        "": "model.ckpt-20",
        "model.ckpt-10": "model.ckpt-10",
        "model.ckpt-10.index": "model.ckpt-10",
        f"{relative}/model.ckpt-5": "model.ckpt-5",
        f"{folder}/model.ckpt-5.data-00000-of-00001": "model.ckpt-5",
        f"{folder}/checkpoint": "model.ckpt-20",
        relative: "model.ckpt-20",
        f"{folder}/": "model.ckpt-20",
        # Of equal scores the earlier.
        "best": "best/model.ckpt-10",
        f"{relative}/best": "best/model.ckpt-10",
        "best/model.ckpt-5": "best/model.ckpt-5",
        "model.ckpt-15": "best/model.ckpt-15",
    }.items():
        found = checkpoints.choose(str(folder), given)
        assert os.path.abspath(found) == f"{folder}/{wanted}", given
    for wrong in ("model.ckpt-6", "nonsense", f"{folder}/model.ckpt-6"):
        with pytest.raises(RunError, match="model.ckpt-5, model.ckpt-10, model.ckpt-20"):
            checkpoints.choose(str(folder), wrong)
    line = checkpoints.describe(str(folder), f"{folder}/model.ckpt-20")
    assert "the best in validation is best/model.ckpt-10 (top-1 90.00 %)" in line
    flip(best / "model.ckpt-10.data-00000-of-00001")
    assert checkpoints.best(str(folder)).endswith("best/model.ckpt-15")
    shutil.rmtree(best)
    with pytest.raises(RunError, match="best holds no checkpoint"):
        checkpoints.choose(str(folder), "best")


def save(manager, step, value):
    manager.checkpoint.v.assign(value)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(optimizer="sgd")
    model.optimizer.iterations.assign(step)
    callback = Checkpoints(manager, 1, Watch("data"))
    callback.set_model(model)
    callback.save()


def test_old_ones_go_and_no_other_file(folder):
    """In a folder with brackets, too; a damaged one of a later step is no newer one."""
    (folder / "model.ckpt-5-mine.index").write_text("mine")
    (folder / "thesis.ckpt-5.index").write_text("mine")
    flip(folder / "model.ckpt-20.data-00000-of-00001")
    manager = CheckpointFolder(tf.train.Checkpoint(v=tf.Variable(0.0)), str(folder), 2)
    save(manager, 11, 11.0)
    assert checkpoint_files.names_of_run(str(folder)) == [
        "model.ckpt-10", "model.ckpt-11", "model.ckpt-20",
    ]  # fmt: skip
    save(manager, 20, 2.5)
    assert checkpoint_files.names_of_run(str(folder)) == ["model.ckpt-11", "model.ckpt-20"]
    assert step_in(f"{folder}/model.ckpt-20") == 2.5
    assert {path.name for path in folder.iterdir() if "model.ckpt-" not in path.name} == {
        "checkpoint", "thesis.ckpt-5.index",
    }  # fmt: skip
    assert (folder / "model.ckpt-5-mine.index").read_text() == "mine"


def test_a_folder_that_is_another_runs_now_is_left_alone(tmp_path):
    """Moved away while a run wrote there, and another run begun in its place."""
    place, moved = tmp_path / "my run [1]", tmp_path / "moved"

    def begin(started):
        place.mkdir()
        (place / "config.json").write_text("{}")
        (place / "history.jsonl").write_text(f'{{"started": "{started}"}}\n')

    begin("09:00")
    manager = CheckpointFolder(tf.train.Checkpoint(v=tf.Variable(0.0)), str(place), 2)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(optimizer="sgd")
    callback = Checkpoints(manager, 1, Watch("data"))
    callback.set_model(model)
    callback.save()
    model.optimizer.iterations.assign(1)
    birth = history.birth(str(place))
    place.rename(moved)
    with pytest.raises(RunError, match="was removed, moved or emptied.*so step 1 is not saved"):
        callback.save()
    assert not place.exists()
    begin("10:00")
    with pytest.raises(RunError, match="was removed, moved or emptied"):
        callback.save()
    scores = {"checkpoint": "model.ckpt-0", "images": 1, "val_regex": "v-*", "seconds": 1.0}
    scores |= dict.fromkeys(("top1", "top5", "ece", "cross_entropy"), 0.5)
    with pytest.raises(RunError, match="cleaned meanwhile: the scores above are those"):
        evaluation.record(str(place), scores, birth)
    assert {path.name for path in place.iterdir()} == {"config.json", "history.jsonl"}
    shutil.rmtree(place)
    moved.rename(place)
    # As when the same command went on, which adds a line.
    with (place / "history.jsonl").open("a") as file:
        file.write('{"started": "11:00"}\n')
    callback.save()
    evaluation.record(str(place), scores, birth)
    assert checkpoint_files.names_of_run(str(place)) == ["model.ckpt-0", "model.ckpt-1"]


def test_values_that_are_not_finite_are_never_saved(folder):
    before = sorted(path.name for path in folder.iterdir())
    manager = CheckpointFolder(tf.train.Checkpoint(v=tf.Variable(0.0)), str(folder), 5)
    manager.latest_checkpoint = f"{folder}/model.ckpt-20"
    with pytest.raises(RunError) as caught:
        save(manager, 21, float("inf"))
    message = str(caught.value)
    assert "step 21" in message and "variables are not finite (v)" in message
    assert f"The last good checkpoint is {folder}/model.ckpt-20; nothing was saved" in message
    assert sorted(path.name for path in folder.iterdir()) == before


WRITER = """
import sys
import tensorflow as tf
from official.run import checkpoint_files
held = tf.train.Checkpoint(v=tf.Variable(tf.zeros([20000])))
for step in range(100000):
    held.v.assign(tf.fill([20000], float(step % 50)))
    checkpoint_files.write(held, sys.argv[1], f"model.ckpt-{step % 50}")
    print(step, flush=True)
"""


def test_a_killed_writer_leaves_whole_checkpoints(tmp_path):
    """Each is written anew over the one of the same step, and killed in the middle of that."""
    for turn in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(60 + turn):
            assert process.stdout.readline()
        process.kill()
        process.communicate()
        names = checkpoint_files.names_of_run(str(tmp_path))
        assert len(names) >= 49
        for name in names:
            prefix = f"{tmp_path}/{name}"
            assert checkpoint_files.problem(prefix) == ""
            value = tf.train.load_checkpoint(prefix).get_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")
            assert set(value.tolist()) == {float(name.rsplit("-", 1)[1])}
