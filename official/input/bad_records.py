"""Keeps the account of bad training records: printed, written down, and limited.

MODEL_DIR/bad_records.jsonl has a line for each step at which records were left out: the step, how
many since the step before, and how many in all. A run that goes on needs the last number to find
its place among the records again.
"""

import os
import shlex
import sys

import tensorflow as tf

from datasets.records import reader
from official.input.examples import TrainingExample
from official.input.mixing import images_per_step
from official.input.search import SHOWN, find_bad
from official.run import files
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import BAD_RECORDS_LOG

# Where the run is still under way and signals wait for the end of the step.
_SHORT_SEARCH_SECONDS = 60.0


class SkippedRecords(tf.keras.callbacks.Callback):
    """Counts what `on_bad_record=skip` leaves out; ends the run when it is too much.

    Attributes:
      total: records left out since the run began.
    """

    def __init__(
        self,
        model_dir: str,
        config: RunConfig,
        split: reader.Split,
        validation: reader.Split,
        step: int,
    ):
        """Goes on with the account of `model_dir` at `step`."""
        super().__init__()
        self._path = os.path.join(model_dir, BAD_RECORDS_LOG)
        self._config = config
        self._split = split
        self._val_records = validation.num_examples
        self.total = total_until(model_dir, step)
        recipe = config.recipe
        self._per_step = images_per_step(recipe)
        self._steps_per_epoch = max(1, split.num_examples // recipe.batch_size)
        # Of the epoch in progress: its first step, what was left out before this fit, and in it.
        self._first_step = 0
        self._before = 0
        self._counted = 0
        self._scored = False

    @property
    def _step(self) -> int:
        return int(self.model.optimizer.iterations.numpy())

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the epoch's count, or goes on with that of an interrupted epoch."""
        self._counted, self._scored = round(float(self.model.sums["bad_records"].result())), False
        self._first_step = min(epoch * self._steps_per_epoch, self._step)
        before = _total_at(files.read_json_lines(self._path), self._first_step)
        self._before = self.total - before - self._counted

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Writes down what the step left out.

        Raises:
          RunError: more than the limit in this epoch.
        """
        count = round(float((logs or {}).get("bad_records", 0)))
        new = count - self._counted
        if not new:
            return
        self._counted = count
        self.total += new
        step = self._step
        files.append_json_line(self._path, {"step": step, "new": new, "total": self.total})
        count += self._before
        if count > self._limit(count):
            message = too_many(count, self._limit(count), step, self._config, self._split)
            raise RunError(message)

    def _limit(self, count: int) -> int:
        """Returns how many may be bad in this epoch so far; the flag is about one pass.

        An epoch can be more: with mixup type 1 it is two passes, and bad records are not trained
        on, so that others are read in their place.
        """
        records = self._split.num_examples
        read = self._per_step * (self._step - self._first_step) + count
        return int(self._config.data.bad_record_limit(records) * max(1.0, read / records))

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Notes that the epoch ends with a score."""
        self._scored = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the epoch's counts, if there are any.

        Raises:
          RunError: more validation records than the limit could not be scored.
        """
        count = self._before + self._counted
        if count:
            print(
                f"epoch {epoch + 1}: {count} bad records skipped (the run stops above "
                f"{self._limit(count)}); `{_verify(self._config)}` names them",
                file=sys.stderr,
            )
        if self._scored:
            missing = self._val_records - int((logs or {}).get("val_images", 0))
            if missing:
                print(
                    f"epoch {epoch + 1}: {missing} of {self._val_records} validation records are "
                    "bad and were not scored",
                    file=sys.stderr,
                )
            then = " The checkpoint is saved; the same command with --eval_only scores it then."
            check_scored(self._config, self._val_records, missing, then)


def check_scored(config: RunConfig, records: int, missing: int, then: str = "") -> None:
    """Raises `RunError` if so many validation records are missing that a score says nothing.

    The message ends with the sentence `then`.
    """
    limit = config.data.bad_record_limit(records)
    if missing > limit or missing == records:
        raise RunError(
            f"{missing} of {records} validation records are bad and were not scored, more than the "
            f"{limit} that --max_bad_records allows. Repair the data (`{_verify(config)}` "
            f"names what is wrong), correct --num_classes, or raise --max_bad_records.{then}"
        )


def _verify(config: RunConfig) -> str:
    """Returns the command that names what is wrong with the records, as it can be typed."""
    return f"python -m datasets.verify {shlex.quote(config.data.data_dir)}"


def total_until(model_dir: str, step: int) -> int:
    """Returns how many records a run left out up to `step`, and forgets the lines after it."""
    return _total_at(files.forget_after(os.path.join(model_dir, BAD_RECORDS_LOG), step), step)


def _total_at(lines: list[dict], step: int) -> int:
    """Returns how many records had been left out by `step`, from the lines of the account."""
    return max((line["total"] for line in lines if line["step"] <= step), default=0)


def too_many(count: int, limit: int, step: int, config: RunConfig, split: reader.Split) -> str:
    """Returns the error for too many bad records, with the first ones by name."""
    found, looked = find_bad(split, TrainingExample(config), SHOWN, _SHORT_SEARCH_SECONDS)
    shown = f" The first among {looked} records: " + "; ".join(found) + "." if found else ""
    return (
        f"{count} bad records were skipped in one epoch, more than the {limit} that "
        f"--max_bad_records allows, by step {step}.{shown} Repair the data "
        f"(`{_verify(config)}` names what is wrong), correct --num_classes, or raise "
        "--max_bad_records."
    )
