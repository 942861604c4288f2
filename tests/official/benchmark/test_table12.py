"""The paper's throughput beside one's own."""

import pytest

from nets import cost, named_config
from official.benchmark import networks, table12, turns
from official.benchmark.networks import Case

RESULT = {"peak_memory_mb": 500, "parameters": 10, "gflops": 0.5, "image_size": 224}


def results(*milliseconds, batch=8):
    return [
        {**RESULT, "milliseconds": ms, "times": [ms] * 15, "batch_size": batch}
        for ms in milliseconds
    ]


def test_every_network_of_the_five_tables_is_there():
    known = table12.models()
    rows = {row for published in known.values() for row in published.rows}
    # Rows of the paper's tables 2, 3, 6, 7 and 12; table 7 repeats the eight EfficientNets.
    counts = [sum(row.startswith(f"table{number}_") for row in rows) for number in (2, 3, 6, 7, 12)]
    assert counts == [6, 5, 5, 13, 14]
    assert next(iter(known)) == "resnet50" and known["resnet50"].images_per_second == 536
    assert known["assemble_resnet50"].images_per_second == 312
    assert known["keras_efficientnetb7"] == (("table12_flops/EfficientNet-B7",), 16, 37, 84.5)


def test_a_row_beside_the_papers():
    found = {
        Case("resnet50", "inference", 8): results(100, 200),
        Case("assemble_resnet50", "inference", 8): results(200, 300, batch=4),
    }
    measured = turns.table(found, "a chip")
    rows = table12.rows(measured, {"keras_efficientnetb7": 37.0}, 21)
    assert all(tuple(row) == table12.COLUMNS for row in rows)
    base, assembled, largest = rows
    assert (base["ratio"], base["paper_ratio"], base["note"]) == (1, 1, "")
    # Per image 50 against 12.5 ms and 75 against 25: 4 and 3 times as long.
    assert assembled["relative"] == 3.5 and assembled["ratio"] == pytest.approx(1 / 3.5, abs=1e-3)
    assert assembled["paper_ratio"] == pytest.approx(312 / 536, abs=1e-3)
    assert (assembled["batch_size"], assembled["asked_batch_size"]) == (4, 8)
    assert assembled["note"] == "batch halved" and assembled["calls"] == 30
    assert largest["images_per_second"] == "" and largest["paper_images_per_second"] == 16
    assert largest["note"] == "not run: above --max_gflops=21"
    assert table12.picture(rows, "a chip")[:4] == b"\x89PNG"
    assert table12.file_name("AMD EPYC 7B13, 2 cores", 64) == (
        "throughput-amd-epyc-7b13-2-cores-fp32-b64.csv"
    )


def test_what_is_too_large_is_left_out():
    left_out = [name for name, case, _ in table12.cases(8, 8.0) if case is None]
    assert left_out == [
        "resnet50_sk_3x3_5x5", "assemble_resnet152", *(f"keras_efficientnetb{n}" for n in (5, 6, 7))
    ]  # fmt: skip
    assert all(case for _, case, _ in table12.cases(8, 0))


def test_multiply_adds_of_keras_networks():
    """Those that the paper prints (Tan and Le, arXiv:1905.11946: 0.39 billion), and our own."""
    network, billions = networks.build(Case("keras_efficientnetb0", "inference", 1))
    assert billions == pytest.approx(0.39, abs=0.01)
    network, billions = networks.build(Case("keras_mobilenet", "inference", 1))
    same = cost(named_config("mobilenet_v1"), 224).multiply_adds
    assert billions == pytest.approx(same / 1e9, rel=1e-3)


def test_a_batch_that_does_not_fit_is_halved(monkeypatch, capsys):
    import contextlib

    @contextlib.contextmanager
    def worker(case, environment=None):
        if case.batch_size > 2:
            raise turns._FullMemory(f"batch {case.batch_size}: OOM when allocating")
        yield lambda: {**results(10)[0], "times": [10.0], "batch_size": case.batch_size}

    monkeypatch.setattr(turns, "worker", worker)
    found = turns.measure(Case("resnet18", "inference", 8), 0, calls=5)
    assert found["batch_size"] == 2 and len(found["times"]) == 5
    assert capsys.readouterr().err.count("tried again with batches of") == 2
