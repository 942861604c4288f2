"""The flags that several commands have. Each is a field of a configuration, of the same name.

Names follow the original repository wherever it has the flag; so do defaults, but for --num_gpus
(all there are), --keep_checkpoint_max (5) and --keep_ckpt_every_eval (off). `configs` makes
configurations of them. Only commands define and read flags.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from absl import flags

from nets import ModelConfig
from official.command.original_flags import SHORT_NAMES
from official.run.configuration import ON_BAD_RECORD, DataConfig
from official.run.options import RunOptions
from official.run.recipe import DTYPES, LOSS_TYPES, RecipeConfig
from preprocessing import PreprocessingConfig

# The flag that stands for a field, where it has another name.
FLAG_OF = {"big_little": "resnet_version", "decoder": "decoder_type",
           "private_threads": "datasets_num_private_threads"}  # fmt: skip

_CHOICES: dict[str, list[str]] = {
    "resnet_size": ["18", "34", "50", "101", "152", "200"],
    "resnet_version": ["1", "2"],
    "architecture": ["resnet", "mobilenet_v1"],
    "stem_type": ["", "7x7", "deep"],
    "sk_type": ["3x3_2x", "3x3_5x5"],
    "pool_type": ["gap", "gem", "flatten"],
    "decoder_type": ["jpeg", "webp", "any"],
    "on_bad_record": list(ON_BAD_RECORD),
    "on_bad_val_record": list(ON_BAD_RECORD),
    "cls_loss_type": list(LOSS_TYPES),
    "dtype": list(DTYPES),
}
_AT_LEAST: dict[str, float] = {
    "num_filters": 1, "datasets_num_private_threads": 0, "val_batch_size": 1, "batch_size": 1,
    "train_epochs": 0, "max_train_steps": 0, "epochs_between_evals": 1, "lr_warmup_epochs": 0,
    "mixup_type": 0, "num_gpus": -1, "save_checkpoints_epochs": 0.0, "keep_checkpoint_max": 0,
    "num_best_ckpt_to_keep": 0, "ratio_fine_eval": 0.0, "max_bad_records": 0.0,
    "data_service_patience": 1.0, "randaugment_num_layers": 0, "augmix_width": 1,
}  # fmt: skip
_AT_MOST: dict[str, float] = {"mixup_type": 2, "ratio_fine_eval": 1.0}
# Where a command line starts from something else than Python does.
_DEFAULTS: dict[str, Any] = {
    "resnet_version": "1", "data_dir": "", "model_dir": "", "num_classes": 0, "shuffle_buffer": 0,
    "on_bad_record": "skip", "autoaugment_type": None, "dataset_name": None, "loss_scale": None,
    "pretrained_model_checkpoint_path": None,
}  # fmt: skip

_DIRECTORIES = {
    "data_dir": "Folder of TFRecord shards (train-*, validation-*), labels.txt, manifest.json, as "
    "`python -m datasets.convert` writes it or as the original did.",
    "model_dir": "Folder of the run: config.json, checkpoints, logs, scores.",
}
_DATA = {
    "dataset_name": "Name in datasets/catalog.py (imagenet, food101, ...), which gives the number "
    "of classes. Without it labels.txt in DATA_DIR does.",
    "num_classes": "Number of classes; 0: as DATA_DIR or catalogue say.",
    "label_offset": "Added to the labels of the records; 1 where they count from 0 and the network "
    "has a background class at 0.",
    "train_regex": "Glob of the training shards in DATA_DIR.",
    "val_regex": "Glob of the evaluation shards in DATA_DIR.",
    "shuffle_buffer": "Records in the shuffle buffer; 0: the data set's own (catalogue), else "
    "10,000. It holds encoded pictures.",
    "private_threads": "Threads of the input pipeline; 0: TensorFlow chooses.",
    "val_batch_size": "Pictures in one evaluation batch.",
    "on_bad_record": "Training records that cannot be used (damaged shard or picture, label out of "
    "range, wrong number of teacher logits): skip and count them, or fail.",
    "max_bad_records": "Bad records in one pass over the training data above which the run stops; "
    "below 1: a share of all. Default: 1 % of the records, at least 100, at most half.",
    "on_bad_val_record": "Records of the validation split that cannot be used: fail, or leave them "
    "out of the score, which says how many pictures it counts.",
    "data_service": "HOST:PORT of a tf.data service (`python -m official.data_service`) whose "
    "workers decode and augment the training pictures; default: this process does.",
}
_PREPROCESSING = {
    "preprocessing_type": "Crop and sizes: imagenet, imagenet_SIZE, imagenet_SIZEa, "
    "imagenet_224_256, imagenet_224_256a (train at 224, evaluate at 256), reid, reid_224, "
    "inception_331, inception_600.",
    "image_size": "Side in pixels where the type does not fix it.",
    "eval_image_size": "Side in pixels at evaluation; 0: as --preprocessing_type says.",
    "autoaugment_type": "AutoAugment policy: imagenet, v0, cifar10, svhn, good; default off.",
    "dct_method": "JPEG decoding: INTEGER_ACCURATE or INTEGER_FAST.",
    "decoder": "What the records hold: jpeg (and PNG), webp, or any of these, GIF and BMP. WebP "
    "needs `pip install -e .[webp]`.",
    "training_random_crop": "Crop training pictures at random.",
    "use_bounding_boxes": "Training crops cover a tenth of a bounding box of the record. The "
    "original's do not look at boxes.",
    "randaugment_num_layers": "RandAugment (1909.13719): operations per picture, N; 0: off.",
    "randaugment_magnitude": "RandAugment: level of each operation, M, 0 to 10.",
    "augmix_severity": "AugMix (1912.02781): largest level of an operation, up to 10 (paper: 3); "
    "0: off.",
    "augmix_width": "AugMix: number of chains.",
    "augmix_depth": "AugMix: operations per chain; -1: 1 to 3 at random.",
    "augmix_alpha": "AugMix: parameter of the mixing distributions.",
    "scale_augmentation": "Shorter side drawn between two lengths, such as 256,480, then a random "
    "square (1512.03385), instead of the distorted crop; default off.",
    "rotation_degrees": "Rotate training pictures by up to that many degrees; 0: off.",
    "multi_scale": "Sides in pixels, one of which is drawn for each training batch: 192,224,256; "
    "default off.",
}
_MODEL = {
    "resnet_size": "Depth.",
    "big_little": "1: ResNet; 2: BigLittle-ResNet.",
    "num_filters": "Width of the first stage; 64 is the paper's.",
    "architecture": "Kind of network (1704.04861).",
    "no_shortcut": "Plain network: 18 or 34 layers, no shortcuts.",
    "use_resnet_b": "Stride of a bottleneck on its 3x3; off: on the first 1x1.",
    "use_resnet_d": "ResNet-D stem and shortcuts (1812.01187).",
    "stem_type": "First convolution: 7x7, or deep (three 3x3: ResNet-C). Default: deep with "
    "--use_resnet_d.",
    "use_se_block": "Squeeze-and-excitation (1709.01507).",
    "use_eca_block": "Efficient channel attention, in place of SE (1910.03151).",
    "eca_kernel_size": "Width of its convolution over the channels, odd; 0: from their number.",
    "use_sk_block": "Selective kernels (1903.06586).",
    "sk_type": "Selective kernels: one 3x3 of doubled channels, or a 3x3 and a 5x5 branch.",
    "anti_alias_type": "Where to blur before subsampling (1904.11486): comma list out of max, "
    "proj, sconv; the paper's final models use sconv.",
    "anti_alias_filter_size": "Side of the blur filter, 1 to 7; 0: none.",
    "bl_alpha": "BigLittle: the little branch is 1/alpha as wide.",
    "bl_beta": "BigLittle: the little branch is 1/beta as deep.",
    "zero_gamma": "Start the last batch-norm scale of each residual branch at 0.",
    "no_downsample": "Keep the resolution in the last stage.",
    "pool_type": "Final pooling.",
    "gem_power": "Exponent of --pool_type=gem.",
    "gem_learnable": "Train the exponent; it starts at --gem_power.",
    "embedding_size": "Width of an embedding layer before the classifier; 0: none.",
    "embedding_batch_norm": "Batch norm behind the embedding layer.",
    "bn_momentum": "Share of the old batch-norm statistics that is kept.",
    "bn_epsilon": "Added to the variance in batch norm; 1.001e-5 is used at least.",
    "dropblock_size": "DropBlock: side of the squares, in cells.",
    "dropblock_gamma_scales": "DropBlock: factors of the drop rate in stages 1 to 4; 0 leaves a "
    "stage out.",
    "se_ratio": "Squeeze-and-excitation: channel reduction.",
    "sk_reduction": "Selective kernels: channel reduction.",
    "sk_min_width": "Selective kernels: least width of the attention.",
}
_RECIPE = {
    "batch_size": "Pictures that enter the network in one step, over all devices.",
    "train_epochs": "Epochs.",
    "base_learning_rate": "Rate after the warm-up.",
    "learning_rate_decay_type": "fixed, exponential, polynomial, piecewise or cosine.",
    "num_epochs_per_decay": "Epochs of one exponential decay step.",
    "learning_rate_decay_factor": "Factor of the exponential decay.",
    "end_learning_rate": "Last rate of the polynomial decay.",
    "piecewise_lr_boundary_epochs": "Epochs where the rate changes.",
    "piecewise_lr_decay_rates": "Factors of the rate.",
    "lr_warmup_epochs": "Epochs of linear warm-up from 0.",
    "momentum": "Momentum.",
    "weight_decay": "L2 weight decay on all but batch-norm variables.",
    "label_smoothing": "Share of the label spread over all classes.",
    "cls_loss_type": "Classification loss.",
    "mixup_type": "0: off; 1: two batches make one; 2: one batch with its own halves (1710.09412).",
    "mixup_alpha": "Mixup: parameter of the Beta distribution.",
    "cutmix_alpha": "CutMix: parameter of the Beta distribution (1905.04899); 0: off.",
    "mixup_on_device": "Mixup or CutMix in the training step, as in the original; off: in the "
    "input pipeline. The pictures are the same, on any number of devices.",
    "use_dropblock": "DropBlock in stages 3 and 4 (1810.12890).",
    "dropblock_kp": "DropBlock: keep probability at the start and at the end.",
    "kd_temp": "Distillation temperature; 0: off. Records must hold image/logit.",
    "seed": "Seed of everything that is random: the same seed feeds the same pixels.",
    "dtype": "Precision of the arithmetic; weights, softmax and batch statistics stay float32.",
    "loss_scale": "fp16: a number, or `dynamic`; default 128, as the original.",
}
_RUN = {
    "clean": "Delete MODEL_DIR, if it is a run's, before training.",
    "num_gpus": "GPUs to use; -1: all there are, 0: the CPU.",
    "max_train_steps": "Stop after that many steps; the schedules are not shortened. 0: do not.",
    "epochs_between_evals": "Epochs between two evaluations.",
    "ratio_fine_eval": "From that share of --train_epochs on, evaluate after every epoch.",
    "save_checkpoints_epochs": "Epochs between two checkpoints; fractions are fine.",
    "keep_checkpoint_max": "Checkpoints kept; 0: all.",
    "num_best_ckpt_to_keep": "Checkpoints of the best validation top-1 that stay in "
    "MODEL_DIR/best.",
    "keep_ckpt_every_eval": "Keep each evaluated checkpoint in MODEL_DIR/periodical.",
    "data_service_patience": "With --data_service: seconds without the end of a training step "
    "after which the run ends. The first step takes longer than others.",
    "keep_freed_memory": "Keep the memory of batches for the next ones instead of giving it back "
    "to the system each time (glibc only): less CPU time for the input, and memory stays at its "
    "peak.",
    "pretrained_model_checkpoint_path": "Start a new training from these weights: a checkpoint of "
    "the original (prefix or folder), or a MODEL_DIR or checkpoint of this program. The classifier "
    "is new where the number of classes differs.",
    "restore_trainable_only": "Fine-tune as the original does: batch-norm statistics, embedding "
    "layer and classifier start fresh.",
    "restore_classifier": "Take over the classifier too, if it has as many classes.",
}


def define_directory_flags() -> None:
    """Where data comes from and where a run lives."""
    for name, text in _DIRECTORIES.items():
        flags.DEFINE_string(name, "", text, short_name=SHORT_NAMES.get(name))


def define_data_flags() -> None:
    """What is read, and how a picture is prepared."""
    _define(DataConfig, _DATA)
    _define(PreprocessingConfig, _PREPROCESSING)


def define_model_flags() -> None:
    """The architecture."""
    flags.DEFINE_string(
        "model", "", "Name of a network (`python -m official.models`); other model flags change it."
    )
    _define(ModelConfig, _MODEL)


def define_recipe_flags() -> None:
    """How it is trained."""
    _define(RecipeConfig, _RECIPE)


def define_run_flags(*names: str) -> None:
    """How the machine is used, what is kept, and where the first weights come from.

    Args:
      *names: of the flags, for a command that has some of them only.
    """
    _define(RunOptions, {name: _RUN[name] for name in names or _RUN})


def _define(kind: type, texts: Mapping[str, str]) -> None:
    """Defines the flags of fields of a dataclass: their types and defaults are the fields'."""
    types = typing.get_type_hints(kind)
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    for field, text in texts.items():
        name = FLAG_OF.get(field, field)
        default = _DEFAULTS.get(name, defaults[field])
        options: dict[str, Any] = {"short_name": SHORT_NAMES.get(name)}
        bounds = {"lower_bound": _AT_LEAST.get(name), "upper_bound": _AT_MOST.get(name)}
        if name in _CHOICES:
            flags.DEFINE_enum(name, str(default), _CHOICES[name], text, **options)
        elif typing.get_origin(types[field]) is tuple:
            flags.DEFINE_list(name, [f"{value:g}" for value in default], text, **options)
        elif types[field] is bool:
            flags.DEFINE_boolean(name, default, text, **options)
        elif types[field] is int:
            flags.DEFINE_integer(name, default, text, **bounds, **options)
        elif types[field] is str:
            flags.DEFINE_string(name, default, text, **options)
        else:
            flags.DEFINE_float(name, default, text, **bounds, **options)
