"""Rows as a list: what the paper says, and where they stand here; what a row needs."""

import os

from official.rows import registry, scores
from official.rows.chain import Places, is_trained
from official.rows.registry import Row
from official.run import configuration, files, ownership
from official.run.folder import TRAINING_LOG

_UNITS = {
    "top1": "top-1 {} %", "top5": "top-5 {} %", "mCE": "mCE {}", "mFR": "mFR {}",
    "recall_at_1": "recall@1 {} %", "throughput": "{} images/s",
    "throughput_fp32": "{} images/s in FP32", "throughput_quantized": "{} quantised",
    "minutes_per_epoch": "{} minutes an epoch",
}  # fmt: skip

_KINDS = {"pretrained_model_checkpoint_path": "backbone", "teacher": "teacher"}


def numbers(row: Row) -> str:
    """Returns the paper's numbers of a row in words, such as `top-1 82.78 %, mCE 48.89`."""
    said = [_UNITS[score].format(value) for score, value in row.paper.items() if value is not None]
    return ", ".join(said) or "no number"


def title(row: Row) -> str:
    """Returns the first sentence of the row's flag file."""
    with open(row.flags_file, encoding="utf-8") as file:
        text = " ".join(line.removeprefix("#").strip() for line in file if line.startswith("#"))
    return text.partition(" Paper:")[0]


def table(places: Places) -> str:
    """Returns a line for each row: its script, the paper's numbers, how far its run is."""
    lines = []
    for row in registry.ROWS.values():
        own = f"as {row.training.name}; " if row.training is not row else ""
        lines.append(f"{row.name:42} {own}{numbers(row)}; here: {state(row, places)}")
    return "\n".join(lines)


def state(row: Row, places: Places) -> str:
    """Returns how far the run of a row is, in words."""
    model_dir = places.model_dir or places.run_of(row)
    if not ownership.is_run(model_dir):
        return "not run"
    if not is_trained(model_dir):
        epochs = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
        wanted = configuration.load(model_dir).recipe.train_epochs
        return f"epoch {epochs[-1]['epoch'] if epochs else 0} of {wanted}"
    found = scores.of(row, model_dir)
    if "top1" not in found:
        return "trained"
    remark = f" ({found['top1'].remark})" if found["top1"].remark else ""
    return f"top-1 {found['top1'].value:.2f} %{remark}"


def needs(row: Row, places: Places) -> list[str]:
    """Returns a line for each thing that must be there before the row, and what can be done."""
    where = places.data_dirs.get(row.dataset, "DATA_DIR")
    lines = [
        f"{row.name}: {title(row)}",
        f"  data      {where}: TFRecords that `python -m datasets.convert {row.dataset} "
        f"--raw_dir=DIR --output_dir={where}` makes",
    ]
    if {"mCE", "mFR"} & set(row.paper):
        lines.append("  packages  `pip install -e .[robustness]`, for mCE and mFR")
    if row.teacher:
        lines.append(
            f"  teacher   {row.teacher.name}: its logits in the TFRecords, or they are written by "
            f"`python -m official.distill --teacher={places.teacher or row.teacher.stand_in}` "
            f"(--distill_from=TEACHER: another one). {row.teacher.why}"
        )
    for flag, name in row.needs.items():
        other = registry.get(name)
        folder = places.run_of(other)
        lines.append(
            f"  {_KINDS[flag]:9} {other.script} -> {folder} ({state(other, places)}). "
            f"--{flag}=PATH takes another one"
        )
        lines += [f"    {line}" for line in needs(other, Places(places.runs_dir))]
    return lines
