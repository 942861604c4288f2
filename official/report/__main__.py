"""Puts a finished run into one table and one picture.

    python -m official.report --model_dir DIR [--baseline_dir DIR] [--checkpoint best]
        [--saved_model DIR] [--benchmark FILE] --picture FILE.png

The table shows the scores of the last `python -m official.evaluate` of each run and the lines that
`python -m official.benchmark` wrote into FILE. The picture shows the training curves and, with
--saved_model, a sheet of evaluation photos with what the exported model says of them.
    python -m official.report --tables RUNS_DIR --output results

writes all tables of the paper with ours beside: Markdown, CSV, HTML and a plot of accuracy against
throughput. RUNS_DIR has a folder for each row, as scripts/rows.sh makes them (runs/table7/E11).

MODEL_DIR/report, the page that `python -m official.evaluate` wrote, gets the lines of FILE, too.
"""

import os
import shlex
import sys

from absl import flags

from official.command import program
from official.report import findings, report
from official.rows import results, tables
from official.rows.chain import Places
from official.run import files
from official.run.errors import RunError

FLAGS = flags.FLAGS


def main() -> None:
    """Prints the table and saves the picture, or writes the tables of the paper."""
    if FLAGS.tables:
        paper_tables()
        return
    if not FLAGS.model_dir:
        raise RunError("--model_dir or --tables must be given; see --help.")
    runs = [report.load(FLAGS.name, FLAGS.model_dir, FLAGS.checkpoint)]
    if FLAGS.baseline_dir:
        runs.append(report.load(FLAGS.baseline_name, FLAGS.baseline_dir, FLAGS.checkpoint))
    benchmarks = files.read_json_lines(FLAGS.benchmark) if FLAGS.benchmark else []
    print(report.table(runs, benchmarks))
    page = findings.add_throughput(FLAGS.model_dir, benchmarks) if benchmarks else ""
    if page:
        print(f"report, with these measurements: {page}", file=sys.stderr)
    if FLAGS.picture:
        report.draw(FLAGS.picture, runs, FLAGS.saved_model)
        print(f"picture: {FLAGS.picture}", file=sys.stderr)


def paper_tables() -> None:
    """Writes the tables of the paper with what the runs in a folder have reached."""
    if not os.path.isdir(FLAGS.tables):
        raise RunError(
            f"--tables={FLAGS.tables} is no folder; it must be that of the runs of rows, which "
            "scripts/rows.sh makes: runs, unless RUNS_DIR says otherwise."
        )
    command = shlex.join(
        ["python", "-m", "official.report", f"--tables={FLAGS.tables}", f"--output={FLAGS.output}"]
    )
    sheets = tables.sheets(Places(FLAGS.tables))
    for path in results.write(sheets, FLAGS.output, command):
        print(path)
    found = [cell for sheet in sheets for cell in sheet.cells.values() if cell.trained]
    here = sum(cell.here is not None for cell in found)
    print(f"{here} of {len(found)} scores of the paper's tables were run", file=sys.stderr)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("model_dir", "", "Folder of the run.")
    flags.DEFINE_string("tables", "", "Write the paper's tables; the folder of the runs of rows.")
    flags.DEFINE_string("output", "results", "For --tables: the folder that they are written to.")
    flags.DEFINE_string("name", "Assemble-ResNet", "Its name in the table.")
    flags.DEFINE_string("baseline_dir", "", "Folder of a run to compare with.")
    flags.DEFINE_string("baseline_name", "ResNet", "Its name in the table.")
    flags.DEFINE_string(
        "checkpoint",
        "",
        "Show the scores of that checkpoint, of each run: `best`, or a name such as "
        "model.ckpt-120; default: of the last evaluation.",
    )
    flags.DEFINE_string("saved_model", "", "Export of the run, for the sheet of photos.")
    flags.DEFINE_string("benchmark", "", "File with the JSON lines of official.benchmark.")
    flags.DEFINE_string("picture", "", "Where to save the picture (PNG).")


if __name__ == "__main__":
    define_flags()
    program.run(main)
