"""Imports weights: of the original, Keras, torchvision or timm; a MODEL_DIR comes out.

    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --infer
    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --num_classes=N FLAGS
    python -m official.import_checkpoint --checkpoint=model.safetensors --model_dir=DIR
    python -m official.import_checkpoint --checkpoint=keras:ResNet50 --model_dir=DIR

where FLAGS are model flags, or --model=NAME. A flag that is given wins over what --infer sees. Of
others' weights (.safetensors, .pth, .bin, .h5, .keras, TensorFlow.js) the network and the way
images are prepared are always found.

Every variable must find its place: one that is missing, left over or of another shape is an error
that lists them all. The MODEL_DIR is taken by evaluate, export, and by train with
--pretrained_model_checkpoint_path. MODEL_DIR/import.json records what came from where.
"""

import dataclasses
import sys

from absl import flags

from datasets import catalog
from datasets.records import reader
from nets import ModelConfig
from official.checkpoints import choosing, importing, sources
from official.checkpoints.foreign import ForeignWeights
from official.checkpoints.sources import Weights
from official.command import configs, original_flags, program
from official.command import flags as run_flags
from official.run.classes import agreed
from official.run.configuration import RunConfig
from official.run.errors import RunError, refusals

FLAGS = flags.FLAGS


def main() -> None:
    """Imports as the flags say."""
    importing.require_free(FLAGS.model_dir, FLAGS.clean)
    checkpoint = sources.read(FLAGS.checkpoint, FLAGS["from"].value, FLAGS.use_moving_averages)
    config, remarks = resolve(checkpoint)
    print("\n".join(remarks), file=sys.stderr)
    record = importing.import_checkpoint(checkpoint, config, FLAGS.model_dir, FLAGS.clean)
    print(importing.describe(record, FLAGS.table))
    print(f"wrote {FLAGS.model_dir}; next: python -m official.evaluate --model_dir "
          f"{FLAGS.model_dir} --data_dir DIR")  # fmt: skip


def resolve_model(checkpoint: Weights) -> tuple[ModelConfig, list[str]]:
    """Returns the network that flags, and with --infer the variables, describe; and remarks."""
    foreign = isinstance(checkpoint, ForeignWeights)
    classes = _num_classes(checkpoint, FLAGS.infer or foreign)
    with refusals():
        if not foreign and (FLAGS.model or not FLAGS.infer):
            return configs.model_config(classes), []
        given = configs.given_model_fields()
        return choosing.network_of(checkpoint, FLAGS.model, given, classes)


def _num_classes(checkpoint: Weights, infer: bool) -> int:
    """Returns the number of classes: the flag's, the catalogue's, or with `infer` the network's."""
    known = {}
    if FLAGS.num_classes:
        known["--num_classes"] = FLAGS.num_classes
    if FLAGS.dataset_name:
        known[f"--dataset_name={FLAGS.dataset_name}"] = catalog.get(FLAGS.dataset_name).num_classes
    shape = next((s for n, s in checkpoint.shapes.items() if n.endswith("/dense/kernel")), None)
    if infer and shape is None:
        raise RunError(
            f"{checkpoint.prefix} has no classifier, so it answers nothing yet. Take the file with "
            "its top, or fine-tune: python -m official.train "
            f"--pretrained_model_checkpoint_path={FLAGS.checkpoint} --data_dir=DIR --model_dir=NEW"
        )
    if known:
        return agreed(known)
    if infer:
        return shape[-1]
    there = f" The checkpoint has {shape[-1]}." if shape else ""
    raise RunError(f"--num_classes, --dataset_name or --infer must be given.{there}")


def resolve(checkpoint: Weights) -> tuple[RunConfig, list[str]]:
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
    fields, origin = choosing.preprocessing_fields(
        checkpoint, model, FLAGS.model, configs.given_preprocessing_fields()
    )
    with refusals():
        config = RunConfig(
            model=model,
            preprocessing=dataclasses.replace(configs.preprocessing_config(), **fields),
            recipe=configs.recipe_config(),
            data=configs.data_config(num_classes=model.num_classes),
        )
    if config.recipe.use_dropblock != model.use_dropblock:
        recipe = dataclasses.replace(config.recipe, use_dropblock=model.use_dropblock)
        config = dataclasses.replace(config, recipe=recipe)
    return config, [
        *remarks,
        f"images: {choosing.describe_images(config.preprocessing)} ({origin})",
    ]


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string(
        "checkpoint",
        "",
        "What to import. A TensorFlow 1 checkpoint of the original: its prefix, such as "
        "DIR/model.ckpt-120, or its folder (a meta graph is not needed). A ResNet of torchvision "
        "or timm: .safetensors, or .pth and .bin where PyTorch is installed. One of Keras: .h5, "
        ".keras, TensorFlow.js, or keras:ResNet50 (ResNet101, ResNet152), which is downloaded.",
    )
    flags.DEFINE_enum(
        "from", "auto", sources.KINDS, "Whose weights these are; timm: torchvision's, too."
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
