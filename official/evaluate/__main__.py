"""Scores a trained network on every image of a split; writes evaluation.json and report/.

    python -m official.evaluate --model_dir DIR [--data_dir DIR] [--val_regex 'test-*']

Architecture, preprocessing and data are those of the run, so no model flags are needed. Records of
other folders are matched with the run's classes by name (labels.txt).

MODEL_DIR/report/ has a page to look at (report.html, one file), a picture (report.png) and all
numbers (report.json): confusion, classes, the worst mistakes with what the network looks at,
calibration, training, speed, commands.

Scores of corrupted images (mCE) and of retrieval (recall at 1) do not exist yet.
"""

import os

from absl import flags

from official.command import flags as run_flags
from official.command import program
from official.evaluate import evaluation, views
from official.report import findings
from official.run.configuration import ON_BAD_RECORD
from official.run.folder import REPORT

FLAGS = flags.FLAGS


def main() -> None:
    """Scores, prints and records."""
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
    if FLAGS.report:
        folder = FLAGS.report_dir or os.path.join(FLAGS.model_dir, REPORT)
        print(f"report: {findings.report(folder, FLAGS.model_dir, scored)}")


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
    flags.DEFINE_boolean("report", True, "Write the report, too; the score is written before.")
    flags.DEFINE_string("report_dir", "", "Where the report goes; default: MODEL_DIR/report.")
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("model_dir",))
