"""A training that starts from another run of this program: its network, and what it was fed."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from nets import ModelConfig, variable_shapes
from official.checkpoints import model_flags, original_checkpoint
from official.run import checkpoints, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE

# What belongs to a training, or to its classes, and not to the network that is taken over.
_NOT_TAKEN = {
    "num_classes", "final_bias", "seed", "bn_momentum", "zero_gamma", "use_dropblock",
    "dropblock_size", "dropblock_gamma_scales", "dropblock_keep_prob",
}  # fmt: skip
# What pixels a network expects; sizes are free.
_CONVENTIONS = ("channel_means", "crop_share", "interpolation")


def model_dir_of(path: str) -> str | None:
    """Returns the MODEL_DIR that a checkpoint belongs to; None for one of the original.

    Raises:
      RunError: there is no checkpoint, or nothing says of which network it is.
    """
    prefix = checkpoints.resolve_prefix(paths.absolute(path))
    return folder_of(prefix) if original_checkpoint.is_object_based(prefix) else None


def folder_of(prefix: str) -> str:
    """Returns the MODEL_DIR of a checkpoint's prefix, which may lie in its folder `best`.

    Raises:
      RunError: it has no config.json.
    """
    folder = os.path.dirname(prefix) or "."
    for model_dir in (folder, os.path.dirname(paths.absolute(folder))):
        if tf.io.gfile.exists(os.path.join(model_dir, CONFIG_FILE)):
            return model_dir
    raise RunError(
        f"{prefix} is a checkpoint of TensorFlow 2, but no {CONFIG_FILE} is in {folder} that would "
        "say of which network."
    )


def architecture(config: ModelConfig) -> dict[str, Any]:
    """Returns the fields of a network that its weights belong to."""
    return {field: value for field, value in vars(config).items() if field not in _NOT_TAKEN}


def start_from(
    config: RunConfig,
    source: RunConfig,
    where: str,
    given: Mapping[str, Any],
    given_preprocessing: Mapping[str, Any],
) -> tuple[RunConfig, list[str]]:
    """Returns a training with the network of the run `source`, and remarks.

    Args:
      config: the training, as its flags and the defaults say.
      source: the run whose weights it starts from.
      where: its MODEL_DIR.
      given: fields of `ModelConfig` that the command line gives; they win where the weights allow.
      given_preprocessing: fields of `PreprocessingConfig` that it gives.

    Raises:
      RunError: what is given is another network; the flags that differ are listed.
      ValueError: fields that contradict each other.
    """
    taken = architecture(source.model)
    differing = {field: value for field, value in given.items() if taken.get(field, value) != value}
    wrong = (
        f"{where} is another network than the command line says:\n  "
        + "\n  ".join(
            f"{model_flags.flags_of({field: taken[field]})} there, not "
            f"{model_flags.flags_of({field: value})}"
            for field, value in differing.items()
        )
        + f"\nLeave these flags out: the network is taken from {where}/{CONFIG_FILE}."
    )
    try:
        model = dataclasses.replace(config.model, **{**taken, **given})
    except ValueError as error:
        raise RunError(wrong if differing else str(error)) from error
    if differing and _body(model) != _body(source.model):
        raise RunError(wrong)
    prepared = config.preprocessing
    fields = {name: getattr(source.preprocessing, name) for name in _CONVENTIONS}
    if prepared.family != source.preprocessing.family:
        fields["preprocessing_type"] = source.preprocessing.preprocessing_type
    fields = {name: v for name, v in fields.items() if name not in given_preprocessing}
    prepared = dataclasses.replace(prepared, **fields)
    remarks = [f"network of {where}: {model_flags.needed_flags(architecture(model))}"]
    sizes = prepared.train_size, source.preprocessing.train_size
    if sizes[0] != sizes[1]:
        remarks.append(
            f"note: images have {sizes[0]} pixels, those of {where} had {sizes[1]} "
            f"(--image_size={sizes[1]})"
        )
    return dataclasses.replace(config, model=model, preprocessing=prepared), remarks


def _body(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Returns the variables in front of the head, which have to correspond exactly."""
    shapes = variable_shapes(dataclasses.replace(config, pool_type="gap", embedding_size=0))
    return {name: shape for name, shape in shapes.items() if "/dense/" not in name}
