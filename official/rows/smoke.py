"""A row in miniature: its configuration with few, small, made-up pictures, all of it in minutes."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

import tensorflow as tf

from official.rows import chain, made_up, registry
from official.rows.chain import Places, Step
from official.rows.registry import Row

# What makes a training small, whatever the row is.
_SMALL = (
    "--num_filters=16", "--batch_size=8", "--val_batch_size=16", "--train_epochs=1",
    "--epochs_between_evals=1", "--num_gpus=0",
)  # fmt: skip
_TRAIN_SIZE, _EVAL_SIZE = 32, 64
_PICTURES = f"--image_size={_TRAIN_SIZE}"
_TEACHER = "teacher"
_FEW_PERTURBATIONS = ("--perturbations=brightness",)
_WEIGHTS = "pretrained_model_checkpoint_path"

Call = Callable[[str, Sequence[str]], None]


def run(row: Row, call: Call, say: TextIO, further: tuple[str, ...] = (), keep: str = "") -> None:
    """Runs all that makes a row, small, in this process.

    Args:
      row: what is made.
      call: runs a command: a module and its words.
      say: where it is told what is done, and how long it took.
      further: words that go behind those that make the row's own training small.
      keep: folder of the runs and records; empty: one that is removed at the end.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="smoke-"))
        places = _places(row, folder)
        for step in _with_teacher(chain.steps(row, places), places):
            small = shrunk(step, further if step.row == row.name else ())
            print(f"\n== {small}", file=say, flush=True)
            start = time.monotonic()
            _run(small, call)
            print(f"   {time.monotonic() - start:.1f} s", file=say, flush=True)
    print(f"\n{row.name}: all done in {time.monotonic() - began:.0f} s", file=say)


def _places(row: Row, folder: str) -> Places:
    """Writes the data sets that a row and those that it needs read; returns where all is."""
    data_dirs: dict[str, str] = {}
    rows = with_needed(row)
    for one in rows:
        if one.dataset not in data_dirs:
            data_dirs[one.dataset] = os.path.join(folder, "records", one.dataset)
            made_up.write(one.dataset, data_dirs[one.dataset])
    runs = os.path.join(folder, "runs")
    return Places(runs, data_dirs=data_dirs, teacher=os.path.join(runs, _TEACHER))


def _with_teacher(steps: list[Step], places: Places) -> list[Step]:
    """Puts the training of a small teacher before the first step that distills from it."""
    for number, step in enumerate(steps):
        if step.module == "official.distill":
            data = next(word for word in step.arguments if word.startswith("--data_dir="))
            words = ("--model=resnet18", data, f"--model_dir={places.teacher}")
            return [*steps[:number], Step("official.train", (*words, *_SMALL, _PICTURES)),
                    *steps[number:]]  # fmt: skip
    return steps


def with_needed(row: Row) -> list[Row]:
    """Returns a row and all those that must be trained before it."""
    return [row, *(other for needed in row.needed for other in with_needed(needed))]


def shrunk(step: Step, further: tuple[str, ...] = ()) -> Step:
    """Returns a step that does the same with little work; `further` words of a training go last."""
    words = step.arguments
    if step.module == "official.train" and step.row:
        known = registry.get(step.row).flags
        # Downloaded weights are of a network of full width: such a row starts from nothing here.
        fresh = f"--{_WEIGHTS}=" if known.get(_WEIGHTS) == "imagenet" else ""
        words = (*words, *_SMALL, *small_pictures(known), *filter(None, [fresh]), *further)
    elif step.module == "official.distill":
        words = (*words, "--batch_size=8", "--num_gpus=0")
    elif "--robustness=c" in words:
        words = (*words, "--corruptions=gaussian_noise,contrast", "--severities=1")
    elif "--robustness=p" in words:
        words = (*words, *_FEW_PERTURBATIONS)
    elif step.module == "official.benchmark":
        words = (*(w for w in words if not w.startswith("--batch_size")), "--batch_size=2",
                 "--seconds=0.1")  # fmt: skip
    return step._replace(arguments=words)


def small_pictures(flags: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the flags that make pictures small: 32 pixels, 64 where evaluation has more."""
    kind = flags["preprocessing_type"]
    if kind == "imagenet":
        return (_PICTURES,)
    end = "a" if kind.endswith("a") else ""
    return (f"--preprocessing_type=imagenet_{_TRAIN_SIZE}{end}", f"--eval_image_size={_EVAL_SIZE}")


def _run(step: Step, call: Call) -> None:
    """Runs a step; its output goes where it says."""
    with contextlib.ExitStack() as stack:
        if step.output:
            file = stack.enter_context(open(step.output, "a", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(file))
        call(step.module, step.arguments)
    tf.keras.backend.clear_session()
