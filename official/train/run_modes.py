"""--eval_only and --export_only of `official.train`: the original's ways to score and to export.

`python -m official.evaluate` and `python -m official.export` do the same with fewer flags.
"""

import os

import tensorflow as tf
from absl import flags

from official.command import flags as run_flags
from official.evaluate import evaluator
from official.export import exporter
from official.run import configuration
from official.run.configuration import RunConfig, RunError

FLAGS = flags.FLAGS


def evaluate_run() -> None:
    """Scores the newest checkpoint of MODEL_DIR, as `python -m official.evaluate` does.

    Raises:
      RunError: there is no run, or flags say other things of it than its config.json.
    """
    model_dir = FLAGS.model_dir
    config = _finished_run(model_dir)
    pattern = FLAGS.val_regex if FLAGS["val_regex"].present else ""
    batch_size = FLAGS.val_batch_size if FLAGS["val_batch_size"].present else 0
    result = evaluator.evaluate(
        model_dir,
        data_dir=FLAGS.data_dir or config.data.data_dir,
        pattern=pattern,
        batch_size=batch_size,
        num_gpus=FLAGS.num_gpus,
    )
    evaluator.record(model_dir, result)


def export_run() -> None:
    """Exports the newest checkpoint of MODEL_DIR, as `python -m official.export` does.

    Raises:
      RunError: there is no run, no --export_dir, or flags that contradict the run's config.json.
    """
    if not FLAGS.export_dir:
        raise RunError("--export_only needs --export_dir, the folder of the versions.")
    _finished_run(FLAGS.model_dir)
    folder = exporter.export(
        FLAGS.model_dir,
        FLAGS.export_dir,
        data_dir=FLAGS.data_dir,
        decoder=FLAGS.export_decoder_type,
    )
    print(f"exported {folder}")


def _finished_run(model_dir: str) -> RunConfig:
    """Returns the configuration of a run, after a look whether the flags that were given fit it.

    Raises:
      RunError: there is no run, or the flags contradict it.
    """
    path = os.path.join(model_dir, configuration.CONFIG_FILE)
    if not tf.io.gfile.exists(path) and tf.io.gfile.glob(os.path.join(model_dir, "*.index")):
        raise RunError(
            f"{model_dir} holds checkpoints but no {configuration.CONFIG_FILE}. Those of the "
            "original are imported first: python -m official.import_checkpoint "
            f"--checkpoint={model_dir} --model_dir=NEW --infer"
        )
    config = configuration.load(model_dir)
    try:
        wrong = run_flags.contradictions(config)
    except ValueError as error:
        raise RunError(str(error)) from error
    if wrong:
        raise RunError(f"{path} says otherwise:\n  " + "\n  ".join(wrong))
    return config
