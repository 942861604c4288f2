"""Trains a network on each part of the data but one, and scores it on that one.

    python -m official.cross_validate --data_dir DIR --work_dir DIR [--folds 5] [training flags]

The records of training and validation are taken together. WORK_DIR/folds/N are links to their
shards, WORK_DIR/runs/N the runs; both are gone on with where they stopped. Prints the score of each
fold, their mean and their deviation, and writes WORK_DIR/cross_validation.json.
"""

import os
import statistics

from absl import flags

from datasets.records import folds
from official.command import flags as run_flags
from official.command import program
from official.evaluate import recorded
from official.rows import running
from official.rows.chain import Step
from official.run import files

FLAGS = flags.FLAGS
RESULT = "cross_validation.json"


def main() -> None:
    """Trains and scores every fold, and sums up."""
    folders = folds.link(FLAGS.data_dir, os.path.join(FLAGS.work_dir, "folds"), FLAGS.folds)
    further = run_flags.given_training_flags(but=("data_dir", "model_dir"))
    runs = [os.path.join(FLAGS.work_dir, "runs", str(fold)) for fold in range(len(folders))]
    for folder, run in zip(folders, runs, strict=True):
        data, model = f"--data_dir={folder}", f"--model_dir={run}"
        running.run(
            [Step("official.train", (data, model, *further)), Step("official.evaluate", (model,))]
        )
    result = summary([recorded.last(run) or {} for run in runs])
    for fold, scored in enumerate(result["folds"]):
        print(f"fold {fold}: top-1 {100 * scored['top1']:.2f} % of {scored['images']} images")
    mean, deviation = (100 * result["top1"][name] for name in ("mean", "deviation"))
    print(f"top-1 {mean:.2f} % in the mean, deviation {deviation:.2f} between the folds")
    files.write_json(os.path.join(FLAGS.work_dir, RESULT), result)


def summary(scores: list[dict]) -> dict:
    """Returns the scores of the folds, and mean and standard deviation (n - 1) of each score."""
    kept = [{name: one[name] for name in ("images", "top1", "top5", "ece")} for one in scores]
    spread = {
        name: {
            "mean": statistics.mean(one[name] for one in kept),
            "deviation": statistics.stdev(one[name] for one in kept),
        }
        for name in ("top1", "top5", "ece")
    }
    return {"folds": kept, **spread}


def define_flags() -> None:
    """Defines the flags of this command and those of a training."""
    run_flags.define_training_flags()
    flags.DEFINE_string("work_dir", "", "Folder of the folds, the runs, and the result.")
    flags.DEFINE_integer("folds", 5, "Parts of the data.", lower_bound=2)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("data_dir", "work_dir"))
