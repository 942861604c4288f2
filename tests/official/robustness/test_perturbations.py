"""Flips and distances of a real network on sequences, made and read from folders."""

import json

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import preprocessing
from datasets.records import example, schema
from official.evaluate import __main__ as evaluate
from official.robustness import making, scores
from official.run.errors import RunError
from preprocessing.corruptions.perturbations import PERTURBATIONS, PERTURBATIONS_EXTRA

SIZE = 32
READ = ["--robustness=p", "--perturbations=translate,gaussian_noise"]
FEW = [*READ, "--num_workers=1"]


def written(folder) -> dict:
    return json.loads((folder / "robustness/perturbations.json").read_text())


def test_made_and_stored_sequences(write_run, records, tmp_path, call_command, capsys):
    """What the network says frame by frame, without this program; then from folders of frames."""
    folder, frames_dir = tmp_path / "run", tmp_path / "frames [p]"
    network = write_run(folder)
    call_command(evaluate, f"--model_dir={folder}", *FEW)
    found = written(folder)
    assert found["sequences"] == 20 and found["mfr_10"] is None
    every = (*PERTURBATIONS, *PERTURBATIONS_EXTRA)
    for name in ("translate", "gaussian_noise"):
        flips, distances = [], []
        (shard,) = records.glob("validation-*")
        for number, data in enumerate(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()):
            encoded = example.bytes_feature(example.parse(data), schema.KEY_ENCODED)
            random = np.random.default_rng([0, 100 + every.index(name), 0, number])
            photo = np.array(making.resized(encoded, 36))
            frames = np.stack(list(preprocessing.perturb(photo, name, SIZE, random)))
            logits = network(np.float32(frames) - np.float32(preprocessing.CHANNEL_MEANS)).numpy()
            best = np.argsort(-logits, axis=1, kind="stable")[np.newaxis]
            noise = name == "gaussian_noise"
            flips.append(scores.flip_probability(best[..., 0], noise))
            distances.append(scores.top5_distance(best, noise))
            place = frames_dir / name / "a class" / f"{number:03d}"
            place.mkdir(parents=True)
            for count, frame in enumerate(frames):
                PIL.Image.fromarray(frame).save(place / f"{count:03d}.png")
        # A frame or two may hang on the last bit of a logit.
        assert abs(found["flip_probability"][name] - np.mean(flips)) < 2 / 600
        assert abs(found["top5_distance"][name] - np.mean(distances)) < 8 / 600
    assert found["flip_rate"]["translate"] == pytest.approx(
        found["flip_probability"]["translate"] / 0.11007
    )
    capsys.readouterr()
    call_command(evaluate, f"--model_dir={folder}", *FEW)
    assert "note: 2 of 2 are known already" in capsys.readouterr().err
    call_command(evaluate, f"--model_dir={folder}", *READ, f"--corrupted_dir={frames_dir}")
    again = written(folder)
    assert again["flip_probability"] == found["flip_probability"]
    assert again["top5_distance"] == found["top5_distance"]
    (frames_dir / "tilt/x").mkdir(parents=True)
    with pytest.raises(RunError, match="tilt holds no frames"):
        arguments = ["--robustness=p", f"--corrupted_dir={frames_dir}"]
        call_command(evaluate, f"--model_dir={folder}", *arguments)


def test_a_network_that_always_says_the_same_never_flips(write_run, tmp_path, call_command, capsys):
    folder = tmp_path / "run"
    write_run(folder, always=2)
    call_command(evaluate, f"--model_dir={folder}", *FEW)
    found = written(folder)
    assert found["flip_probability"] == {"gaussian_noise": 0.0, "translate": 0.0}
    assert found["flip_rate"]["translate"] == 0.0
    with pytest.raises(RunError, match="/nowhere holds no folder of a perturbation .*ffmpeg"):
        call_command(evaluate, f"--model_dir={folder}", *READ, "--corrupted_dir=/nowhere")
