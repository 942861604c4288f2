"""Who writes in a folder, and what of it may be removed."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from official.run import files, lock, ownership, paths
from official.run.errors import RunError

ROOT = pathlib.Path(__file__).parents[3]
RUN = {"model": {}, "preprocessing": {}, "recipe": {}, "data": {}}
OURS = [
    "best/best_checkpoints", "best/model.ckpt-5.index", "best/model.ckpt-5.data-00000-of-00001",
    "checkpoint", "history.jsonl", "labels.txt", "evaluation.json", "evaluation.json.tmp-17",
    "logs/train/events.out.tfevents.1.host", "model.ckpt-10.index",
    "model.ckpt-10.data-00000-of-00001", "periodical/model.ckpt-5.index",
    "report/report.html", "report/report.json", "report/report.png",
]  # fmt: skip
THEIRS = [
    "best/mine.txt", "logs/notes.txt", "report/notes.txt", "model.ckpt-10-copy.index", "notes.txt",
    "thesis/model.ckpt-10.index", "train-00000-of-00001",
]  # fmt: skip


def fill(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def all_files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_only_what_a_run_wrote_is_removed(tmp_path):
    folder = fill(tmp_path / "run [1]", OURS + THEIRS)
    assert not ownership.is_run(str(folder))
    files.write_json(str(folder / "config.json"), RUN)
    assert ownership.is_run(str(folder))
    # Last go the files that say that it is a run, so that --clean can be repeated.
    assert ownership.written(str(folder))[-2:] == ["history.jsonl", "config.json"]
    stay = ownership.clean(str(folder))
    assert all_files(folder) == sorted(THEIRS)
    assert stay == [*sorted(set(THEIRS) - {"thesis/model.ckpt-10.index"})[:5],
                    "thesis", "train-00000-of-00001"]  # fmt: skip
    assert not (folder / "periodical").exists() and not (folder / "logs/train").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"architectures": ["ResNet"]}', "\0\xff"])
def test_the_config_of_another_program_makes_no_run(content, tmp_path):
    (tmp_path / "config.json").write_text(content, encoding="latin-1")
    assert not ownership.is_run(str(tmp_path))


def test_data_and_run_lie_apart(tmp_path):
    data, run = tmp_path / "W/tfrecords", tmp_path / "W"
    data.mkdir(parents=True)
    (tmp_path / "link").symlink_to(data)
    for folder, source, clean, wrong in (
        (run, data, False, "holds"),
        (data, data, False, "is"),
        (data, tmp_path / "link", False, "is"),
        (tmp_path / "link", data, True, "is"),
        (data / "run", data, True, "lies in"),
        (data / "run", data, False, ""),
        (tmp_path / "run", data, True, ""),
        (tmp_path / "W2", run, True, ""),
    ):
        arguments = ("model_dir", str(folder), clean)
        if wrong:
            with pytest.raises(RunError, match=f"--model_dir={folder} {wrong} --data_dir={source}"):
                ownership.require_apart(*arguments, data_dir=str(source))
        else:
            ownership.require_apart(*arguments, data_dir=str(source))
    # Of what else is read only that counts which would be removed.
    ownership.require_apart("model_dir", str(run), False, checkpoint=str(data))
    with pytest.raises(RunError, match="holds --checkpoint"):
        ownership.require_apart("model_dir", str(run), True, checkpoint=str(data))
    assert paths.within("gs://b/run/best", "gs://b/run/")
    assert not paths.within("gs://b/run2", "gs://b/run") and not paths.within("/b/run", "gs://b")


HOLDER = """
import sys, time
from official.run import lock
with lock.hold(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_of_a_living_process_and_of_a_dead_one(tmp_path, capsys):
    folder = str(tmp_path / "new/run")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(RunError) as caught, lock.hold(folder):
        raise AssertionError("two held it")
    who = f"process {process.pid} on {socket.gethostname()} (started 2"
    assert f"{folder} is in use: {who}" in str(caught.value)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with lock.hold(folder):
        assert f"was left behind by {who}" in capsys.readouterr().err
        with pytest.raises(RunError, match=f"process {os.getpid()} on"), lock.hold(folder):
            pass
    # Nothing was written, so that nothing stays: not even the folders.
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]
    with lock.hold(str(tmp_path / "new/run")):
        (tmp_path / "new/run/notes.txt").write_text("x")
    assert all_files(tmp_path) == ["new/run/notes.txt"] and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "holder, wanted",
    [
        ({"host": "elsewhere", "pid": 7, "started": "then", "alive": 10.0}, "elsewhere .*again in"),
        ({"host": "elsewhere", "pid": 7, "started": "then", "alive": 301.0}, "silent for 301 s"),
        ({"host": socket.gethostname(), "pid": 2**22 + 1, "alive": 10.0}, "it has ended"),
    ],
)
def test_locks_where_the_system_has_none(holder, wanted, capsys):
    """Object storage: another host's sign of life counts for five minutes."""
    folder = "ram://locks/run [1]"
    entry = {**holder, "alive": time.time() - holder["alive"]}
    files.write_text(f"{folder}/in_use.json", json.dumps(entry))
    if "again" in wanted:
        with pytest.raises(RunError, match=f"process 7 on {wanted}"), lock.hold(folder):
            pass
        tf.io.gfile.remove(f"{folder}/in_use.json")
        return
    with lock.hold(folder):
        said = capsys.readouterr().err
        assert "was left behind by process" in said and wanted in said
        assert files.read_json(f"{folder}/in_use.json")["pid"] == os.getpid()
        with pytest.raises(RunError, match=f"process {os.getpid()} on"), lock.hold(folder):
            pass
    assert not tf.io.gfile.exists(f"{folder}/in_use.json")


def test_a_line_that_does_not_fit_leaves_the_file_as_it_was(tmp_path):
    """On a disk that is full, or where files may not grow; a torn line does not count."""
    path = tmp_path / "log.jsonl"
    code = """
import resource, signal, sys
from official.run import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
files.append_json_line(sys.argv[1], {"step": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (30, 30))
for write in (files.append_json_line, files.write_json):
    try:
        write(sys.argv[1], {"step": 2, "text": "x" * 100})
    except Exception as error:
        print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert len(done.stdout.splitlines()) == 2, done.stderr
    assert path.read_text() == '{"step": 1}\n' and all_files(tmp_path) == ["log.jsonl"]
    path.write_text('{"step": 1}\n{"step": 2, "te')
    assert files.read_json_lines(str(path)) == [{"step": 1}]
    path.write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(RunError, match="log.jsonl is damaged: line 2 is no JSON"):
        files.read_json_lines(str(path))


def test_paths_that_people_type(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.chdir(tmp_path)
    assert paths.absolute("~/run") == "/home/anna/run"
    assert paths.absolute(pathlib.Path("run")) == f"{tmp_path}/run"
    assert paths.absolute("gs://bucket/run") == "gs://bucket/run" and paths.absolute("") == ""


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file/run"):
        with pytest.raises(RunError, match=f"the folder {folder} cannot be made"):
            with lock.hold(str(folder)):
                pass
    assert all_files(tmp_path) == ["file"]
