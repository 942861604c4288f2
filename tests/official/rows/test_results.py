"""official.report --tables: ours beside the paper's, and what cannot be compared said."""

import csv
import io
import json
import pathlib

import pytest

from nets import ModelConfig
from official.report import __main__ as report_command
from official.report import paper
from official.rows import listing, registry, results, tables
from official.rows.chain import Places
from official.run import files, history
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

ROOT = registry.ROOT


def pretend(runs, row, monkeypatch, *further, epochs=2, top1=0.5):
    """A run of a row, of two epochs, with what its commands leave."""
    folder = runs / row
    words = [f"--flagfile=/repo/scripts/{row}.flags", f"--model_dir={folder}", *further]
    monkeypatch.setattr("sys.argv", ["/repo/official/train/__main__.py", *words])
    config = RunConfig(
        ModelConfig(), PreprocessingConfig(), RecipeConfig(train_epochs=2), DataConfig("/in")
    )
    history.write(str(folder), config, RunOptions(str(folder)))
    files.append_json_line(str(folder / "training.jsonl"), {"epoch": epochs, "step": epochs})
    scores = {"top1": top1, "top5": 0.75, "val_regex": "validation-*"}
    (folder / "evaluation.json").write_text(json.dumps(scores))
    for batch, rate in ((64, 268.0), (1, 33.0)):
        line = {"batch_size": batch, "images_per_second": rate, "device": "A GPU"}
        files.append_json_line(str(folder / "benchmark.jsonl"), {**line, "saved_model": "/e"})
    corrupted = {"mce_15": 0.6, "mce_19": 0.5, "mean_error_15": 0.4, "mean_error_19": 0.3}
    (folder / "robustness").mkdir()
    (folder / "robustness/corruptions.json").write_text(json.dumps(corrupted))


def cells(runs):
    return {
        (sheet.key, *key): cell
        for sheet in tables.sheets(Places(str(runs)))
        for key, cell in sheet.cells.items()
    }


def test_ours_stands_beside_the_papers(tmp_path, monkeypatch):
    pretend(tmp_path, "table7/E0", monkeypatch)
    found = cells(tmp_path)
    top1 = found["table7_assembling", "E0", "top1"]
    assert (top1.paper, top1.here.value, top1.here.remark) == (76.87, 50.0, "")
    assert top1.difference == pytest.approx(-26.87)
    assert top1.here.command.startswith(
        "python -m official.train --flagfile=/repo/scripts/table7/E0"
    )
    assert top1.here.command.endswith("--val_regex='validation-*'")
    assert top1.here.hardware == history.versions()["device"]
    # All 19 corruptions, as the original; the batch of the paper.
    assert found["table7_assembling", "E0", "mCE"].here.value == 50.0
    speed = found["table7_assembling", "E0", "throughput"]
    assert (speed.here.value, speed.here.hardware, speed.difference) == (268, "A GPU", -268)
    # The same training in other tables, and a row that was not run.
    assert found["table6_network_tweaks", "M0", "top1"].here == top1.here
    assert found["table12_flops", "R50", "throughput"].here.value == 268
    assert found["table7_assembling", "E1", "top1"].here is None
    assert ("table7_assembling", "-", "top1") not in found


def test_food_is_not_divided_by_alexnet(tmp_path, monkeypatch):
    pretend(tmp_path, "table8/F0", monkeypatch)
    assert cells(tmp_path)["table8_food101", "F0", "mCE"].here.value == 30.0
    assert cells(tmp_path)["table9_fgvc", "Food-101", "resnet50_top1"].here.value == 50.0


def test_a_run_that_is_not_the_rows_is_marked(tmp_path, monkeypatch):
    pretend(tmp_path, "table7/E0", monkeypatch, "--batch_size=8", epochs=1)
    pretend(tmp_path, "table7/E1", monkeypatch, top1=0.7737)
    (tmp_path / "table7/E1").rename(tmp_path / "table7/E2")
    found = cells(tmp_path)
    short, other = (found["table7_assembling", name, "top1"].here for name in ("E0", "E2"))
    assert short.remark == "with --batch_size=8; not trained to its end"
    assert other.remark == "not trained with the flags of the row"
    sheet = next(s for s in tables.sheets(Places(str(tmp_path))) if s.key == "table7_assembling")
    said = [listing.state(registry.get(f"table7/{name}"), Places(str(tmp_path)))
            for name in ("E0", "E2")]  # fmt: skip
    assert said == ["epoch 1 of 2", "top-1 77.37 % (not trained with the flags of the row)"]
    line = next(line for line in results.grid(sheet) if line[0] == "E0")
    assert line[5:8] == ["76.87", "50*", "-26.87"]


def test_counts_need_no_run(tmp_path):
    found = cells(tmp_path)
    assert found["table12_flops", "R50D+SK", "flops_billion"].here.value == 6.18
    for name, epochs in paper.tables()["table13_fgvc_epochs"]["rows"]:
        assert found["table13_fgvc_epochs", name, "epochs"].here.value == epochs
    for name, *counts in paper.tables()["table14_fgvc_datasets"]["rows"]:
        columns = ("train_images", "test_images", "classes")
        ours = [found["table14_fgvc_datasets", name, column].here.value for column in columns]
        assert ours == counts


def test_the_files(call_command, tmp_path, monkeypatch, capsys):
    runs, output = tmp_path / "runs [1]", tmp_path / "my results"
    pretend(runs, "table7/E11", monkeypatch, top1=0.8278)
    call_command(report_command, f"--tables={runs}", f"--output={output}")
    out, err = capsys.readouterr()
    assert err.startswith("3 of ") or " scores of the paper's tables were run" in err
    assert [pathlib.Path(path).name for path in out.split("\n")[:-1]] == [
        "tables.md", "tables.csv", "tables.html", "headline.md", "accuracy_throughput.png",
    ]  # fmt: skip
    text = (output / "tables.md").read_text()
    assert (
        "| E11 | R50D+BL+SK+AA | LS+Mixup+DropBlock+KD+Autoaug | 600 | 256 | 82.78 | 82.78 | +0"
        in text
    )
    assert all(f"## {key}\n" in text for key in paper.tables())
    lines = list(csv.DictReader(io.StringIO((output / "tables.csv").read_text())))
    found = {(line["table"], line["row"], line["number"]): line for line in lines}
    assert found["table7_assembling", "E11", "throughput"]["difference"] == "-44.0"
    assert found["table7_assembling", "E12", "top1"]["here"] == "not run"
    assert (output / "accuracy_throughput.png").read_bytes().startswith(b"\x89PNG")
    page = (output / "tables.html").read_text()
    assert page.count("<h2>") == len(paper.tables()) and "&#x27;validation-*&#x27;" in page
    assert (
        "| Assemble-ResNet-50 | 82.8 | 48.9 | 312 | 82.78 | 50 | 268 |"
        in (output / "headline.md").read_text()
    )


def test_the_table_of_the_readme_is_what_comes_out_where_nothing_was_run(tmp_path):
    table = results.headline(tables.sheets(Places(str(tmp_path))))
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_folder_that_is_not_there(call_command, tmp_path):
    with pytest.raises(RunError, match="--tables=.*none is no folder"):
        call_command(report_command, f"--tables={tmp_path}/none")
    with pytest.raises(RunError, match="--model_dir or --tables must be given"):
        call_command(report_command)
