"""The flags that several commands have. Each is a field of a configuration, of the same name.

Names follow the original repository wherever it has the flag; so do defaults, but for those that
`original_flags.MAIN_CLASSIFICATION` sets for main_classification.py. `configs` makes
configurations of them. Only commands define and read flags.
"""

import dataclasses
import inspect
import re
import typing
from collections.abc import Collection
from typing import Any

from absl import flags

from nets import ModelConfig
from official.command import original_flags
from official.command.original_flags import SHORT_NAMES
from official.run import recipe_choices as choices
from official.run.configuration import ON_BAD_RECORD, DataConfig
from official.run.export_options import DECODERS, WEIGHTS, ExportOptions
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.run.robustness import RobustnessOptions
from preprocessing import PreprocessingConfig

FLAGS = flags.FLAGS

# The flag that stands for a field, where it has another name.
# A field may also say in what way the flag was given.
AUTO = "auto"
FLAG_OF = {"big_little": "resnet_version", "decoder": "decoder_type",
           "auto_bn_momentum": "bn_momentum",
           "private_threads": "datasets_num_private_threads"}  # fmt: skip

_CHOICES: dict[str, list[str]] = {
    "resnet_size": ["18", "34", "50", "101", "152", "200"],
    "resnet_version": ["1", "2"],
    "architecture": ["resnet", "mobilenet_v1"],
    "stem_type": ["", "7x7", "deep"],
    "sk_type": ["3x3_2x", "3x3_5x5"],
    "shortcut_pool": ["always", "strided"],
    "shortcut_type": ["A", "B", "C"],
    "max_pool_padding": ["same", "symmetric"],
    "interpolation": ["tf1_bilinear", "bilinear", "bicubic"],
    "logit_type": ["", "cosine", "arc_margin"],
    "pool_type": ["gap", "gem", "flatten"],
    "decoder_type": ["jpeg", "webp", "any"],
    "on_bad_record": list(ON_BAD_RECORD),
    "on_bad_val_record": list(ON_BAD_RECORD),
    "cls_loss_type": list(choices.LOSS_TYPES),
    "dtype": list(choices.DTYPES),
    "early_stopping_metric": list(choices.SCORES),
    "plateau_metric": list(choices.SCORES),
    "optimizer": list(choices.OPTIMIZERS),
    "teacher_normalization": list(choices.NORMALIZATIONS),
    "weight_decay_type": list(choices.WEIGHT_DECAY_TYPES),
    "export_decoder_type": list(DECODERS),
    "export_weights": list(WEIGHTS),
}
_AT_LEAST: dict[str, float] = {
    "num_filters": 1, "datasets_num_private_threads": 0, "val_batch_size": 1, "batch_size": 1,
    "train_epochs": 0, "max_train_steps": 0, "epochs_between_evals": 1, "lr_warmup_epochs": 0.0,
    "mixup_type": 0, "num_gpus": -1, "save_checkpoints_epochs": 0.0, "keep_checkpoint_max": 0,
    "num_best_ckpt_to_keep": 0, "ratio_fine_eval": 0.0, "max_bad_records": 0.0,
    "early_stopping_patience": 0, "accumulation_steps": 1, "clip_norm": 0.0, "ema_decay": 0.0,
    "patience": 1.0, "lr_warmup_steps": 0, "lr_warmup_fraction": 0.0, "plateau_patience": 1,
    "teacher_image_size": 0,
    "weight_decay": 0.0, "randaugment_num_layers": 0, "augmix_width": 1, "repeat_crops": 0,
    "export_batch_size": 0, "calibration_images": 1,
}  # fmt: skip
_AT_MOST: dict[str, float] = {"mixup_type": 2, "ratio_fine_eval": 1.0}
# Numbers that may be left to the program.
_OR_AUTO = ("bn_momentum",)
# Where a command line starts from something else than Python does.
_DEFAULTS: dict[str, Any] = {
    "resnet_version": "1", "data_dir": "", "model_dir": "", "num_classes": 0, "shuffle_buffer": 0,
    "on_bad_record": "skip", "autoaugment_type": None, "dataset_name": None, "loss_scale": None,
    "pretrained_model_checkpoint_path": None,
}  # fmt: skip

# Fields whose values are worked out, or given by another flag.
_NO_FLAG = {
    "num_images", "class_names", "upright", "label_map", "exif_orientation", "final_bias",
    "dropblock_keep_prob", "auto_bn_momentum",
}  # fmt: skip
# Where the text of the field is not for a command line.
_TEXTS = {
    "resnet_version": "1: ResNet; 2: BigLittle-ResNet.",
    "preprocessing_type": "Crop and sizes: imagenet, imagenet_SIZE, imagenet_SIZEa, "
    "imagenet_224_256, imagenet_224_256a (train at 224, evaluate at 256), reid, reid_224, "
    "inception_331, inception_600.",
    "autoaugment_type": "AutoAugment policy: imagenet, v0, cifar10, svhn, good; default off.",
    "bn_momentum": "Momentum of batch norm's moving statistics; auto: 1 - 10 / steps of an epoch, "
    "at least 0.9. official.train, unless it is given: 1 - 10 / steps of the training, at least "
    "0.9 and at most the paper's 0.997.",
    "dct_method": "JPEG decoding: INTEGER_ACCURATE or INTEGER_FAST.",
    "decoder_type": "What the records hold: jpeg (and PNG), webp, or any of these, GIF and BMP. "
    "WebP needs `pip install -e .[webp]`.",
}


def define_training_flags() -> None:
    """All that a training takes, with the names of the original."""
    define_directory_flags()
    define_data_flags()
    define_model_flags()
    define_recipe_flags()
    define_run_flags()
    original_flags.define()
    flags.DEFINE_alias("data_service_patience", "patience")
    flags.DEFINE_alias("pretrained", "pretrained_model_checkpoint_path")


def given_training_flags(but: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the flags of a training that were given, as words for another command line."""
    flags_here = FLAGS.flags_by_module_dict()[__name__]
    given = {flag.name: flag for flag in flags_here if flag.present and flag.name not in but}
    return tuple(given[name].serialize() for name in sorted(given))


class NumberOrAuto(flags.FloatParser):
    """Reads a number, or the word `auto`."""

    words = (AUTO,)

    def parse(self, argument: Any) -> Any:
        """Returns a float or the word; raises ValueError for anything else."""
        return argument if argument in self.words else super().parse(argument)


def define_directory_flags() -> None:
    """Where data comes from and where a run lives."""
    _define(DataConfig, ["data_dir"])
    _define(RunOptions, ["model_dir"])


def define_data_flags(*names: str) -> None:
    """What is read, and how an image is prepared; `names`: some of the former only."""
    _define(DataConfig, names)
    if not names:
        _define(PreprocessingConfig)


def define_model_flags() -> None:
    """The architecture."""
    flags.DEFINE_string(
        "model", "", "Name of a network (`python -m official.models`); other model flags change it."
    )
    _define(ModelConfig)


def define_recipe_flags(*names: str) -> None:
    """How it is trained; `names`: some of these flags only."""
    _define(RecipeConfig, names)


def define_run_flags(*names: str) -> None:
    """How the machine is used, what is kept, first weights; `names`: some of these flags only."""
    _define(RunOptions, names)


def define_export_flags() -> None:
    """What an exported model takes and gives."""
    _define(ExportOptions)


def define_robustness_flags(*without: str) -> None:
    """Which corrupted images there are, and how they are made; all of these flags, or but some."""
    names = {field.name for field in dataclasses.fields(RobustnessOptions)}
    _define(RobustnessOptions, names - set(without))


def _define(kind: type, names: Collection[str] = ()) -> None:
    """Defines the flags of the fields of a dataclass, all or those named, that are not there yet.

    Types and defaults are the fields', texts those of its docstring.
    """
    types, texts = typing.get_type_hints(kind), _attribute_texts(kind)
    for field in dataclasses.fields(kind):
        name = FLAG_OF.get(field.name, field.name)
        if name in FLAGS or field.name in _NO_FLAG or (names and field.name not in names):
            continue
        default = _DEFAULTS.get(name, field.default)
        text = _TEXTS.get(name) or texts.get(field.name, "")
        options: dict[str, Any] = {"short_name": SHORT_NAMES.get(name)}
        bounds = {"lower_bound": _AT_LEAST.get(name), "upper_bound": _AT_MOST.get(name)}
        kind_of_value = types[field.name]
        if name in _CHOICES:
            flags.DEFINE_enum(name, str(default), _CHOICES[name], text, **options)
        elif name in _OR_AUTO:
            flags.DEFINE(
                NumberOrAuto(),
                name,
                default,
                text,
                serializer=flags.ArgumentSerializer(),
                **options,
            )
        elif typing.get_origin(kind_of_value) is tuple:
            values = [one if isinstance(one, str) else f"{one:g}" for one in default]
            flags.DEFINE_list(name, values, text, **options)
        elif kind_of_value is bool:
            flags.DEFINE_boolean(name, default, text, **options)
        elif kind_of_value is int:
            flags.DEFINE_integer(name, default, text, **bounds, **options)
        elif kind_of_value is str:
            flags.DEFINE_string(name, default, text, **options)
        else:
            flags.DEFINE_float(name, default, text, **bounds, **options)


def _attribute_texts(kind: type) -> dict[str, str]:
    """Returns what the section `Attributes` of a docstring says of each field, in one line."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    fields = {field.name for field in dataclasses.fields(kind)}
    texts: dict[str, str] = {}
    for line in section.splitlines():
        begins = re.match(r" {2,4}(\w+): (.*)", line)
        # A line that goes on may look like one that begins.
        if begins and begins[1] in fields:
            name = begins[1]
            texts[name] = begins[2]
        elif not line.startswith("    "):
            break
        else:
            texts[name] += f" {line.strip()}"
    return texts
