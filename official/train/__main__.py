"""Trains a network: TFRecords in, checkpoints and scores out.

    python -m official.train --data_dir DIR --model_dir DIR [model, data, recipe flags]

A MODEL_DIR that has a checkpoint is continued where it stopped, with the same images that an
uninterrupted run would have seen. Flags of one run can stand in a file: --flagfile=FILE.
--pretrained_model_checkpoint_path=PATH, or --pretrained=PATH, starts a new one from other weights
(fine-tuning): of a run, the original, Keras, torchvision or timm, or imagenet, which is downloaded.
--print_config prints what would be trained, all of it worked out, as one JSON object, and ends.
"""

import dataclasses
import os
import shlex
import sys

import tensorflow as tf
from absl import flags

from official.checkpoints import choosing, downloads, from_run, sources
from official.command import configs, original_flags, program
from official.command import flags as run_flags
from official.evaluate import evaluation
from official.export import exporter
from official.run import checkpoint_files, configuration, devices, files, history
from official.run.configuration import RunConfig
from official.run.errors import RunError, refusals
from official.run.folder import CONFIG_FILE
from official.run.options import RunOptions
from official.train import loop, resolve

FLAGS = flags.FLAGS


def main() -> None:
    """Trains as the flags say, or does what --eval_only or --export_only ask for."""
    if FLAGS.print_config:
        print_config()
        return
    if not FLAGS.model_dir:
        raise RunError("--model_dir must be given; see --help.")
    if FLAGS.eval_only and FLAGS.export_only:
        raise RunError("--eval_only and --export_only exclude each other.")
    if FLAGS.eval_only:
        evaluate_run()
    elif not FLAGS.export_only:
        loop.run(*with_pretrained(configs.run_config(), configs.run_options()))
    if FLAGS.export_dir or FLAGS.export_only:
        export_run()


def print_config() -> None:
    """Prints the run that the flags describe as one JSON object; reads and writes nothing of it.

    With --dataset_name the counts are the catalogue's, and no data need be there. Weights that a
    training starts from, and that give it their network, are looked at where they are local.
    """
    if not FLAGS.model_dir:
        FLAGS.model_dir = "MODEL_DIR"
    config = resolve.planned(configs.run_config(from_catalogue=bool(FLAGS.dataset_name)))
    options = configs.run_options()
    path = options.pretrained_model_checkpoint_path
    if path and os.path.exists(path):
        config, options = with_pretrained(config, options)
    elif path:
        print(f"note: {path} was not looked at; the network is that of the flags", file=sys.stderr)
    follows = {
        "train_size": config.preprocessing.train_size,
        "eval_size": config.preprocessing.eval_size,
        "total_steps": config.recipe.total_steps(config.data.num_images),
    }
    print(files.as_json({**history.resolved(config, options), "follows": follows}), end="")


def with_pretrained(config: RunConfig, options: RunOptions) -> tuple[RunConfig, RunOptions]:
    """Returns the run with the network of the weights that it starts from, and their images.

    A run that has begun knows them; weights of the original change nothing.
    """
    path = options.pretrained_model_checkpoint_path
    begun = checkpoint_files.names_of_run(options.model_dir) and not options.clean
    if begun or not path:
        return config, options
    given = configs.given_model_fields(), configs.given_preprocessing_fields()
    if not sources.is_foreign(path):
        return _of_run(config, path, *given), options
    if path == downloads.IMAGENET and FLAGS.model:
        path = downloads.keras_name(FLAGS.model)
        options = dataclasses.replace(options, pretrained_model_checkpoint_path=path)
    with refusals():
        config, remarks = choosing.start_from(
            config,
            sources.read(path),
            FLAGS.model,
            *given,
        )
    print("\n".join(remarks), file=sys.stderr)
    return config, options


def _of_run(config: RunConfig, path: str, given: dict, given_preprocessing: dict) -> RunConfig:
    """Returns the run with the network of the MODEL_DIR whose weights are at `path`."""
    with refusals(f"--pretrained_model_checkpoint_path={path}: "):
        model_dir = from_run.model_dir_of(path)
        if model_dir is None:
            return config
        if FLAGS.model:
            given = {**from_run.architecture(config.model), **given}
        source = configuration.load(model_dir)
        config, remarks = from_run.start_from(config, source, model_dir, given, given_preprocessing)
    print("\n".join(remarks), file=sys.stderr)
    return config


def evaluate_run() -> None:
    """Scores the newest checkpoint of MODEL_DIR, as `python -m official.evaluate` does."""
    config, gpus = _finished_run(), FLAGS.num_gpus
    result = evaluation.evaluate(
        FLAGS.model_dir,
        data_dir=FLAGS.data_dir or config.data.data_dir,
        pattern=FLAGS.val_regex if FLAGS["val_regex"].present else "",
        batch_size=FLAGS.val_batch_size if FLAGS["val_batch_size"].present else 0,
        num_gpus=devices.placed_softly(gpus) if FLAGS.soft_placement else gpus,
        label_offset=FLAGS.label_offset if FLAGS["label_offset"].present else None,
    )
    evaluation.record(FLAGS.model_dir, result)


def export_run() -> None:
    """Exports the newest checkpoint of MODEL_DIR, as `python -m official.export` does."""
    if not FLAGS.export_dir:
        raise RunError("--export_only needs --export_dir, the folder of the versions.")
    _finished_run()
    options = configs.export_options()
    folder = exporter.export(
        FLAGS.model_dir, FLAGS.export_dir, data_dir=FLAGS.data_dir, options=options
    )
    print(f"exported {folder}")


def _finished_run() -> RunConfig:
    """Returns the configuration of MODEL_DIR; raises RunError if the flags given contradict it."""
    model_dir = FLAGS.model_dir
    path = os.path.join(model_dir, CONFIG_FILE)
    if not tf.io.gfile.exists(path) and checkpoint_files.names(model_dir):
        raise RunError(
            f"{model_dir} holds checkpoints but no {CONFIG_FILE}. Those of the original are "
            f"imported first: python -m official.import_checkpoint "
            f"--checkpoint={shlex.quote(model_dir)} --model_dir=NEW --infer"
        )
    config = configuration.load(model_dir)
    with refusals():
        wrong = configs.contradictions(config)
    if wrong:
        raise RunError(f"{path} says otherwise:\n  " + "\n  ".join(wrong))
    return config


def define_flags() -> None:
    """Defines the flags of this command and shows them in its --help."""
    run_flags.define_training_flags()
    flags.DEFINE_boolean(
        "print_config",
        False,
        "Do not train: print the resolved configuration as one JSON object. With --dataset_name "
        "the counts are the catalogue's, and no data need be there.",
    )
    flags.DEFINE_boolean("eval_only", False, "Do not train: score MODEL_DIR's newest checkpoint.")
    flags.DEFINE_boolean(
        "export_only", False, "Do not train: export MODEL_DIR's newest checkpoint to EXPORT_DIR."
    )
    flags.DEFINE_string(
        "export_dir",
        None,
        "Export there at the end, as `python -m official.export` does.",
        short_name="ed",
    )
    flags.DEFINE_enum(
        "export_decoder_type", "jpeg", ["jpeg", "png", "webp", "any"], "Images for --export_dir."
    )
    flags.adopt_module_key_flags(run_flags)
    flags.adopt_module_key_flags(original_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main)
