"""Two runs on the same images: exact tests by hand, and predictions that were written."""

import csv
import math

import numpy as np
import pytest

import official.compare
from official.evaluate import comparison, predictions
from official.evaluate.predictions import Predictions
from official.run.errors import RunError


def of(right, label=1, records=None):
    """A run that is right where `right` says so."""
    count = len(right)
    answers = np.where(right, label, label + 1)
    records = records or [f"{n}.jpg" for n in range(count)]
    return Predictions(records, np.full(count, label), answers)


def test_mcnemar_by_hand():
    # 1 against 4 of five coins: 2 * (1 + 5) / 32.
    assert comparison.mcnemar(1, 4) == pytest.approx(0.375)
    assert comparison.mcnemar(0, 6) == comparison.mcnemar(6, 0) == pytest.approx(2 / 64)
    assert comparison.mcnemar(3, 3) == 1.0 and comparison.mcnemar(0, 0) == 1.0
    exact = 2 * sum(math.comb(300, k) for k in range(121)) / 2**300
    assert comparison.mcnemar(120, 180) == pytest.approx(exact, rel=1e-9)


def test_the_interval_is_that_of_the_normal_approximation():
    low, high = comparison.bootstrap(10_000, 400, 600)
    deviation = math.sqrt((0.1 - 0.02**2) / 10_000)
    assert low == pytest.approx(0.02 - 1.96 * deviation, abs=4e-4)
    assert high == pytest.approx(0.02 + 1.96 * deviation, abs=4e-4)
    assert comparison.bootstrap(50, 0, 0) == (0.0, 0.0)


def test_images_are_matched_by_record():
    first = of([True, True, False, False], records=["a", "b", "c", "c"])
    # In another order; of the two records c the first comes first.
    second = of([False, True, True, True], records=["c", "b", "a", "c"])
    found = comparison.compare(first, second)
    assert found[:4] == (4, 2, 0, 1)
    text = comparison.words(found, ("A", "B"))
    assert "A: top-1 50.00 % of 4 images" in text and "difference +25.00 points" in text
    assert "cannot be told apart" in text
    many = comparison.compare(of([False] * 20), of([True] * 20))
    assert "differ by more than" in comparison.words(many, ("A", "B"))
    with pytest.raises(RunError, match="1 records are of the first alone, 0 of the second, 3 of"):
        comparison.compare(of([True] * 4), of([True] * 3))


def test_of_runs_that_were_evaluated(write_run, tmp_path, call_command, capsys):
    """What the file says adds up to the score; odd names come through."""
    from official.evaluate import __main__ as evaluate

    folders = [tmp_path / "one [1]", tmp_path / "two"]
    for folder, always in zip(folders, (1, 3), strict=True):
        write_run(folder, always=always)
        call_command(evaluate, f"--model_dir={folder}", "--noreport")
    rows = list(csv.DictReader((folders[0] / "predictions.csv").open()))
    assert len(rows) == 20 and {row["answer"] for row in rows} == {"1"}
    assert sum(row["label"] == "1" for row in rows) == 5
    assert rows[0]["record"].endswith("000.jpg") and rows[0]["probability"] == "1"
    capsys.readouterr()
    official.compare.main([str(folder) for folder in folders])
    out = capsys.readouterr().out
    assert "right by the first alone 5, by the second alone 5: McNemar's exact test p = 1" in out
    with pytest.raises(RunError, match="nothing.csv is missing: run .*official.evaluate"):
        predictions.read(str(tmp_path / "nothing.csv"))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(RunError, match="holds no predictions .*first line must be record,label"):
        predictions.read(str(other))
    with pytest.raises(RunError, match="two runs must be given"):
        official.compare.main(["one"])
