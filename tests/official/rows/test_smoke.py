"""--smoke: rows in miniature, in the way that they are run in full."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from datasets import catalog
from datasets.inspection import verification
from datasets.records import reader, schema
from official.rows import made_up, registry, smoke
from official.rows.chain import Step


def run(row, folder):
    command = [sys.executable, "-m", "official.rows", "run", row, "--smoke"]
    command += [f"--smoke_dir={folder}", "--label_smoothing=0.3"]
    done = subprocess.run(command, cwd=registry.ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(folder) / "runs"


@pytest.mark.parametrize("row", ["mobilenet/MB4", "table8/F1"])
def test_a_row_in_miniature(row, tmp_path):
    runs = run(row, tmp_path / "made [1]")
    folder = runs / row
    config = json.loads((folder / "config.json").read_text())
    recipe = config["recipe"]
    # What the row is trained with, but for what makes it small; words of the command line win.
    assert recipe["kd_temp"] == (1.0 if row == "mobilenet/MB4" else 0.0)
    assert (recipe["batch_size"], recipe["label_smoothing"]) == (8, 0.3)
    assert config["preprocessing"]["image_size"] == 32 and config["model"]["num_filters"] == 16
    assert json.loads((folder / "evaluation.json").read_text())["images"] == 20
    assert os.listdir(folder / "export") == ["1"]
    assert json.loads((folder / "benchmark.jsonl").read_text())["images_per_second"] > 0
    if row == "table8/F1":
        backbone = json.loads((runs / "table7/E1/config.json").read_text())
        assert backbone["model"]["use_resnet_d"] and backbone["data"]["dataset_name"] == "imagenet"
        assert backbone["recipe"]["label_smoothing"] == 0.0
        assert "table7/E1" in (folder / "pretrained.json").read_text()


@pytest.mark.parametrize("dataset", sorted({row.dataset for row in registry.ROWS.values()}))
def test_made_up_records_are_those_of_the_data_set(dataset, tmp_path):
    folder = str(tmp_path / "records")
    made_up.write(dataset, folder, with_logits=dataset == "imagenet")
    assert verification.verify(folder, dataset_name=dataset).findings == ()
    info = catalog.get(dataset)
    labels = (tmp_path / "records/labels.txt").read_text().splitlines()
    assert len(labels) == info.num_classes == len(set(labels))
    record = next(iter(reader.read_records(reader.find_split(folder, "train-*"))))["serialized"]
    parsed = schema.parse_example(record)
    assert info.label_offset <= int(parsed["label"]) < info.num_classes
    assert int(schema.count_logits(record)) == (1001 if dataset == "imagenet" else 0)


def test_names_are_the_published_ones(tmp_path):
    def names(dataset):
        return made_up.class_names(dataset, str(tmp_path))

    assert names("imagenet")[:2] == ("background", "n01440764")
    assert names("food101")[0] == "apple_pie" and names("cub_200_2011_72_8_20")[199] == (
        "200.Common_Yellowthroat"
    )
    assert names("fgvc_aircraft")[0] == "707-320" and len(names("fgvc_aircraft")) == 100
    assert names("kaggle_flower_all_sizes")[103] == "wild rose"


def test_steps_are_made_small_by_their_row():
    step = Step("official.train", ("--batch_size=1024",), row="table7/E12")
    words = smoke.shrunk(step, ("--seed=1",)).arguments
    assert {"--preprocessing_type=imagenet_32a", "--eval_image_size=64"} <= set(words)
    assert words[0] == "--batch_size=1024" and words[-1] == "--seed=1" and "--batch_size=8" in words
    step = Step("official.train", (), row="flowers104/P3")
    assert "--pretrained_model_checkpoint_path=" in smoke.shrunk(step).arguments
