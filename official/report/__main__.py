"""Puts a finished run into one table and one picture.

    python -m official.report --model_dir DIR [--baseline_dir DIR] [--checkpoint best]
        [--saved_model DIR] [--benchmark FILE] --picture FILE.png

The table shows the scores of the last `python -m official.evaluate` of each run and the lines that
`python -m official.benchmark` wrote into FILE. The picture shows the training curves and, with
--saved_model, a sheet of evaluation photos with what the exported model says of them.
MODEL_DIR/report, the page that `python -m official.evaluate` wrote, gets the lines of FILE, too.
"""

import sys

from absl import flags

from official.command import program
from official.report import findings, report
from official.run import files

FLAGS = flags.FLAGS


def main() -> None:
    """Prints the table and saves the picture."""
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


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("model_dir", "", "Folder of the run.")
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
    program.run(main, required=("model_dir",))
