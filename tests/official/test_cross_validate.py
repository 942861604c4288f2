"""Cross-validation: every picture is validated once, by a network that has not seen it."""

import json
import subprocess
import sys

import pytest

from datasets.errors import DatasetError
from datasets.records import folds, reader, schema
from official import cross_validate
from official.rows import made_up


def names(folder, pattern):
    split = reader.find_split(folder, pattern)
    records = reader.read_records(split).map(lambda r: schema.parse_example(r["serialized"]))
    return [example["filename"].decode() for example in records.as_numpy_iterator()]


def test_each_record_is_validated_once(records, tmp_path):
    made = folds.link(str(records), str(tmp_path / "folds [1]"), 3)
    assert folds.link(str(records), str(tmp_path / "folds [1]"), 3) == made
    validated = [names(folder, "validation-*") for folder in made]
    everything = sorted(names(str(records), "train-*") + names(str(records), "validation-*"))
    assert sorted(name for fold in validated for name in fold) == everything
    for folder, fold in zip(made, validated, strict=True):
        assert sorted(names(folder, "train-*") + fold) == everything
    with pytest.raises(DatasetError, match="4 folds of the 3 shards in .*from 2 to 3"):
        folds.link(str(records), str(tmp_path / "more"), 4)


def test_one_picture_in_four_sizes_is_refused(tmp_path):
    made_up.write("kaggle_flower_all_sizes", str(tmp_path / "flowers"))
    with pytest.raises(DatasetError, match="each picture in four sizes"):
        folds.link(str(tmp_path / "flowers"), str(tmp_path / "folds"), 2)


def test_mean_and_deviation_by_hand():
    scores = [{"images": 9, "top1": t, "top5": 1.0, "ece": 0.1} for t in (0.5, 0.7, 0.9)]
    found = cross_validate.summary(scores)
    assert found["top1"]["mean"] == pytest.approx(0.7)
    # The square root of (0.04 + 0 + 0.04) / 2.
    assert found["top1"]["deviation"] == pytest.approx(0.2)
    assert found["top5"] == {"mean": 1.0, "deviation": 0.0}


def test_the_command(records, tmp_path):
    command = [
        sys.executable, "-m", "official.cross_validate", f"--data_dir={records}", "--folds=2",
        f"--work_dir={tmp_path}/w", "--resnet_size=18", "--num_filters=4", "--image_size=32",
        "--batch_size=8", "--train_epochs=1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "w/cross_validation.json").read_text())
    assert sum(fold["images"] for fold in result["folds"]) == 60
    assert done.stdout.splitlines()[-1].startswith("top-1 ") and "deviation" in done.stdout
