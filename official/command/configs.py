"""What the flags say, as the frozen configurations that everything below the commands takes."""

import dataclasses
import os
import typing
from typing import Any, TypeVar

import tensorflow as tf
from absl import flags

from nets import ModelConfig, named_config
from official.command.flags import AUTO, FLAG_OF
from official.run import configuration, files, ownership, paths
from official.run.classes import count_classes, known_classes
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError, refusals
from official.run.export_options import ExportOptions
from official.run.folder import CONFIG_FILE
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig, dataclass_from, sigmoid_bias
from official.run.robustness import RobustnessOptions
from preprocessing import PreprocessingConfig
from preprocessing.decode import webp_available

FLAGS = flags.FLAGS
_Config = TypeVar("_Config")

# Model and preprocessing flags that may differ from a run's where it is not trained.
_TRAINING_ONLY = {
    "use_dropblock", "dropblock_size", "dropblock_gamma_scales", "seed", "zero_gamma",
    "bn_momentum", "autoaugment_type", "training_random_crop", "use_bounding_boxes",
    "randaugment_num_layers", "randaugment_magnitude", "scale_augmentation", "augmix_severity",
    "augmix_width", "augmix_depth", "augmix_alpha", "rotation_degrees", "multi_scale",
    "color_augmentation",
}  # fmt: skip


def run_config(from_catalogue: bool = False) -> RunConfig:
    """Returns the run that the flags describe; `official.train.run` adds what the data says.

    Of a run that is gone on with, flags that are not given are as it was started last. With
    `from_catalogue` the data is not looked at.
    """
    known = _known_run()
    if known:
        return _changed(configuration.load(FLAGS.model_dir), from_catalogue)
    if not FLAGS.data_dir and not from_catalogue:
        raise RunError(
            "--data_dir must be given: the folder of the TFRecords. (Only a MODEL_DIR that holds a "
            "run needs none.)"
        )
    name = FLAGS.dataset_name or ""
    with refusals():
        if from_catalogue:
            classes = known_classes(name, FLAGS.num_classes)
        else:
            classes = count_classes(FLAGS.data_dir, name, FLAGS.num_classes, FLAGS.label_offset)
        model = model_config(classes)
        if not FLAGS["bn_momentum"].present:
            model = dataclasses.replace(model, bn_momentum=0.0)  # It follows from the steps.
        return RunConfig(
            model=model,
            preprocessing=preprocessing_config(),
            recipe=recipe_config(),
            data=data_config(num_classes=classes),
        )


def run_options() -> RunOptions:
    """Returns how the flags want it to be run; those not given as in `run_config`.

    Raises:
      RunError: an impossible value, or flags of fine-tuning that say not from where.
    """
    given = _fields(RunOptions, given_only=True)
    known = _known_run()
    with refusals():
        if known:
            # Those of another version of this program that are gone say nothing.
            kept = {field.name for field in dataclasses.fields(RunOptions)} - {"clean"}
            last = {name: value for name, value in known["options"].items() if name in kept}
            options = dataclasses.replace(dataclass_from(RunOptions, last), **given)
        else:
            options = RunOptions(**_fields(RunOptions))
    if not options.pretrained_model_checkpoint_path:
        for name in {"restore_trainable_only", "restore_classifier"} & set(given):
            raise RunError(f"--{name} needs --pretrained_model_checkpoint_path.")
    return options


def _known_run() -> dict[str, Any] | None:
    """Returns config.json of the training in MODEL_DIR; None where a new one is started."""
    if FLAGS.clean or not ownership.is_run(FLAGS.model_dir):
        return None
    known = files.read_json(os.path.join(FLAGS.model_dir, CONFIG_FILE))
    return known if known.get("options") else None


def _changed(config: RunConfig, anywhere: bool) -> RunConfig:
    """Returns a run with what the flags on the command line say otherwise.

    Unless `anywhere`, its data must be there.
    """

    def given(part: _Config) -> _Config:
        return dataclasses.replace(part, **_fields(type(part), given_only=True))

    with refusals():
        data = given(config.data)
        data = dataclasses.replace(data, data_dir=paths.absolute(data.data_dir))
        there = anywhere or FLAGS["data_dir"].present or tf.io.gfile.isdir(data.data_dir)
        if not there:
            raise RunError(
                f"the data of the run, {data.data_dir}, is not there any more: give --data_dir, "
                "the folder where it is now."
            )
        model = model_config(data.num_classes) if FLAGS.model else given(config.model)
        return RunConfig(model, given(config.preprocessing), given(config.recipe), data)


def data_config(**known: Any) -> DataConfig:
    """Returns what the flags say of the data; `known` are fields that were worked out."""
    fields = {**_fields(DataConfig), **known}
    return DataConfig(**{**fields, "data_dir": paths.absolute(fields["data_dir"])})


def recipe_config() -> RecipeConfig:
    """Returns the recipe that the flags describe; raises ValueError for impossible values."""
    return RecipeConfig(**_fields(RecipeConfig))


def preprocessing_config() -> PreprocessingConfig:
    """Returns the preprocessing that the flags describe; raises ValueError for unknown names."""
    if FLAGS.decoder_type == "webp" and not webp_available():
        raise RunError(
            "--decoder_type=webp: TensorFlow 2.15 has no decoder of its own for it: pip install "
            "-e .[webp]"
        )
    return PreprocessingConfig(**_fields(PreprocessingConfig))


def robustness_options() -> RobustnessOptions:
    """Returns how corrupted images are made; raises RunError for impossible values."""
    with refusals():
        return RobustnessOptions(**_fields(RobustnessOptions))


def model_config(num_classes: int) -> ModelConfig:
    """Returns the architecture that the flags describe; raises ValueError where none can be."""
    # The sigmoid loss starts with every class at the probability 1 / num_classes.
    has_bias = FLAGS.cls_loss_type == "sigmoid" and not FLAGS.logit_type
    final_bias = sigmoid_bias(num_classes) if has_bias else 0.0
    known = {"num_classes": num_classes, "final_bias": final_bias}
    if FLAGS.model:
        return named_config(FLAGS.model, **{**given_model_fields(), **known})
    return ModelConfig(**{**_fields(ModelConfig), **known})


def given_model_fields() -> dict[str, Any]:
    """Returns the `ModelConfig` fields whose flags stand on the command line."""
    return _fields(ModelConfig, given_only=True)


def given_recipe_fields() -> dict[str, Any]:
    """Returns the `RecipeConfig` fields whose flags stand on the command line."""
    return _fields(RecipeConfig, given_only=True)


def given_preprocessing_fields() -> dict[str, Any]:
    """Returns the `PreprocessingConfig` fields whose flags stand on the command line."""
    return _fields(PreprocessingConfig, given_only=True)


def export_options() -> ExportOptions:
    """Returns what the flags want to be exported.

    Raises:
      RunError: an impossible value.
    """
    with refusals():
        return ExportOptions(**_fields(ExportOptions))


def contradictions(config: RunConfig) -> list[str]:
    """Returns a line for each model or preprocessing flag given that differs from a run's.

    What matters in training only may differ.
    """
    wanted = {**given_model_fields(), **given_preprocessing_fields()}
    saved = {**vars(config.preprocessing), **vars(config.model)}
    return [
        f"{field}: {saved[field]!r}, not {value!r}"
        for field, value in wanted.items()
        if field not in _TRAINING_ONLY and saved[field] != value
    ]


def _fields(kind: type[_Config], given_only: bool = False) -> dict[str, Any]:
    """Returns the fields of a dataclass that have a flag here, with the flags' values."""
    types = typing.get_type_hints(kind)
    fields = {}
    for field in dataclasses.fields(kind):
        name = FLAG_OF.get(field.name, field.name)
        if name not in FLAGS or (given_only and not FLAGS[name].present):
            continue
        value = FLAGS[name].value
        if name == "resnet_version":
            value = value == "2"
        elif field.name == "auto_bn_momentum":
            value = value == AUTO
        elif value == AUTO:
            value = _left_open(name)
        elif typing.get_origin(types[field.name]) is tuple:
            kind_of_value = typing.get_args(types[field.name])[0]
            value = tuple(value) if kind_of_value is str else _numbers(name, kind_of_value)
        elif types[field.name] is int:
            value = int(value)
        elif types[field.name] is str:
            value = value or ""
        fields[field.name] = value
    return fields


def _left_open(name: str) -> float:
    """Returns what stands for `auto` until a training works it out; raises ValueError elsewhere."""
    if "train_epochs" not in FLAGS:
        raise ValueError(f"--{name}={AUTO} follows from a training; give a number here.")
    return 0.0


def _numbers(name: str, kind: type) -> tuple:
    """Returns a list flag as a tuple of `kind`; raises ValueError for what is no number."""
    try:
        return tuple(kind(value) for value in FLAGS[name].value)
    except ValueError as error:
        raise ValueError(
            f"--{name} must be numbers separated by commas. Received: {FLAGS[name].value}"
        ) from error
