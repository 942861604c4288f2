"""What the run of a row has reached: its scores, on what hardware, by which command."""

import json
import os
from typing import Any, NamedTuple

from official.evaluate import recorded
from official.rows.chain import is_trained
from official.rows.registry import Row
from official.run import files, history, ownership
from official.run.folder import (
    BENCHMARK_FILE,
    CONFIG_FILE,
    CORRUPTIONS_FILE,
    HISTORY_FILE,
    PERTURBATIONS_FILE,
    ROBUSTNESS,
)

# The batch at which the paper measures throughput.
_BATCH = 64


class Score(NamedTuple):
    """One number of a run.

    Attributes:
      value: in the paper's units: percent, images/s.
      hardware: what computed it.
      command: what gives it again.
      remark: what the run does otherwise than the row; empty: nothing.
    """

    value: float
    hardware: str
    command: str
    remark: str = ""


def of(row: Row, model_dir: str) -> dict[str, Score]:
    """Returns the scores of a row that its run has, by their names in the registry.

    mCE is the mean over all 19 corruptions, as the original's is, and that of Food-101 is not
    divided by AlexNet's, as in table 8. mFR is the mean over the ten perturbations.
    """
    if not ownership.is_run(model_dir):
        return {}
    config = files.read_json(os.path.join(model_dir, CONFIG_FILE))
    hardware = config["versions"].get("device", "not recorded")
    found = {**_evaluated(model_dir), **_robustness(row, model_dir)}
    found = {name: score._replace(hardware=hardware) for name, score in found.items()}
    begun = (files.read_json_lines(os.path.join(model_dir, HISTORY_FILE)) or [config])[0]
    trained = history.command_line(begun["command"])
    remark = _remark(row, begun["command"], model_dir)
    return {
        name: score._replace(command=f"{trained}; {score.command}", remark=remark)
        for name, score in (found | _throughput(model_dir)).items()
    }


def _remark(row: Row, command: list[str], model_dir: str) -> str:
    """Returns what a run does otherwise than its row: other flags, or fewer epochs."""
    remarks = []
    files_named = [word for word in command if word.startswith("--flagfile=")]
    if not [word for word in files_named if word.endswith(f"scripts/{row.training.name}.flags")]:
        remarks.append("not trained with the flags of the row")
    own = {"flagfile", "data_dir", "model_dir", *row.needs}
    names = [(word, word.lstrip("-").partition("=")[0]) for word in command[1:]]
    further = [word for word, name in names if name not in own]
    if further and not remarks:
        remarks.append(f"with {' '.join(further)}")
    if not is_trained(model_dir):
        remarks.append("not trained to its end")
    return "; ".join(remarks)


def _robustness(row: Row, model_dir: str) -> dict[str, Score]:
    """Returns mCE and mFR, of what was scored completely."""
    of_food = row.table == "table8_food101"
    found = {}
    for file, kind, name, key in (
        (CORRUPTIONS_FILE, "c", "mCE", "mean_error_19" if of_food else "mce_19"),
        (PERTURBATIONS_FILE, "p", "mFR", "mfr_10"),
    ):
        path = os.path.join(model_dir, ROBUSTNESS, file)
        value = files.read_json(path).get(key) if os.path.exists(path) else None
        if value is not None:
            command = f"python -m official.evaluate --robustness={kind} --model_dir={model_dir}"
            found[name] = Score(100 * value, "", command)
    return found


def _evaluated(model_dir: str) -> dict[str, Score]:
    """Returns top-1 and top-5 of the last evaluation."""
    result: dict[str, Any] = recorded.last(model_dir) or {}
    words = f"python -m official.evaluate --model_dir={model_dir}"
    words += f" --val_regex='{result['val_regex']}'" if result else ""
    return {
        name: Score(100 * result[name], "", words) for name in ("top1", "top5") if name in result
    }


def _throughput(model_dir: str) -> dict[str, Score]:
    """Returns the images per second of the exported network that were measured last."""
    lines = files.read_json_lines(os.path.join(model_dir, BENCHMARK_FILE))
    lines = [line for line in lines if line["batch_size"] == _BATCH]
    if not lines:
        return {}
    saved = json.dumps(lines[-1]["saved_model"])
    command = f"python -m official.benchmark --saved_model={saved} --batch_size={_BATCH}"
    return {"throughput": Score(lines[-1]["images_per_second"], lines[-1]["device"], command)}
