import json
import os
import signal
import subprocess
import sys
import time

import pytest

import datasets
from datasets.conversion import command
from datasets.conversion.shard import STAGES
from datasets.inspection import verification
from datasets.records import reader

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(datasets.__file__)))


@pytest.fixture
def photos(make_folder, jpeg):
    """Ten training and two validation images of each of two classes."""
    files = {}
    for label, name in enumerate(("cat", "dog")):
        files.update({f"train/{name}/{i}.jpg": jpeg(100 * label + i) for i in range(10)})
        files.update({f"validation/{name}/{i}.jpg": jpeg(100 * label + 50 + i) for i in range(2)})
    return lambda **more: make_folder({**files, **more})


def run(*arguments):
    return command.main(["image_folder", *arguments])


def test_converts_and_sums_up(tmp_path, photos, capsys):
    raw_dir = photos(**{"train/cat/notes.txt": b"x", "train/dog/text.jpg": b"a text"})
    output_dir = str(tmp_path / "out")
    arguments = ["--raw_dir", raw_dir, "--output_dir", output_dir, "--train_shards=4"]
    assert run(*arguments, "--on_bad_record=skip") == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["train", "20", "4"] in [line[:3] for line in lines]
    assert ["validation", "4", "2"] in [line[:3] for line in lines]
    assert "skipped train/cat/notes.txt: not an image file (.txt)" in out
    assert "skipped train/dog/text.jpg: not an image (starts with b'a text')" in out
    assert "25 images in" in out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["source"]["raw_dir"] == raw_dir
    assert manifest["splits"]["train"]["num_skipped"] == 2
    assert (tmp_path / "out" / "labels.txt").read_text() == "cat\ndog\n"


@pytest.mark.parametrize(
    "seconds,words",
    [
        ((1.0, 6.0, 3.0), "reading 10 %, decoding 60 %, writing 30 %; the decoder is the limit"),
        ((2.0, 4.0, 4.0), "reading 20 %, decoding 40 %, writing 40 %; the disk is the limit"),
    ],
)
def test_the_summary_says_what_the_limit_is(seconds, words):
    manifest = {
        "dataset": "toy", "num_classes": 2, "splits": {}, "num_written": 500,
        "seconds": dict(zip(STAGES, seconds, strict=True)),
    }  # fmt: skip
    lines = command.format_summary(manifest, "out", 2.0).splitlines()
    assert lines[-2] == "500 images in 2.0 s, 250 images/s"
    assert lines[-1] == f"of the time of the processes: {words}"


def test_flags_reach_the_writer(tmp_path, photos):
    raw_dir = photos(**{"train/dog/text.jpg": b"a text"})
    output_dir = str(tmp_path / "out")
    arguments = ["--raw_dir", raw_dir, "--output_dir", output_dir]
    assert run(*arguments) == 1
    arguments.append("--on_bad_record=skip")
    assert run(*arguments, "--max_bad_fraction=0.01") == 1
    assert run(*arguments, "--seed=7", "--validation_shards=1") == 1
    assert run(*arguments, "--seed=7", "--validation_shards=1", "--overwrite") == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert len(manifest["splits"]["validation"]["shards"]) == 1
    assert run(*arguments, "--seed=8") == 1
    assert run(*arguments, "--seed=8", "--overwrite") == 0


def test_published_data_sets_stop_at_a_bad_image(tmp_path, make_folder, jpeg, capsys):
    files = {f"food-101/images/pie/{n}.jpg": jpeg(n) for n in range(12)}
    files["food-101/images/pie/3.jpg"] = b"a text"
    files["food-101/meta/classes.txt"] = b"pie\nsoup\n"
    train = "".join(f"pie/{n}\n" for n in range(11))
    files |= {"food-101/meta/train.txt": train.encode(), "food-101/meta/test.txt": b"pie/11\n"}
    arguments = ["food101", "--raw_dir", make_folder(files), "--output_dir", str(tmp_path / "out")]
    assert command.main(arguments) == 1
    err = capsys.readouterr().err
    assert "images/pie/3.jpg: not an image (starts with b'a text')" in err
    assert "pass --on_bad_record=skip" in err
    assert "note: this is not food101 as published: 2 classes, not 101; 11 train" in err
    assert command.main([*arguments, "--on_bad_record=skip"]) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["splits"]["train"]["num_images"] == 10
    assert [skip["file"] for skip in manifest["splits"]["train"]["skipped"]] == ["images/pie/3.jpg"]
    # 128 shards are the original's, but none without an image.
    assert len(manifest["splits"]["train"]["shards"]) == 11


def test_defaults_of_the_flags(capsys):
    choices = command.build_parser()._subparsers._group_actions[0].choices
    required = ["--raw_dir=a", "--output_dir=b"]
    found = {}
    for name in ("image_folder", "csv", "imagenet", "food101", "cub_200_2011"):
        args = choices[name].parse_args(required)
        found[name] = (args.train_shards, args.validation_shards, args.on_bad_record)
    assert found == {
        "image_folder": (8, 2, "fail"),
        "csv": (8, 2, "fail"),
        "imagenet": (1024, 128, "fail"),
        "food101": (128, 16, "fail"),
        "cub_200_2011": (128, 16, "fail"),
    }
    birds = choices["cub_200_2011"]
    assert birds.parse_args(required).boxes == "record"
    # The original's flag.
    assert birds.parse_args([*required, "--use_bbox"]).boxes == "crop"


def test_an_error_is_one_line(tmp_path, capsys):
    assert run("--raw_dir", str(tmp_path / "nowhere"), "--output_dir", str(tmp_path / "out")) == 1
    err = capsys.readouterr().err
    assert err == f"error: --raw_dir={tmp_path}/nowhere does not exist\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["image_folders"], "invalid choice: 'image_folders'"),
        (["image_folder", "--on_bad_record=ignore"], "invalid choice: 'ignore'"),
        (
            ["image_folder", "--train_shards=0"],
            "--train_shards: must be a whole number of at least 1. Received: '0'",
        ),
        (
            ["image_folder", "--train_shards=x"],
            "--train_shards: must be a whole number of at least 1. Received: 'x'",
        ),
        (
            ["image_folder", "--max_bad_fraction=2"],
            "--max_bad_fraction: must be a number from 0 to 1. Received: '2'",
        ),
        (
            ["image_folder", "--max_bad_fraction=few"],
            "--max_bad_fraction: must be a number from 0 to 1. Received: 'few'",
        ),
        (
            ["image_folder", "--output_dir="],
            "--output_dir: must be the name of a directory. Received: ''",
        ),
        (["image_folder", "--shards=2"], "unrecognized arguments: --shards=2"),
        (["image_folder", "--train_shard=2"], "unrecognized arguments: --train_shard=2"),
    ],
)
def test_unknown_flags_and_values(arguments, message, capsys):
    required = ["--raw_dir=a", "--output_dir=b"] if arguments[0] == "image_folder" else []
    with pytest.raises(SystemExit) as caught:
        command.main([*arguments, *required])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_as_a_program_it_prints_no_noise(tmp_path, photos, jpeg):
    raw_dir = photos(**{"train/dog/cut.jpg": jpeg(3, 40, 40)[:300]})
    # A name as it comes out of old archives: no UTF-8.
    with open(os.fsencode(raw_dir) + b"/train/cat/\xff.jpg", "wb") as file:
        file.write(b"a text")
    arguments = ["image_folder", "--raw_dir", raw_dir, "--output_dir", str(tmp_path / "out")]
    arguments.append("--on_bad_record=skip")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    result = subprocess.run(
        [sys.executable, "-m", "datasets.convert", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "skipped train/cat/\\udcff.jpg: not an image" in result.stdout
    assert "skipped train/dog/cut.jpg: truncated or damaged JPEG" in result.stdout
    # Nothing but the progress bar.
    parts = result.stderr.replace("\n", "\r").split("\r")
    assert all(part.startswith("converting") for part in parts if part)


@pytest.mark.parametrize("number,status", [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_has_a_status_of_its_own(tmp_path, photos, number, status):
    """Nothing half-written stays, and the same command goes on to the same bytes."""
    raw_dir = photos()
    # Nobody writes to the pipe: the conversion waits for it, until the signal comes.
    os.mkfifo(os.path.join(raw_dir, "list.csv"))
    arguments = ["csv", "--raw_dir", raw_dir, "--output_dir", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *arguments, "--csv_file", f"{raw_dir}/list.csv"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    time.sleep(0.3)
    process.send_signal(getattr(signal, f"SIG{number}"))
    _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert error == "interrupted; the same command goes on from here\n"


_START = """
import sys
from datasets.conversion import command
print("started", flush=True)
sys.exit(command.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", ["csv", "parquet", "food101", "imagenet"])
def test_records_do_not_go_where_the_raw_data_is(name, make_folder, capsys):
    raw_dir = make_folder({"a/b.txt": b"x"})
    arguments = [name, f"--raw_dir={raw_dir}", f"--output_dir={raw_dir}/a/..", "--overwrite"]
    assert command.main(arguments) == 1
    assert f"--output_dir={raw_dir}/a/.. is --raw_dir; choose" in capsys.readouterr().err
    assert os.listdir(raw_dir) == ["a"]


def test_home_and_brackets_in_paths(tmp_path, photos, monkeypatch):
    raw_dir = photos()
    monkeypatch.setenv("HOME", str(tmp_path))
    os.rename(raw_dir, tmp_path / "my photos [1]")
    assert run("--raw_dir=~/my photos [1]", "--output_dir=~/out [*]") == 0
    assert (tmp_path / "out [*]/labels.txt").read_text() == "cat\ndog\n"
    split = reader.find_split(str(tmp_path / "out [*]"))
    assert len(list(reader.read_records(split).as_numpy_iterator())) == 20


def test_a_folder_that_is_no_utf8(tmp_path, photos):
    out = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    assert run("--raw_dir", photos(), "--output_dir", out) == 0
    split = reader.find_split(out)
    assert len(list(reader.read_records(split, shuffle_seed=1).as_numpy_iterator())) == 20
    assert len(list(reader.read_records(split, skip_damage=True).as_numpy_iterator())) == 20
    assert not verification.verify(out).findings


def test_processes_are_those_that_are_granted():
    """Also what --help says of --num_workers, of conversion and of verify."""
    code = (
        "from datasets.conversion import command, pool\n"
        "from datasets.inspection import verify_command\n"
        "parser = command.build_parser()\n"
        "args = parser.parse_args(['csv', '--raw_dir=a', '--output_dir=b'])\n"
        "verify = verify_command.build_parser().parse_args(['a'])\n"
        "print(pool.default_workers(), args.num_workers, verify.num_workers)"
    )
    first = str(min(os.sched_getaffinity(0)))
    words = ["taskset", "-c", first, sys.executable, "-c", code]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "1 1 1\n"


def test_equal_photos_in_two_splits_are_said(tmp_path, photos, jpeg, capsys):
    """As copies are that a share of the photos is held out of."""
    raw_dir = photos(**{"validation/dog/copy.jpg": jpeg(3), "validation/dog/turned.jpg": jpeg(105)})
    assert run("--raw_dir", raw_dir, "--output_dir", str(tmp_path / "out")) == 0
    assert "2 images of split 'validation' are in 'train' as well" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["splits"]["validation"]["also_in_train"] == 2


def test_help_needs_no_tensorflow():
    code = (
        "import sys\nfrom datasets.sets import groceries\n"
        "from datasets.conversion import command as convert\n"
        "for main in (convert.main, groceries.main):\n"
        "    try:\n        main(['--help'])\n    except SystemExit as end:\n"
        "        assert end.code == 0\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_help_explains_every_flag():
    for name in command.CONVERTERS:
        parser = command.build_parser()._subparsers._group_actions[0].choices[name]
        assert all(action.help for action in parser._actions)
