"""The commands that make a row: of the rows that it needs, and its own."""

import dataclasses
import os
import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from datasets import catalog
from datasets.errors import DatasetError
from datasets.records import reader, schema
from official.rows import registry
from official.rows.registry import Row
from official.run import configuration, files, ownership
from official.run.configuration import DataConfig
from official.run.errors import RunError
from official.run.folder import BENCHMARK_FILE, TRAINING_LOG

EXPORT = "export"
_ROBUSTNESS = {"mCE": "c", "mFR": "p"}


class Step(NamedTuple):
    """One command.

    Attributes:
      module: such as official.train.
      arguments: its words.
      output: the file that its standard output is added to; empty: shown.
      row: the row that it is of.
    """

    module: str
    arguments: tuple[str, ...]
    output: str = ""
    row: str = ""

    def __str__(self) -> str:
        """Returns the command as it can be typed."""
        words = shlex.join(["python", "-m", self.module, *self.arguments])
        return f"{words} >> {shlex.quote(self.output)}" if self.output else words


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are.

    Attributes:
      runs_dir: folder of the runs of rows, RUNS_DIR/table7/E0.
      model_dir: folder of the row's own run; empty: in `runs_dir`.
      data_dirs: folders of TFRecords by name in the catalogue.
      teacher: what `official.distill --teacher` takes, in place of the stand-in of each row.
      planned: whether a folder of TFRecords that is not known is shown as a name.
    """

    runs_dir: str
    model_dir: str = ""
    data_dirs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    planned: bool = False
    teacher: str = ""

    def run_of(self, row: Row) -> str:
        """Returns the folder of a row's run when another row needs it."""
        return os.path.join(self.runs_dir, row.training.name)

    def data_of(self, row: Row) -> str:
        """Returns the folder of a row's TFRecords; raises RunError where it is not known."""
        known = self.data_dirs.get(row.dataset)
        variable = f"DATA_DIR_{row.dataset.upper()}"
        if known or self.planned:
            return known or variable
        raise RunError(
            f"{row.name} needs TFRecords of {row.dataset}: give --data_dir=DIR or DATA_DIR=DIR in "
            f"the environment if it is the row itself, {variable}=DIR if another row needs it. "
            f"scripts/rows.sh needs {row.name} says more."
        )


def steps(row: Row, places: Places, further: tuple[str, ...] = ()) -> list[Step]:
    """Returns all that makes a row and its scores, what it needs first.

    Rows that it needs and that are trained are left out.

    Args:
      row: what is made.
      places: where things are.
      further: words that go behind the flags of the row's own training.
    """
    return [*trainings(row, places, further), *_measures(row, places)]


def trainings(row: Row, places: Places, further: tuple[str, ...] = ()) -> list[Step]:
    """Returns the trainings of the rows that a row needs, those that are not done, and its own."""
    found: list[Step] = []
    given = {word.lstrip("-").partition("=")[0] for word in further}
    data_dir = places.data_of(row)
    if row.teacher and "teacher" not in given and not _hold_logits(data_dir):
        teacher = places.teacher or row.teacher.stand_in
        taught = _distilled(row, places, teacher)
        words = (f"--teacher={teacher}", f"--data_dir={data_dir}", f"--output_dir={taught}")
        found.append(Step("official.distill", words, row=row.name))
        data_dir = taught
    words = (f"--flagfile={_shown(str(row.flags_file))}", f"--data_dir={data_dir}")
    words = (*words, f"--model_dir={places.model_dir or places.run_of(row)}")
    for flag, name in row.needs.items():
        if flag in given:
            continue  # Something else takes its place.
        other = registry.get(name)
        if not is_trained(places.run_of(other)):
            found += trainings(other, dataclasses.replace(places, model_dir=""))
        words = (*words, f"--{flag}={places.run_of(other)}")
    return [*found, Step("official.train", (*words, *further), row=row.name)]


def _distilled(row: Row, places: Places, teacher: str) -> str:
    """Returns the folder of a data set's records with the logits of a teacher."""
    name = re.sub(r"[^\w.-]+", "_", teacher).strip("_")
    return os.path.join(places.runs_dir, "distilled", f"{row.dataset}-{name}")


def _hold_logits(data_dir: str) -> bool:
    """Whether records are there and the first has a teacher's logits."""
    try:
        split = reader.find_split(data_dir, DataConfig.train_regex, allow_damage=True)
    except DatasetError:
        return False
    record = next(iter(reader.read_records(split, skip_damage=True).take(1)), None)
    return record is not None and int(schema.count_logits(record["serialized"])) > 0


def _measures(row: Row, places: Places) -> list[Step]:
    """Returns what is done with a trained row: scores, export, throughput, a page of all."""
    model_dir = places.model_dir or places.run_of(row)
    run = f"--model_dir={model_dir}"
    export = os.path.join(model_dir, EXPORT)
    output = os.path.join(model_dir, BENCHMARK_FILE)
    # What was held out is what the table prints, where there is such a split.
    tested = ("--val_regex=test-*",) if catalog.get(row.dataset).num_test_images else ()
    # Scores of robustness have a command of their own.
    kinds = [kind for score, kind in _ROBUSTNESS.items() if row.paper.get(score) is not None]
    return [
        Step("official.evaluate", (run, *tested)),
        *(Step("official.evaluate", (run, f"--robustness={kind}")) for kind in kinds),
        Step("official.export", (run, f"--export_dir={export}")),
        Step("official.benchmark", (f"--saved_model={export}", "--batch_size=64"), output),
        Step("official.report", (run, f"--name={row.name}", f"--benchmark={output}")),
    ]


def _shown(path: str) -> str:
    """Returns a path, short where it lies below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def is_trained(model_dir: str) -> bool:
    """Whether a run has all its epochs."""
    if not ownership.is_run(model_dir):
        return False
    epochs = files.read_json_lines(os.path.join(model_dir, TRAINING_LOG))
    wanted = configuration.load(model_dir).recipe.train_epochs
    return bool(epochs) and epochs[-1]["epoch"] >= wanted
