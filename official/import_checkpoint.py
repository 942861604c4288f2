"""Imports a checkpoint of the original: TensorFlow 1 variables in, a MODEL_DIR out.

    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --infer
    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --num_classes=N FLAGS

where FLAGS are model flags, or --model=NAME. A flag that is given wins over what --infer sees.

Every variable must find its place: one that is missing, left over or of another shape is an error
that lists them all. The MODEL_DIR is taken by evaluate, export, and by train with
--pretrained_model_checkpoint_path. MODEL_DIR/import.json records what came from where.
"""

import dataclasses
import sys

from absl import flags

from datasets import catalog
from datasets.records import reader
from nets import NAMED_MODELS, ModelConfig
from official.checkpoints import importing
from official.checkpoints.original_checkpoint import OriginalCheckpoint, read
from official.command import configs, original_flags, program
from official.command import flags as run_flags
from official.run.classes import agreed
from official.run.configuration import RunConfig
from official.run.errors import RunError, refusals

FLAGS = flags.FLAGS


def main() -> None:
    """Imports as the flags say."""
    importing.require_free(FLAGS.model_dir, FLAGS.clean)
    checkpoint = read(FLAGS.checkpoint, FLAGS.use_moving_averages)
    config, remarks = resolve(checkpoint)
    print("\n".join(remarks), file=sys.stderr)
    record = importing.import_checkpoint(checkpoint, config, FLAGS.model_dir, FLAGS.clean)
    print(importing.describe(record, FLAGS.table))
    print(f"wrote {FLAGS.model_dir}; next: python -m official.evaluate --model_dir "
          f"{FLAGS.model_dir} --data_dir DIR")  # fmt: skip


def resolve_model(checkpoint: OriginalCheckpoint) -> tuple[ModelConfig, list[str]]:
    """Returns the network that flags, and with --infer the variables, describe; and remarks."""
    classes = _num_classes(checkpoint)
    with refusals():
        if FLAGS.model or not FLAGS.infer:
            return configs.model_config(classes), []
        return importing.infer_network(checkpoint, configs.given_model_fields(), classes)


def _num_classes(checkpoint: OriginalCheckpoint) -> int:
    """Returns the number of classes: the flag's, the catalogue's, or with --infer the network's."""
    known = {}
    if FLAGS.num_classes:
        known["--num_classes"] = FLAGS.num_classes
    if FLAGS.dataset_name:
        known[f"--dataset_name={FLAGS.dataset_name}"] = catalog.get(FLAGS.dataset_name).num_classes
    if known:
        return agreed(known)
    shape = next((s for n, s in checkpoint.shapes.items() if n.endswith("/dense/kernel")), None)
    if FLAGS.infer:
        return shape[-1] if shape else 0
    there = f" The checkpoint has {shape[-1]}." if shape else ""
    raise RunError(f"--num_classes, --dataset_name or --infer must be given.{there}")


def resolve(checkpoint: OriginalCheckpoint) -> tuple[RunConfig, list[str]]:
    """Returns the run that MODEL_DIR shall hold, and remarks for the user."""
    model, remarks = resolve_model(checkpoint)
    data_dir = FLAGS.data_dir
    labels = reader.load_labels(data_dir) if data_dir else None
    if labels and len(labels) + FLAGS.label_offset != model.num_classes:
        raise RunError(
            f"{data_dir} has {len(labels)} class names, the network {model.num_classes} "
            f"classes. Where the records count from 0 and the network has a background class, give "
            f"--label_offset=1 (now {FLAGS.label_offset}); else leave --data_dir out."
        )
    preprocessing_type = _preprocessing_type(model)
    with refusals():
        config = RunConfig(
            model=model,
            preprocessing=dataclasses.replace(
                configs.preprocessing_config(), preprocessing_type=preprocessing_type
            ),
            recipe=configs.recipe_config(),
            data=configs.data_config(num_classes=model.num_classes),
        )
    if config.recipe.use_dropblock != model.use_dropblock:
        recipe = dataclasses.replace(config.recipe, use_dropblock=model.use_dropblock)
        config = dataclasses.replace(config, recipe=recipe)
    size = config.preprocessing.eval_size
    chosen = preprocessing_type != FLAGS.preprocessing_type
    origin = " (as the paper evaluates this network)" if chosen else ""
    remark = f"images: --preprocessing_type={preprocessing_type}{origin}, evaluated at {size}"
    return config, [*remarks, remark]


def _preprocessing_type(config: ModelConfig) -> str:
    """Returns the flag's type, or where none is given the one that the paper evaluates with."""
    if FLAGS["preprocessing_type"].present or FLAGS["image_size"].present:
        return FLAGS.preprocessing_type
    if FLAGS.model in NAMED_MODELS:
        return NAMED_MODELS[FLAGS.model].preprocessing_type
    if config.big_little and config.use_sk_block:
        return "imagenet_224_256a" if config.resnet_size == 152 else "imagenet_224_256"
    return FLAGS.preprocessing_type


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string(
        "checkpoint",
        "",
        "TensorFlow 1 checkpoint of the original: its prefix, such as DIR/model.ckpt-120, or its "
        "folder. A meta graph is not needed.",
    )
    flags.DEFINE_boolean("infer", False, "Find the model flags in the checkpoint's variables.")
    flags.DEFINE_boolean(
        "use_moving_averages", False, "Take exponential moving averages where there are any."
    )
    flags.DEFINE_boolean("table", False, "Print a line for each variable.")
    run_flags.define_directory_flags()
    run_flags.define_data_flags()
    run_flags.define_model_flags()
    run_flags.define_recipe_flags()
    run_flags.define_run_flags(
        "clean", "num_gpus", "save_checkpoints_epochs", "keep_checkpoint_max", "max_train_steps",
        "epochs_between_evals", "patience", "deterministic", "keep_freed_memory",
    )  # fmt: skip
    original_flags.define()
    flags.adopt_module_key_flags(run_flags)
    flags.adopt_module_key_flags(original_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("checkpoint", "model_dir"))
