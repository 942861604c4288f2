"""Scores a trained network on every image of a split; writes evaluation.json and report/.

    python -m official.evaluate --model_dir DIR [--data_dir DIR] [--val_regex 'test-*']

Architecture, preprocessing and data are those of the run, so no model flags are needed. Records of
other folders are matched with the run's classes by name (labels.txt).

MODEL_DIR/predictions.csv has the answer to each record (`official.compare` takes two of them).
MODEL_DIR/report/ has a page to look at (report.html, one file), a picture (report.png) and all
numbers (report.json): confusion, classes, the worst mistakes with what the network looks at,
calibration, training, speed, commands.

On corrupted images, made of the records while they are scored, or read from a folder (mCE):

    python -m official.evaluate --robustness=c --model_dir DIR [--data_dir DIR]
    python -m official.evaluate --robustness=c --model_dir DIR --corrupted_dir DIR

MODEL_DIR/robustness/ has its scores (corruptions.json) and a heat map; a run that was stopped goes
on where it was. --robustness=p is how often the answer flips in sequences of frames (mFR).

Scores of retrieval (recall at 1) do not exist yet.
"""

import dataclasses
import os

from absl import flags

from official.command import configs, program
from official.command import flags as run_flags
from official.evaluate import evaluation, predictions, views
from official.report import findings
from official.robustness import corruptions, perturbations, scoring
from official.run.configuration import ON_BAD_RECORD
from official.run.errors import RunError
from official.run.folder import CORRUPTIONS_PICTURE, REPORT, ROBUSTNESS
from official.run.robustness import KINDS, RobustnessOptions

FLAGS = flags.FLAGS
# How strong a corruption is; sequences have one way only.
_STRENGTH = ("corruption_jpeg", "corruption_parameters")


def main() -> None:
    """Scores, prints and records."""
    if FLAGS.robustness:
        _robustness()
        return
    _refuse_idle()
    scored = evaluation.scored(
        FLAGS.model_dir,
        FLAGS.data_dir,
        FLAGS.val_regex,
        FLAGS.checkpoint,
        FLAGS.val_batch_size,
        FLAGS.num_gpus,
        FLAGS.ten_crop,
        views.scales(FLAGS.test_scales),
        FLAGS.on_bad_record or "",
        FLAGS.label_offset,
    )
    evaluation.record(FLAGS.model_dir, scored.result, scored.birth)
    predictions.write(FLAGS.model_dir, scored)
    if FLAGS.report:
        folder = FLAGS.report_dir or os.path.join(FLAGS.model_dir, REPORT)
        print(f"report: {findings.report(folder, FLAGS.model_dir, scored)}")


def _robustness() -> None:
    """Scores corrupted or moving images."""
    _refuse_idle()
    found = scoring.evaluate(
        FLAGS.model_dir,
        configs.robustness_options(),
        FLAGS.robustness,
        FLAGS.data_dir,
        FLAGS.val_regex,
        FLAGS.checkpoint,
        FLAGS.val_batch_size,
        FLAGS.num_gpus,
        FLAGS.on_bad_record or "",
        FLAGS.label_offset,
    )
    folder = os.path.join(FLAGS.model_dir, ROBUSTNESS)
    if FLAGS.robustness == "p":
        print(perturbations.table(found))
        print(f"all numbers: {folder}")
        return
    print(corruptions.table(found))
    print(corruptions.row(os.path.basename(os.path.abspath(FLAGS.model_dir)), found))
    print(f"all numbers: {folder}; the picture: {os.path.join(folder, CORRUPTIONS_PICTURE)}")


def _refuse_idle() -> None:
    """Raises RunError for a flag on the command line that has nothing to do in this evaluation."""
    kind, read = FLAGS.robustness, bool(FLAGS.corrupted_dir)
    idle: dict[str, str] = {}
    if kind:
        views_and_report = ("ten_crop", "test_scales", "report", "report_dir")
        idle |= dict.fromkeys(views_and_report, f"has no meaning with --robustness={kind}")
        others = ("perturbations",) if kind == "c" else ("corruptions", "severities", *_STRENGTH)
        idle |= dict.fromkeys(others, f"has no meaning with --robustness={kind}")
        if read:
            making = ("data_dir", "corruption_seed", "num_workers", *_STRENGTH)
            idle |= dict.fromkeys(making, "has no meaning with --corrupted_dir")
        else:
            idle["resize_corrupted"] = "needs --corrupted_dir"
    else:
        names = [field.name for field in dataclasses.fields(RobustnessOptions)]
        idle |= dict.fromkeys(names, "needs --robustness=c or p")
    for name, why in idle.items():
        if FLAGS[name].present:
            raise RunError(f"--{name} {why}: leave it out.")


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_directory_flags()
    flags.DEFINE_string("val_regex", "", "Glob of the shards to score; default: the run's.")
    flags.DEFINE_string(
        "checkpoint",
        "",
        "`best` (validation top-1), a name such as model.ckpt-120 in MODEL_DIR, or the prefix of a "
        "checkpoint; default: the newest.",
    )
    flags.DEFINE_integer("val_batch_size", 0, "Images per batch; 0: the run's.", lower_bound=0)
    run_flags.define_run_flags("num_gpus")
    flags.DEFINE_boolean(
        "ten_crop", False, "Average the probabilities over ten crops of each image."
    )
    flags.DEFINE_list(
        "test_scales",
        [],
        "Score whole images at these shorter sides, such as 224,256,384,480,640, and average the "
        "probabilities (1512.03385); one image at a time.",
    )
    flags.DEFINE_enum(
        "on_bad_record",
        None,
        ON_BAD_RECORD,
        "Records that cannot be scored: fail, or leave them out and say how many; default: the "
        "run's --on_bad_val_record, which is fail if nothing was said.",
    )
    flags.DEFINE_integer(
        "label_offset",
        None,
        "Added to the labels of the records; 1 where they count from 0 and the network has a "
        "background class at 0. Default: the run's. Classes with names are matched by name.",
    )
    flags.DEFINE_enum(
        "robustness",
        None,
        KINDS,
        "Score in place of the records c: corrupted images (mCE); p: moving ones (mFR).",
    )
    run_flags.define_robustness_flags()
    flags.DEFINE_boolean("report", True, "Write the report, too; the score is written before.")
    flags.DEFINE_string("report_dir", "", "Where the report goes; default: MODEL_DIR/report.")
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("model_dir",))
