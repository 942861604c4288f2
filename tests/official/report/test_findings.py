"""A report as a page, a picture and numbers: escaped, whole, made of report.json alone."""

import base64
import io
import json
import re

import numpy as np
import PIL.Image
import pytest

from official.report import charts, findings, page, statistics
from official.run import files
from official.run.errors import RunError

NAMES = ["$$", "<b>bold</b>", "日本", '_a & "b"', "\\alpha$"]


def photo() -> str:
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(buffer, "jpeg")
    return base64.b64encode(buffer.getvalue()).decode()


def made_up(names, answers) -> dict:
    """A report as `findings.collect` makes it."""
    right = int((answers[:, 0] == answers[:, 1]).sum())
    pairs = statistics.confusion(answers)
    one = {
        "name": "<img src=x onerror=alert(1)>.jpg", "true": names[0], "answer": names[1],
        "next": names[2], "probability": 0.5, "next_probability": 0.25, "photo": photo(),
        "map": photo(),
    }  # fmt: skip
    return {
        "format": findings.FORMAT,
        "run": "my run [1] <i>",
        "evaluation": {
            "checkpoint": "model.ckpt-7", "val_regex": "test-*", "data_dir": "/a & b",
            "images": len(answers), "correct_top1": right, "top1": right / len(answers),
            "top5": 1.0, "ece": 0.0125, "cross_entropy": 1.5, "time": "2026-01-02T03:04:05+0000",
            "seconds": 2.0,
        },
        "intervals": {"top1": [0.25, 0.75], "top5": [0.5, 1.0]},
        "network": {"image_size": 64, "parameters": 1_250_000, "multiply_adds": 2_000_000_000},
        "confusion": pairs,
        "classes": statistics.classes(pairs, names),
        "reliability": statistics.reliability(answers),
        "training": [{"epoch": 1, "cross_entropy": 2.0, "top1": 0.5, "validation": {"top1": 0.6}}],
        "throughput": [{"what": "training", "images_per_second": 12.5}],
        "commands": [{"time": "now", "directory": "/<x>", "line": "python -m x '<y>'"}],
        "photos": {"worst": [one], "uncertain": []},
    }  # fmt: skip


@pytest.fixture
def small() -> dict:
    answers = np.array([[0, 1, 2, 0.5, 0.25], [2, 2, 0, 0.9, 0.05]], np.float32)
    return made_up(NAMES, answers)


def test_a_page_is_one_file_and_names_are_names(small):
    text = page.html(small)
    assert "<b>bold" not in text and "<i>" not in text and "onerror=alert(1)>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text and "&lt;img src=x onerror" in text
    assert "日本" in text and "$$" in text and "/&lt;x&gt;" in text
    assert "<script" not in text and "http" not in text
    sources = re.findall(r'(?:src|href)="([^"]{0,24})', text)
    assert len(sources) == 4 and all(source.startswith("data:image/") for source in sources)
    # A row per class, a column per answer: $$ was taken for <b>bold</b>.
    rows = re.findall(r"<tr>(.*?)</tr>", text.split('class="matrix"')[1].split("</table>")[0])
    counts = [re.findall(r">(\d+)</td>", row) for row in rows[1:]]
    assert counts[0] == list("01000") and counts[2] == list("00100")


def test_numbers_read_again_give_the_same_page(small):
    assert page.html(json.loads(files.as_json(small))) == page.html(small)


def test_a_picture_takes_all_names(small):
    picture = PIL.Image.open(io.BytesIO(charts.picture(small)))
    assert picture.format == "PNG" and picture.width == 1400 and picture.height > 900


def test_a_thousand_classes_fit():
    """No matrix of a million cells: the pairs that are confused most, and the worst classes."""
    labels = np.arange(5000) % 1000
    wrong = labels % 7 == 0
    answers = np.stack(
        [labels, np.where(wrong, (labels + 1) % 1000, labels), (labels + 2) % 1000]
        + [np.full(5000, share) for share in (0.6, 0.3)], axis=1
    ).astype(np.float32)  # fmt: skip
    # One pair is confused more often than the others.
    answers = np.concatenate([answers, np.repeat(answers[:1], 4, axis=0)])
    found = made_up([f"class <{n}>" for n in range(1000)], answers)
    text = page.html(found)
    assert 'class="matrix"' not in text and text.count("<tr>") < 150
    first = text.split("Confused most")[1].split("</tr>")[1]
    assert re.findall(r">([^<>]+)</td>", first) == [
        "class &lt;0&gt;", "class &lt;1&gt;", "9", "100.00 %"
    ]  # fmt: skip
    assert "and 900 more classes" in text and "and 118 more pairs" in text
    assert len(files.as_json(found)) < 1_000_000
    assert PIL.Image.open(io.BytesIO(charts.picture(found))).width == 1400


def test_a_report_is_there_whole_or_not_at_all(small, tmp_path):
    folder = tmp_path / "my run [1]" / "report"
    findings.write(str(folder), small)
    (folder / "notes.txt").write_text("mine")
    assert sorted(p.name for p in folder.iterdir()) == [
        "notes.txt", "report.html", "report.json", "report.png"
    ]  # fmt: skip
    assert json.loads((folder / "report.json").read_text()) == json.loads(files.as_json(small))
    (folder / "report.png").unlink()
    (folder / "report.png").mkdir()
    with pytest.raises(RunError, match="could not be written into .*--noreport"):
        findings.write(str(folder), small)
    assert sorted(p.name for p in folder.iterdir()) == ["notes.txt", "report.png"]


def test_measurements_come_into_the_report(small, tmp_path):
    line = {"batch_size": 64, "images_per_second": 2095.5, "device": "a processor"}
    assert findings.add_throughput(str(tmp_path), [line]) == ""
    findings.write(str(tmp_path / "report"), small)
    for _ in range(2):
        where = findings.add_throughput(str(tmp_path), [line])
    assert where == str(tmp_path / "report/report.html")
    found = json.loads((tmp_path / "report/report.json").read_text())
    assert [one["images_per_second"] for one in found["throughput"]] == [12.5, 2095.5]
    assert "2,095.5" in (tmp_path / "report/report.html").read_text()
