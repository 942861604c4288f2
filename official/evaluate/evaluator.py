"""Scores a trained network on every picture of a split; writes MODEL_DIR/evaluation.json.

    python -m official.evaluate --model_dir DIR [--data_dir DIR] [--val_regex 'test-*']

Architecture, preprocessing and data are those of the run, so no model flags are needed.
"""

import dataclasses
import os
import sys
import time

from absl import flags

import preprocessing
from datasets.records import reader
from official.command import flags as run_flags
from official.command import program
from official.evaluate import views
from official.input import bad_records, pipeline
from official.run import configuration, files, run
from official.train import callbacks, trainer

FLAGS = flags.FLAGS
EVALUATION_FILE = "evaluation.json"


def evaluate(
    model_dir: str,
    data_dir: str = "",
    pattern: str = "",
    checkpoint: str = "",
    batch_size: int = 0,
    num_gpus: int = -1,
    ten_crop: bool = False,
    test_scales: tuple[int, ...] = (),
    on_bad_record: str = "",
) -> dict:
    """Returns the scores of a run's checkpoint.

    Args:
      model_dir: folder of the run.
      data_dir: folder of TFRecords; default: the run's.
      pattern: glob of the shards; default: the run's --val_regex.
      checkpoint: prefix of a checkpoint; default: the newest.
      batch_size: pictures per batch; default: the run's --val_batch_size.
      num_gpus: see `command.strategy`.
      ten_crop: whether to average over ten crops of each picture.
      test_scales: shorter sides in pixels at which whole pictures are scored and averaged.
      on_bad_record: `fail` or `skip` where a record cannot be scored; default: the run's
        --on_bad_val_record.

    Returns:
      checkpoint, step, data_dir, val_regex, images, correct_top1, correct_top5, top1, top5, ece
      (shares in 0 to 1), cross_entropy, seconds; bad_records where they are skipped.

    Raises:
      RunError or DatasetError: no such run, checkpoint or data.
    """
    config = configuration.load(model_dir)
    data = dataclasses.replace(
        config.data,
        val_batch_size=batch_size or config.data.val_batch_size,
        on_bad_val_record=on_bad_record or config.data.on_bad_val_record,
    )
    config = dataclasses.replace(config, data=data)
    split = run.evaluation_split(config, data_dir, pattern)
    prepare = views.choose(config.preprocessing, ten_crop, test_scales)
    with program.strategy(num_gpus).scope():
        network = run.network_for_inference(config.model, run.input_shape(config))
        model = trainer.Trainer(network, config.recipe, total_steps=1)
        model.compile()
    path = run.restore_network(network, model_dir, checkpoint or None)
    if test_scales:
        # Whole pictures have different shapes, so each is a batch of its own.
        data = dataclasses.replace(config.data, val_batch_size=1)
        config = dataclasses.replace(config, data=data)
    with bad_records.named(config, None, split):
        scores, seconds = score(model, config, split, prepare)
    return {
        "checkpoint": os.path.basename(path),
        "step": run.checkpoint_step(path),
        "data_dir": data_dir or config.data.data_dir,
        "val_regex": pattern or config.data.val_regex,
        "views": views.describe(ten_crop, test_scales),
        **scores,
        "seconds": round(seconds, 2),
    }


def score(
    model: trainer.Trainer,
    config: configuration.RunConfig,
    split: reader.Split,
    prepare: pipeline.Prepare = preprocessing.eval_image,
) -> tuple[dict, float]:
    """Returns the scores over all of `split` and the seconds that it took.

    Where bad records are skipped, the scores hold their number as `bad_records`.

    Raises:
      RunError: another number of pictures was scored than the split holds, or fewer than
        `max_bad_records` allows.
    """
    start = time.monotonic()
    dataset = pipeline.evaluation_dataset(config, split, prepare)
    verbose = 1 if sys.stderr.isatty() else 0
    found = model.evaluate(dataset, verbose=verbose, return_dict=True)
    # Without a single picture there are no scores at all.
    images = int(found.get("images", 0))
    bad = split.num_examples - images
    if bad < 0 or (bad and config.data.on_bad_val_record == "fail"):
        raise configuration.RunError(
            f"{images} pictures were scored, but the shards hold {split.num_examples}."
        )
    bad_records.check_scored(config, split.num_examples, bad)
    scores = trainer.summarise(found)
    if config.data.on_bad_val_record == "skip":
        scores["bad_records"] = bad
    return scores, time.monotonic() - start


def main() -> None:
    """Scores, prints and records."""
    result = evaluate(
        FLAGS.model_dir,
        FLAGS.data_dir,
        FLAGS.val_regex,
        FLAGS.checkpoint,
        FLAGS.val_batch_size,
        FLAGS.num_gpus,
        FLAGS.ten_crop,
        views.scales(FLAGS.test_scales),
        FLAGS.on_bad_record or "",
    )
    record(FLAGS.model_dir, result)


def record(model_dir: str, result: dict) -> None:
    """Writes and prints what `evaluate` returned."""
    files.write_json(os.path.join(model_dir, EVALUATION_FILE), result)
    files.append_json_line(os.path.join(model_dir, callbacks.EVALUATION_LOG), result)
    print(
        f"{result['checkpoint']} on {result['images']} pictures ({result['val_regex']}): "
        f"top-1 {100 * result['top1']:.2f} %  top-5 {100 * result['top5']:.2f} %  "
        f"ECE {result['ece']:.4f}  cross entropy {result['cross_entropy']:.4f}  "
        f"({result['images'] / max(result['seconds'], 1e-9):.0f} images/s)"
    )
    if result.get("bad_records"):
        print(f"not scored: {result['bad_records']} bad records")


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_directory_flags()
    flags.DEFINE_string("val_regex", "", "Glob of the shards to score; default: the run's.")
    flags.DEFINE_string("checkpoint", "", "Prefix of a checkpoint; default: the newest.")
    flags.DEFINE_integer("val_batch_size", 0, "Pictures per batch; 0: the run's.", lower_bound=0)
    flags.DEFINE_integer(
        "num_gpus", -1, "GPUs to use; -1: all there are, 0: the CPU.", lower_bound=-1
    )
    flags.DEFINE_boolean(
        "ten_crop", False, "Average the probabilities over ten crops of each picture."
    )
    flags.DEFINE_list(
        "test_scales",
        [],
        "Score whole pictures at these shorter sides, such as 224,256,384,480,640, and average the "
        "probabilities (1512.03385); one picture at a time.",
    )
    flags.DEFINE_enum(
        "on_bad_record",
        None,
        configuration.ON_BAD_RECORD,
        "Records that cannot be scored: fail, or leave them out and say how many; default: the "
        "run's --on_bad_val_record, which is fail if nothing was said.",
    )
    flags.adopt_module_key_flags(run_flags)
