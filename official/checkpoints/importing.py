"""Imports a checkpoint of the original: TensorFlow 1 variables in, a MODEL_DIR out.

    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --infer
    python -m official.import_checkpoint --checkpoint=PREFIX --model_dir=DIR --num_classes=N FLAGS

where FLAGS are model flags, or --model=NAME. A flag that is given wins over what --infer sees.

Every variable must find its place: one that is missing, left over or of another shape is an error
that lists them all. The MODEL_DIR is taken by evaluate, export, and by train with
--pretrained_model_checkpoint_path. MODEL_DIR/import.json records what came from where.
"""

import dataclasses
import os
import sys
from typing import Any

import tensorflow as tf
from absl import flags

from datasets import catalog
from datasets.records import reader
from nets import NAMED_MODELS, ModelConfig, original_variable_names, variable_shapes
from official.checkpoints import infer_model, mapping
from official.checkpoints.original_checkpoint import IMPORT_FILE, OriginalCheckpoint, read
from official.command import flags as run_flags
from official.run import configuration, files, run
from official.run.configuration import DataConfig, RunConfig, RunError

FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The network that a checkpoint is imported into.

    Attributes:
      config: the network.
      remarks: lines for the user: what was seen in the variables, what was assumed.
    """

    config: ModelConfig
    remarks: tuple[str, ...] = ()


def import_checkpoint(
    checkpoint: OriginalCheckpoint, config: RunConfig, model_dir: str, clean: bool = False
) -> dict[str, Any]:
    """Writes a MODEL_DIR with the weights of a checkpoint.

    Args:
      checkpoint: of the original.
      config: the run that MODEL_DIR shall hold.
      model_dir: a folder that is new or empty.
      clean: delete what `model_dir` holds, if it is a run's, once the weights are mapped.

    Returns:
      What is recorded in import.json: checkpoint, step, mapped (original name -> shape),
      parameters, moving_averages, ignored (key -> reason).

    Raises:
      RunError: the folder is in use, or the variables are not those of the network.
    """
    _require_free(model_dir, clean)
    if os.path.abspath(checkpoint.prefix).startswith(os.path.abspath(model_dir) + os.sep):
        raise RunError(f"--checkpoint={checkpoint.prefix} is inside --model_dir={model_dir}.")
    shape = run.input_shape(config)
    wanted = variable_shapes(config.model, config.preprocessing.eval_size)
    mapping.require_match(checkpoint.prefix, checkpoint.shapes, wanted, config.model)
    network = run.network_for_inference(config.model, shape)
    variables = original_variable_names(network)
    mapping.assign(variables, checkpoint.values(list(variables)))
    averages = sorted(name for name, key in checkpoint.keys.items() if key != name)
    record = {
        "checkpoint": checkpoint.prefix,
        "step": checkpoint.step,
        "parameters": network.count_params(),
        "moving_averages": averages,
        "ignored": checkpoint.ignored,
        "mapped": {name: list(shape) for name, shape in wanted.items()},
    }
    _write(network, config, record, model_dir, clean)
    return record


def _require_free(model_dir: str, clean: bool) -> None:
    """Raises RunError if `model_dir` holds anything, unless it may be deleted."""
    if not tf.io.gfile.exists(model_dir):
        return
    if not tf.io.gfile.isdir(model_dir):
        raise RunError(f"--model_dir={model_dir} is a file; give a folder that is new or empty.")
    content = sorted(tf.io.gfile.listdir(model_dir))
    is_run = configuration.CONFIG_FILE in content
    if content and not (clean and is_run):
        help_with_it = "delete it with --clean" if is_run else "empty it yourself"
        raise RunError(
            f"--model_dir={model_dir} is not empty ({', '.join(content[:5])}"
            f"{', ...' if len(content) > 5 else ''}); nothing is overwritten. Choose a new folder "
            f"or {help_with_it}."
        )


def _write(
    network: tf.keras.Model, config: RunConfig, record: dict, model_dir: str, clean: bool
) -> None:
    """Writes the whole MODEL_DIR beside its place, then moves it there."""
    model_dir = model_dir.rstrip("/")
    unfinished = f"{model_dir}.unfinished-{os.getpid()}"
    try:
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(network=network), unfinished, 1, checkpoint_name=run.CHECKPOINT_NAME
        )
        manager.save(checkpoint_number=record["step"])
        config.save(unfinished)
        files.write_json(os.path.join(unfinished, IMPORT_FILE), record)
        if config.data.data_dir:
            run.save_labels(config.data.data_dir, unfinished, config.data.label_offset)
        if tf.io.gfile.exists(model_dir):
            _require_free(model_dir, clean)
            tf.io.gfile.rmtree(model_dir)
        tf.io.gfile.rename(unfinished, model_dir)
    except BaseException:
        if tf.io.gfile.exists(unfinished):
            tf.io.gfile.rmtree(unfinished)
        raise


def resolve_model(checkpoint: OriginalCheckpoint) -> Resolved:
    """Returns the network that the flags, and with --infer the variables, describe.

    A flag that was given wins over what --infer finds.

    Raises:
      RunError: flags that contradict each other or describe no network.
    """
    classes = _num_classes(checkpoint)
    try:
        if not FLAGS.infer:
            return Resolved(run_flags.model_config(classes))
        return _infer(checkpoint, classes)
    except ValueError as error:
        raise RunError(str(error)) from error


def _num_classes(checkpoint: OriginalCheckpoint) -> int:
    """Returns the number of classes: the flag's, the catalogue's, or with --infer the network's."""
    known = {}
    if FLAGS.num_classes:
        known["--num_classes"] = FLAGS.num_classes
    if FLAGS.dataset_name:
        known[f"--dataset_name={FLAGS.dataset_name}"] = catalog.get(FLAGS.dataset_name).num_classes
    if len(set(known.values())) > 1:
        said = ", ".join(f"{source} says {count}" for source, count in known.items())
        raise RunError(f"the number of classes is not clear: {said}.")
    if known:
        return next(iter(known.values()))
    shape = next((s for n, s in checkpoint.shapes.items() if n.endswith("/dense/kernel")), None)
    if FLAGS.infer:
        return shape[-1] if shape else 0
    there = f" The checkpoint has {shape[-1]}." if shape else ""
    raise RunError(f"--num_classes, --dataset_name or --infer must be given.{there}")


def _infer(checkpoint: OriginalCheckpoint, classes: int) -> Resolved:
    """Returns the network that the checkpoint's variables show.

    With --model they only give the number of classes.
    """
    if FLAGS.model:
        return Resolved(run_flags.model_config(classes))
    inferred = infer_model.infer(checkpoint.shapes)
    given = run_flags.given_model_fields()
    assumed = {k: v for k, v in inferred.assumed.items() if k not in given}
    if "anti_alias_type" in given:
        assumed = {}
    fields = {**inferred.fields, **assumed, **given, "num_classes": classes}
    config = ModelConfig.from_dict(fields)
    remarks = ["seen in the variables: " + infer_model.needed_flags(inferred.fields)]
    remarks += [f"  {field}: {reason}" for field, reason in inferred.reasons.items()]
    remarks.append("cannot be seen in variables; give the flags if these are wrong:")
    for field, meaning in infer_model.UNSEEN.items():
        if field in inferred.fields and field != "use_resnet_d":
            continue
        origin = "default"
        if field in given:
            origin = "given"
        elif field in assumed:
            origin = "assumed, as in the paper's networks with BigLittle and selective kernels"
        elif field in inferred.fields:
            origin = "from the stem"
        remarks.append(f"  --{field}={getattr(config, field)!r} ({origin}): {meaning}")
    names = infer_model.named_models_with(inferred.fields)
    if names:
        remarks.append(f"named networks with these variables: {', '.join(names)} (--model=NAME)")
    return Resolved(config, tuple(remarks))


def resolve(checkpoint: OriginalCheckpoint) -> tuple[RunConfig, tuple[str, ...]]:
    """Returns the run that MODEL_DIR shall hold, and remarks for the user.

    Raises:
      RunError: flags that describe no run.
    """
    model = resolve_model(checkpoint)
    data_dir = FLAGS.data_dir
    labels = reader.load_labels(data_dir) if data_dir else None
    if labels and len(labels) + FLAGS.label_offset != model.config.num_classes:
        raise RunError(
            f"{data_dir} has {len(labels)} class names, the network {model.config.num_classes} "
            f"classes. Where the records count from 0 and the network has a background class, give "
            f"--label_offset=1 (now {FLAGS.label_offset}); else leave --data_dir out."
        )
    if data_dir and "://" not in data_dir:
        data_dir = os.path.abspath(data_dir)
    preprocessing_type = _preprocessing_type(model.config)
    try:
        config = RunConfig(
            model=model.config,
            preprocessing=dataclasses.replace(
                run_flags.preprocessing_config(), preprocessing_type=preprocessing_type
            ),
            recipe=run_flags.recipe_config(),
            data=DataConfig(
                data_dir=data_dir,
                dataset_name=FLAGS.dataset_name or "",
                train_regex=FLAGS.train_regex,
                val_regex=FLAGS.val_regex,
                num_classes=model.config.num_classes,
                val_batch_size=FLAGS.val_batch_size,
                private_threads=FLAGS.datasets_num_private_threads,
                label_offset=FLAGS.label_offset,
            ),
        )
    except ValueError as error:
        raise RunError(str(error)) from error
    if config.recipe.use_dropblock != model.config.use_dropblock:
        recipe = dataclasses.replace(config.recipe, use_dropblock=model.config.use_dropblock)
        config = dataclasses.replace(config, recipe=recipe)
    size = config.preprocessing.eval_size
    chosen = preprocessing_type != FLAGS.preprocessing_type
    origin = " (as the paper evaluates this network)" if chosen else ""
    remark = f"pictures: --preprocessing_type={preprocessing_type}{origin}, evaluated at {size}"
    return config, (*model.remarks, remark)


def _preprocessing_type(config: ModelConfig) -> str:
    """Returns the flag's type, or where none is given the one that the paper evaluates with."""
    if FLAGS["preprocessing_type"].present or FLAGS["image_size"].present:
        return FLAGS.preprocessing_type
    if FLAGS.model in NAMED_MODELS:
        return NAMED_MODELS[FLAGS.model].preprocessing_type
    if config.big_little and config.use_sk_block:
        return "imagenet_224_256a" if config.resnet_size == 152 else "imagenet_224_256"
    return FLAGS.preprocessing_type


def describe(record: dict[str, Any], table: bool, names: dict[str, str]) -> str:
    """Returns the lines that say what was mapped and what was not.

    Args:
      record: of `import_checkpoint`.
      table: whether each variable gets a line.
      names: name of the variable here, by original name.
    """
    mapped = record["mapped"]
    lines = []
    if table:
        width = max(map(len, mapped))
        lines += [
            f"  {n.ljust(width)}  {str(tuple(s)).ljust(20)}  {names[n]}" for n, s in mapped.items()
        ]
    leaves: dict[str, int] = {}
    for name in mapped:
        leaf = name.rsplit("/", 1)[-1]
        leaves[leaf] = leaves.get(leaf, 0) + 1
    counts = ", ".join(f"{count} {leaf}" for leaf, count in leaves.items())
    lines.append(
        f"mapped {len(mapped)} variables, {record['parameters']:,} numbers ({counts}), "
        f"of {record['checkpoint']}, step {record['step']}"
    )
    if record["moving_averages"]:
        lines.append(f"  {len(record['moving_averages'])} of them from their moving averages")
    reasons: dict[str, list[str]] = {}
    for key, reason in record["ignored"].items():
        reasons.setdefault(reason, []).append(key)
    lines += [
        f"ignored {len(keys)}: {reason} ({min(keys)}{', ...' if len(keys) > 1 else ''})"
        for reason, keys in sorted(reasons.items())
    ]
    return "\n".join(lines)


def main() -> None:
    """Imports as the flags say."""
    _require_free(FLAGS.model_dir, FLAGS.clean)
    checkpoint = read(FLAGS.checkpoint, FLAGS.use_moving_averages)
    config, remarks = resolve(checkpoint)
    print("\n".join(remarks), file=sys.stderr)
    record = import_checkpoint(checkpoint, config, FLAGS.model_dir, FLAGS.clean)
    names = {name: name.split("/", 1)[1].replace("/", ".") for name in record["mapped"]}
    print(describe(record, FLAGS.table, names))
    print(f"wrote {FLAGS.model_dir}; next: python -m official.evaluate --model_dir "
          f"{FLAGS.model_dir} --data_dir DIR")  # fmt: skip


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
    run_flags.define_run_flags()
    flags.adopt_module_key_flags(run_flags)
