"""Which checkpoints stay, and after which epochs a network is scored."""

import json

import pytest
from absl.flags import FLAGS

from official.command import configs, original_flags
from official.run.errors import RunError
from official.train import __main__ as train_command
from official.train import best_checkpoints, cycles


def save(folder, step):
    for suffix in ("index", "data-00000-of-00001"):
        (folder / f"model.ckpt-{step}.{suffix}").write_text(f"{step} {suffix}")
    return f"model.ckpt-{step}"


def test_the_best_stay_and_the_earlier_of_equals(tmp_path):
    kept = []
    for step, score in ((5, 0.5), (10, 0.7), (15, 0.5), (20, 0.6), (25, 0.9), (30, 0.1)):
        best_checkpoints.keep_best(str(tmp_path), save(tmp_path, step), score, 2)
        kept.append({int(p.stem.split("-")[1]) for p in (tmp_path / "best").glob("*.index")})
    assert kept == [{5}, {5, 10}, {5, 10}, {10, 20}, {10, 25}, {10, 25}]
    listed = json.loads((tmp_path / "best/best_checkpoints").read_text())
    assert listed == {"model.ckpt-25": 0.9, "model.ckpt-10": 0.7}
    assert (tmp_path / "best/model.ckpt-25.index").read_text() == "25 index"
    # The manager's deletion of a checkpoint leaves the one put aside.
    (tmp_path / "model.ckpt-25.index").unlink()
    assert (tmp_path / "best/model.ckpt-25.index").exists()
    assert len(list((tmp_path / "best").iterdir())) == 5


def test_a_step_that_is_scored_again_counts_once(tmp_path):
    for score in (0.5, 0.4):
        best_checkpoints.keep_best(str(tmp_path), save(tmp_path, 5), score, 3)
    listed = json.loads((tmp_path / "best/best_checkpoints").read_text())
    assert listed == {"model.ckpt-5": 0.4}


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        (["--epochs_between_evals=4"], [4, 8, 10]),
        (["--epochs_between_evals=4", "--ratio_fine_eval=0.6"], [4, 7, 8, 9, 10]),
        # The original's cycles of 4, 4 and 2 epochs: 6 falls into the second one.
        (
            ["--epochs_between_evals=4", "--ratio_fine_eval=0.6", "--original_cycles"],
            [4, 5, 6, 7, 8, 9, 10],
        ),
        (["--epochs_between_evals=4", "--ratio_fine_eval=0.8", "--original_cycles"], [4, 8, 9, 10]),
        (["--epochs_between_evals=4", "--original_cycles"], [4, 8, 10]),
        (["--epochs_between_evals=5", "--ratio_fine_eval=0"], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ],
)
def test_epochs_that_are_scored(arguments, wanted, call_command):
    found = call_command(
        train_command,
        "--train_epochs=10",
        "--model_dir=m",
        *arguments,
        function=lambda: cycles.evaluation_epochs(10, 10, configs.run_options()),
    )
    assert found == wanted


def test_flags_of_the_original_that_are_not_built(call_command):
    refused, ignored, smoothing = call_command(
        train_command, "--zeroshot_eval", "--synth=False", "--lblsm=0.2", "--use_hyperdash",
        "--inter=2", "--label_file=x",
        function=lambda: (
            original_flags.refused(), original_flags.ignored(), FLAGS.label_smoothing
        ),
    )  # fmt: skip
    assert [line.split(":")[0] for line in refused] == ["--zeroshot_eval=True"]
    assert {line.split(" is ignored")[0] for line in ignored} == {
        "--use_hyperdash", "--inter_op_parallelism_threads", "--label_file", "--use_synthetic_data",
    }  # fmt: skip
    assert smoothing == 0.2


def test_a_wrong_value_is_one_error(call_command, tmp_path):
    with pytest.raises(RunError, match="exclude each other"):
        call_command(train_command, "--eval_only", "--export_only", f"--model_dir={tmp_path}")
