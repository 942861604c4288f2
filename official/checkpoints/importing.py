"""Imports a checkpoint of the original: TensorFlow 1 variables in, a MODEL_DIR out."""

import collections
import os
import sys
from typing import Any

import tensorflow as tf

from nets import ModelConfig, original_variable_names, variable_shapes
from official.checkpoints import infer_model, mapping
from official.checkpoints.original_checkpoint import OriginalCheckpoint
from official.run import checkpoint_files, files, history, lock, ownership, paths
from official.run.classes import save_labels
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import CHECKPOINT_NAME, IMPORT_FILE, LOCK_FILE, UNFINISHED
from official.run.network import input_shape, network_for_inference


def import_checkpoint(
    checkpoint: OriginalCheckpoint, config: RunConfig, model_dir: str, clean: bool = False
) -> dict[str, Any]:
    """Writes a MODEL_DIR with the weights of a checkpoint.

    It must be new or empty; with `clean` the run that it holds is removed once the weights are
    mapped and written; files that are not of that run stay.

    Returns:
      What is recorded in import.json: checkpoint, step, mapped (original name -> shape),
      parameters, moving_averages, ignored (key -> reason).

    Raises:
      RunError: the folder is in use, or the variables are not those of the network.
    """
    require_free(model_dir, clean)
    ownership.require_apart(
        "model_dir",
        model_dir,
        removed=clean,
        checkpoint=checkpoint.prefix,
        data_dir=config.data.data_dir,
    )
    shape = input_shape(config)
    wanted = variable_shapes(config.model, config.preprocessing.eval_size)
    mapping.require_match(checkpoint.prefix, checkpoint.shapes, wanted, config.model)
    network = network_for_inference(config.model, shape)
    variables = original_variable_names(network)
    for name, value in checkpoint.values(list(variables)).items():
        variables[name].assign(value)
    averages = sorted(name for name, key in checkpoint.keys.items() if key != name)
    record = {
        "checkpoint": paths.absolute(checkpoint.prefix),
        "step": checkpoint.step,
        "parameters": network.count_params(),
        "moving_averages": averages,
        "ignored": checkpoint.ignored,
        "mapped": {name: list(shape) for name, shape in wanted.items()},
    }
    _write(network, config, record, model_dir, clean)
    return record


def require_free(model_dir: str, clean: bool) -> None:
    """Raises RunError if `model_dir` holds anything, unless it may be deleted."""
    if not tf.io.gfile.exists(model_dir):
        return
    if not tf.io.gfile.isdir(model_dir):
        raise RunError(f"--model_dir={model_dir} is a file; give a folder that is new or empty.")
    content = [n for n in paths.list_names(model_dir) if n not in (LOCK_FILE, UNFINISHED)]
    is_run = ownership.is_run(model_dir)
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
    """Writes all of a run in a folder of its own, then moves it to its place in MODEL_DIR."""
    unfinished = os.path.join(model_dir, UNFINISHED)
    with lock.hold(model_dir):
        require_free(model_dir, clean)
        try:
            name = f"{CHECKPOINT_NAME}-{record['step']}"
            checkpoint_files.write(tf.train.Checkpoint(network=network), unfinished, name)
            history.write(unfinished, config, step=record["step"])
            files.write_json(os.path.join(unfinished, IMPORT_FILE), record)
            if config.data.data_dir:
                save_labels(config.data.data_dir, unfinished, config.data.label_offset)
            foreign = ownership.clean(model_dir)
            for path in ownership.written(unfinished):
                tf.io.gfile.rename(os.path.join(unfinished, path), os.path.join(model_dir, path))
            paths.sync(model_dir)
        finally:
            if tf.io.gfile.exists(unfinished):
                tf.io.gfile.rmtree(unfinished)
    if foreign:
        print(f"note: {ownership.describe_foreign(model_dir, foreign)}", file=sys.stderr)


def infer_network(
    checkpoint: OriginalCheckpoint, given: dict[str, Any], classes: int
) -> tuple[ModelConfig, list[str]]:
    """Returns the network that the checkpoint's variables show, and what was seen and assumed.

    Fields of `ModelConfig` that are `given` win over what is seen.

    Raises:
      RunError or ValueError: variables of no known network, or fields that contradict each other.
    """
    inferred = infer_model.infer(checkpoint.shapes)
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
    return config, remarks


def describe(record: dict[str, Any], table: bool) -> str:
    """Returns lines that say what was mapped and what not; with `table` one for each variable."""
    mapped = record["mapped"]
    lines = []
    if table:
        width = max(map(len, mapped))
        for name, shape in mapped.items():
            here = name.split("/", 1)[1].replace("/", ".")
            lines.append(f"  {name.ljust(width)}  {str(tuple(shape)).ljust(20)}  {here}")
    leaves = collections.Counter(name.rsplit("/", 1)[-1] for name in mapped)
    counts = ", ".join(f"{count} {leaf}" for leaf, count in leaves.items())
    lines.append(
        f"mapped {len(mapped)} variables, {record['parameters']:,} numbers ({counts}), "
        f"of {record['checkpoint']}, step {record['step']}"
    )
    if record["moving_averages"]:
        lines.append(f"  {len(record['moving_averages'])} of them from their moving averages")
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    for key, reason in record["ignored"].items():
        reasons[reason].append(key)
    lines += [
        f"ignored {len(keys)}: {reason} ({min(keys)}{', ...' if len(keys) > 1 else ''})"
        for reason, keys in sorted(reasons.items())
    ]
    return "\n".join(lines)
