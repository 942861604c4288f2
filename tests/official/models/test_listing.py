"""The list of named networks, and one network shown and drawn."""

import json
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from nets import NAMED_MODELS, ModelConfig, named_config
from official.models import __main__ as models_command
from official.models import diagram, listing
from official.run import configuration
from official.run.errors import RunError
from official.run.network import input_shape, network_for_inference
from preprocessing import PreprocessingConfig

ROOT = pathlib.Path(__file__).parents[3]


def test_list_has_every_network_with_its_costs_and_rows(capsys):
    models_command.main([])
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[2:] if not line.startswith(" ")]
    assert names == list(NAMED_MODELS)
    assert ["assemble_resnet50", "41.85", "7.48", "256", "224"] in [line.split() for line in lines]
    text = " ".join(" ".join(lines).split())
    assert "table1_summary: Assemble-ResNet-152; table7_assembling: E12;" in text
    assert max(len(line) for line in lines) <= 100
    for variant in NAMED_MODELS.values():
        for row in variant.table_rows:
            assert row.split("/", 1)[1] in text


def test_one_network_is_printed_and_drawn(tmp_path, capsys):
    path = tmp_path / "new folder" / "picture.png"
    assert listing.show("se_mobilenet_v1_r2", 64, 11, str(path)) == str(path)
    out = capsys.readouterr().out
    assert " se_block_12 (SqueezeExcitation)" in out
    # MobileNet's 4,231,976 with 11 classes for 1000, and the squares of all 13 widths.
    trainable = 4_231_976 - 989 * 1025 + 64**2 + 2 * 128**2 + 2 * 256**2 + 6 * 512**2 + 2 * 1024**2
    assert f"se_mobilenet_v1_r2 at 64 x 64: {trainable:,} trainable parameters" in out
    assert "mobilenet_ablation: MB7, MB8" in out
    height, width, _ = tf.io.decode_png(path.read_bytes()).shape
    assert height > width > 400
    assert [entry.name for entry in path.parent.iterdir()] == ["picture.png"]


def test_a_failed_write_leaves_no_file(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    with pytest.raises(tf.errors.OpError):
        diagram.draw(str(tmp_path / "taken"), "plain18", named_config("plain18"), 64)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_parts_in_words():
    assemble = named_config("assemble_resnet152", use_dropblock=True)
    described = {
        name: diagram.contents(name, assemble)
        for name in (
            "initial_conv",
            "initial_pool",
            "stage2.big",
            "stage2.little",
            "stage3",
            "stage4",
        )
    }
    assert described == {
        "initial_conv": "7x7 stride 2",
        "initial_pool": "64 beside 64 wide, sum, 1x1",
        "stage2.big": "11 x bottleneck, SK, blur 3",
        "stage2.little": "5 x bottleneck, SK",
        "stage3": "sum, 1 x bottleneck, SK, DropBlock",
        "stage4": "3 x bottleneck, SK, DropBlock, blur 3",
    }
    d = named_config("resnet50d_se")
    assert diagram.contents("initial_conv", d) == "3x3 stride 2, 3x3, 3x3"
    assert diagram.contents("stage2", d) == "4 x bottleneck, pooled shortcut, SE"
    assert diagram.contents("stage4", named_config("plain34")) == "3 x two 3x3"


def test_bad_names_and_words_are_one_line():
    with pytest.raises(RunError, match="--output=a.png is one file, but 2 networks are named"):
        listing.check(["resnet50", "resnet18"], 0, "a.png")
    command = [sys.executable, "-m", "official.models", "resnet50", "asemble_resnet50"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and not result.stdout
    assert result.stderr.startswith("error: there is no model named 'asemble_resnet50'; did you")
    assert len(result.stderr.splitlines()) == 1
    assert not (ROOT / "resnet50.png").exists()


def test_flatten_takes_one_size():
    def config(**sizes):
        return configuration.RunConfig(
            ModelConfig(resnet_size=18, num_filters=4, num_classes=3, pool_type="flatten"),
            PreprocessingConfig(**sizes),
            configuration.RecipeConfig(),
            configuration.DataConfig("d"),
        )

    equal = config(image_size=64)
    assert input_shape(equal) == (64, 64, 3)
    network = network_for_inference(equal.model, input_shape(equal))
    assert network.get_layer("embedding").output_shape == (None, 2 * 2 * 32)
    with pytest.raises(RunError, match="training has 64 and evaluation 96"):
        input_shape(config(image_size=64, eval_image_size=96))
    assert json.loads(json.dumps(equal.to_dict()))["model"]["pool_type"] == "flatten"


def test_a_row_of_a_table_is_found_by_its_name(capsys):
    models_command.main(["E11"])
    out = capsys.readouterr().out
    assert "E11 of table7_assembling: --model=assemble_resnet50 --preproc" in out
    assert "evaluated at 256" in out and "scripts/rows.sh list" in out
    assert [line.split(":")[0] for line in listing.rows_called("e2")] == [
        "E2 of table4_mixup", "E2 of table7_assembling",
    ]  # fmt: skip
    assert len(listing.rows_called("table7/E2")) == 1 and listing.rows_called("resnet50") == []
    models_command.main([])
    assert "Not built yet: mCE" in capsys.readouterr().err
