"""Corrupted images that are made, stored as records and as folders: the same scores."""

import io
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import official.corrupt
import preprocessing
from datasets.records import example, schema
from official.evaluate import __main__ as evaluate
from official.robustness import making, sources
from official.robustness.making import Making
from official.run import configuration
from official.run.errors import RunError
from official.run.robustness import RobustnessOptions

ROOT = pathlib.Path(__file__).parents[3]
SIZE = 32
FEW = ["--corruptions=shot_noise,contrast", "--severities=2,5", "--num_workers=1"]


@pytest.fixture(scope="module")
def run(write_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a run [1]") / "model dir"
    return folder, write_run(folder)


@pytest.fixture(scope="module")
def scored(records):
    """Encoded photos and labels of the validation records, in their order."""
    found = []
    for path in sorted(records.glob("validation-*")):
        for data in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            record = example.parse(data)
            encoded = example.bytes_feature(record, schema.KEY_ENCODED)
            found.append((encoded, example.int_feature(record, schema.KEY_LABEL)))
    return found


def scores(folder) -> dict:
    return json.loads((folder / "robustness/corruptions.json").read_text())


def errors(network, pictures, labels) -> float:
    """What a network gets wrong of uint8 pictures, one after another and without this program."""
    images = np.float32(pictures) - np.float32(preprocessing.CHANNEL_MEANS)
    return float(np.mean(network(images).numpy().argmax(axis=1) != labels))


def decoded(data: bytes) -> np.ndarray:
    return tf.io.decode_image(data, 3).numpy()


def test_a_crop_is_that_of_torchvision():
    """100 x 60: shorter side int(32 / 0.875) = 36, the other 36 * 100 / 60 = 60; from (14, 2)."""
    pixels = np.random.RandomState(1).randint(0, 256, (60, 100, 3)).astype(np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    whole = PIL.Image.fromarray(pixels).resize((60, 36), PIL.Image.BILINEAR)
    expected = np.array(whole)[2:34, 14:46]
    np.testing.assert_array_equal(making.crop(file.getvalue(), 32), expected)
    # 224 from 256, and 256 from 292, as the original has it for BigLittle; CIFAR is not cropped.
    sides = [min(making.resized(file.getvalue(), int(s / 0.875)).size) for s in (224, 256)]
    assert sides == [256, 292]
    file = io.BytesIO()
    PIL.Image.fromarray(pixels[:32, :32]).save(file, "PNG")
    how = Making(32, 0, "cifar")
    same = decoded(making.make(file.getvalue(), 0, making.CLEAN, 0, how))
    np.testing.assert_array_equal(same, pixels[:32, :32])


def test_the_number_of_the_photo_and_the_seed_decide(scored):
    encoded = scored[0][0]

    def made(number=3, seed=0, name="shot_noise", severity=2):
        return making.make(encoded, number, name, severity, Making(SIZE, 85, seed=seed))

    assert made() == made()
    others = {made(), made(number=4), made(seed=1), made(name="speckle_noise"), made(severity=3)}
    assert len(others) == 5
    # The published sets were stored as JPEG 85; without, as PNG, it is what `corrupt` gives.
    assert made()[:3] == b"\xff\xd8\xff"
    png = making.make(encoded, 3, "shot_noise", 2, Making(SIZE, 0))
    place = preprocessing.CORRUPTIONS.index("shot_noise")
    random = np.random.default_rng([0, place, 2, 3])
    expected = preprocessing.corrupt(making.crop(encoded, SIZE), "shot_noise", 2, random)
    np.testing.assert_array_equal(decoded(png), expected)


def test_made_and_stored_images_have_the_scores_of_the_network(
    run, write_run, scored, call_command, tmp_path, capsys
):
    """Severity 0 without JPEG is the network on Pillow's crops; sets and folders give the same."""
    folder, network = run
    labels = np.array([label for _, label in scored])
    call_command(evaluate, f"--model_dir={folder}", "--robustness=c", "--corruption_jpeg=0", *FEW)
    found = scores(folder)
    crops = [making.crop(encoded, SIZE) for encoded, _ in scored]
    assert found["clean_error"] == errors(network, crops, labels)
    place = preprocessing.CORRUPTIONS.index("contrast")
    for severity in (2, 5):
        pictures = [
            preprocessing.corrupt(
                crop, "contrast", severity, np.random.default_rng([0, place, severity, number])
            )
            for number, crop in enumerate(crops)
        ]
        assert found["error"]["contrast"][str(severity)] == errors(network, pictures, labels)
    assert found["count"] == 20 and found["mce_15"] is None
    out = capsys.readouterr().out
    assert "A mean needs every corruption" in out and "no JPEG, strengths of imagenet" in out

    # With JPEG 85: on the fly, as records, and as the folders that were published.
    call_command(evaluate, f"--model_dir={folder}", "--robustness=c", *FEW)
    made = scores(folder)
    stored = tmp_path / "sets [c]"
    arguments = [f"--data_dir={found['images']['data_dir']}", f"--output_dir={stored}"]
    call_command(official.corrupt, *arguments, f"--corruption_size={SIZE}", *FEW)
    published = tmp_path / "published"
    names = configuration.load(str(folder)).data.class_names
    for shard in stored.glob("*/*/validation-*"):
        for number, data in enumerate(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()):
            record = example.parse(data)
            label = example.int_feature(record, schema.KEY_LABEL)
            place = published / shard.parent.relative_to(stored) / names[label]
            place.mkdir(parents=True, exist_ok=True)
            encoded = example.bytes_feature(record, schema.KEY_ENCODED)
            (place / f"{number}.JPEG").write_bytes(encoded)
    (published / "fog").mkdir()
    for corrupted in (stored, published):
        arguments = [f"--corrupted_dir={corrupted}"]
        call_command(evaluate, f"--model_dir={folder}", "--robustness=c", *arguments)
        again = scores(folder)
        assert {k: again[k] for k in ("error", "clean_error")} == {
            k: made[k] for k in ("error", "clean_error")
        }
    # Another picture there is another result, not the one that is known.
    folders = sorted((published / "contrast/5").iterdir())
    for file in folders[0].iterdir():
        file.write_bytes(next(folders[-1].iterdir()).read_bytes())
    capsys.readouterr()
    call_command(evaluate, f"--model_dir={folder}", "--robustness=c", *arguments)
    assert re.findall(r"^(\S+ ?\d?): error", capsys.readouterr().err, re.M) == ["contrast 5"]


def test_a_network_that_is_always_wrong(write_run, scored, tmp_path, call_command, capsys):
    """It says class 3 of pictures of others: every error is 1, and CE what AlexNet gives."""
    folder = tmp_path / "run"
    write_run(folder, always=3)
    names = configuration.load(str(folder)).data.class_names
    (encoded, label), how = next(one for one in scored if one[1] < 3), Making(SIZE)
    for severity in range(1, 6):
        place = tmp_path / "images/fog" / str(severity) / names[label]
        place.mkdir(parents=True)
        image = making.make(encoded, 0, "fog", severity, how)
        (place / "one.JPEG").write_bytes(image)
    arguments = [f"--model_dir={folder}", f"--corrupted_dir={tmp_path}/images"]
    call_command(evaluate, "--robustness=c", *arguments)
    found = scores(folder)
    assert found["error"]["fog"] == dict.fromkeys("12345", 1.0) and found["clean_error"] is None
    assert found["ce"]["fog"] == pytest.approx(1 / 0.819324)
    assert "fog                100.00 100.00 100.00 100.00 100.00 100.00 122.05" in (
        capsys.readouterr().out
    )


def test_other_sizes_are_refused_or_squeezed(run, scored, tmp_path, call_command):
    folder, _ = run
    place = tmp_path / "fog/1/red"
    place.mkdir(parents=True)
    how = Making(48)
    (place / "one.JPEG").write_bytes(making.make(scored[0][0], 0, making.CLEAN, 0, how))
    arguments = [f"--model_dir={folder}", "--robustness=c", f"--corrupted_dir={tmp_path}"]
    with pytest.raises(RunError) as caught:
        call_command(evaluate, *arguments)
    assert "fog 1" in str(caught.value) and "32 pixels wanted: height and width 48 48" in str(
        caught.value
    )
    assert "--corruption_size" in str(caught.value) and "--resize_corrupted" in str(caught.value)
    for way in ("--corruption_size=48", "--resize_corrupted"):
        call_command(evaluate, *arguments, way)
        assert scores(folder)["count"] == 1


def test_a_run_that_was_killed_goes_on(tmp_path, write_run, call_command, capsys):
    """What was scored is kept, the rest is made: the end is that of a run without a stop."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped [x]"
    arguments = ["--robustness=c", "--corruptions=contrast,pixelate", "--severities=1"]
    for folder in (whole, stopped):
        write_run(folder)
    command = [sys.executable, "-m", "official.evaluate", *arguments, "--num_workers=2"]
    first = subprocess.Popen(
        [*command, f"--model_dir={stopped}"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = stopped / "robustness/results.jsonl"
    while first.poll() is None and (not log.exists() or log.read_text().count("\n") < 1):
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 143 and "stopped by SIGTERM" in err, err
    kept = log.read_text().count("\n")
    assert 1 <= kept < 3 and not (stopped / "robustness/corruptions.json").exists()
    # The end of a line that a crash left.
    with log.open("a") as file:
        file.write('{"name": "fog", "sev')
    for folder in (stopped, whole):
        call_command(evaluate, f"--model_dir={folder}", *arguments, "--num_workers=1")
    said = capsys.readouterr()
    assert f"note: {kept} of 3 are known already" in said.err and "| stopped [x] |" in said.out
    one, other = scores(stopped), scores(whole)
    assert one["error"] == other["error"] and len(one["error"]) == 2
    assert log.read_text().count("\n") == 3
    assert (stopped / "robustness/corruptions.png").read_bytes()[:4] == b"\x89PNG"


def test_folders_are_matched_with_the_classes(run, write_run, tmp_path):
    config = configuration.load(str(run[0]))

    def labels(folders, config=config, offset=None):
        return sources.labels_of(config, folders, "DIR", offset)

    # Of the run: blue, green, red, white.
    assert labels(["blue", "green", "red", "white"]) == [0, 1, 2, 3]
    assert labels(["green", "white"]) == [1, 3]
    with pytest.raises(RunError, match="other classes than the run.*only in the data: 'pink'"):
        labels(["green", "pink"])
    with pytest.raises(RunError, match="no folders of classes"):
        labels([])
    synsets = config.with_data(class_names=("background", "n01 tench", "n02 shark", "n03 ray"))
    assert labels(["n01", "n02", "n03"], synsets) == [1, 2, 3]
    unnamed = config.with_data(class_names=())
    assert labels(["a", "b", "c", "d"], unnamed) == [0, 1, 2, 3]
    assert labels(["a", "b", "c"], unnamed, 1) == [1, 2, 3]
    with pytest.raises(RunError, match="3 folders of classes, .*give --label_offset=1"):
        labels(["a", "b", "c"], unnamed)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--corruptions=rain"],
            "--corruptions must be names out of all, standard, .*rain",
        ),
        (
            ["--severities=0"],
            "--severities must be numbers out of 1, 2, 3, 4, 5. .*0",
        ),
        (["--corruption_jpeg=100"], "--corruption_jpeg must be from 1 to 95, or 0. Received: 100"),
        (["--corruption_parameters=tiny"], "must be one of .*'imagenet', 'cifar'.* 'tiny'"),
        (["--ten_crop"], "--ten_crop has no meaning with --robustness=c: leave it out"),
        (["--perturbations=tilt"], "--perturbations has no meaning with --robustness=c"),
        (["--robustness=p", "--severities=1"], "--severities has no meaning with --robustness=p"),
        (["--corrupted_dir=x", "--data_dir=y"], "--data_dir has no meaning with --corrupted_dir"),
        (["--corrupted_dir=x", "--corruption_jpeg=0"], "--corruption_jpeg has no meaning with"),
        (["--resize_corrupted"], "--resize_corrupted needs --corrupted_dir"),
        (
            ["--corrupted_dir=/nowhere"],
            "/nowhere holds no folder of a .*official.corrupt",
        ),
    ],
)
def test_what_is_refused(run, call_command, arguments, message):
    with pytest.raises(RunError, match=message):
        call_command(evaluate, f"--model_dir={run[0]}", "--robustness=c", *arguments)


def test_flags_of_robustness_need_it(run, call_command):
    with pytest.raises(RunError, match="--corruptions needs --robustness=c or p: leave it out"):
        call_command(evaluate, f"--model_dir={run[0]}", "--corruptions=fog")


def test_names_stand_for_sets():
    assert RobustnessOptions().names == preprocessing.CORRUPTIONS
    assert len(RobustnessOptions(corruptions=("standard",)).names) == 15
    assert RobustnessOptions(corruptions=("saturate", "fog")).names == ("fog", "saturate")
