"""Every flag of the command lines, and the frozen configurations that they become.

Names follow the original repository wherever it has the flag; so do defaults, but for --num_gpus
(all there are), --keep_checkpoint_max (5) and --keep_ckpt_every_eval (off). Those for retrieval are
not here yet. Nothing outside `official` reads a flag.
"""

import dataclasses
from typing import Any

from absl import flags

from nets import ModelConfig, named_config
from official.run import configuration
from preprocessing import PreprocessingConfig
from preprocessing.decode import webp_available

FLAGS = flags.FLAGS

# Flags of the original that have no work to do here: accepted, and their idleness printed.
RETIRED_FLAGS = {
    "data_format": "tensors are channels-last; TensorFlow chooses the layout that is fastest",
    "use_hyperdash": "scores go to TensorBoard and to training.jsonl",
    "hooks": "progress, TensorBoard scalars and JSON lines are always written",
    "with_drawing_bbox": "bounding boxes are not drawn",
    "benchmark_log_dir": "use `python -m official.benchmark`",
    "benchmark_logger_type": "use `python -m official.benchmark`",
    "benchmark_test_id": "use `python -m official.benchmark`",
    "gcp_project": "scores are not sent to BigQuery",
    "bigquery_data_set": "scores are not sent to BigQuery",
    "bigquery_run_table": "scores are not sent to BigQuery",
    "bigquery_run_status_table": "scores are not sent to BigQuery",
    "bigquery_metric_table": "scores are not sent to BigQuery",
    "label_file": "class names come from labels.txt in DATA_DIR",
    "inter_op_parallelism_threads": "TensorFlow chooses; TF_NUM_INTEROP_THREADS sets it",
    "intra_op_parallelism_threads": "TensorFlow chooses; TF_NUM_INTRAOP_THREADS sets it",
    "all_reduce_alg": "MirroredStrategy chooses how gradients are summed",
    "eval_similarity": "it belongs to --zeroshot_eval",
    "recall_at_k": "it belongs to --zeroshot_eval",
    "arc_s": "it belongs to --logit_type",
    "arc_m": "it belongs to --logit_type",
}
_RETIRED_SWITCHES = ("use_hyperdash", "with_drawing_bbox")

# Flags of the original whose work is not built: any value but the original's default is refused.
UNBUILT_FLAGS = {
    "zeroshot_eval": (False, "retrieval is not built; official.evaluate scores classification"),
    "return_embedding": (False, "the output `embedding` of an exported model holds it"),
    "logit_type": (None, "the arc-margin classifier is not built"),
    "use_ranking_loss": (None, "the ranking loss is not built"),
    "stop_threshold": (None, "a training runs to --train_epochs or --max_train_steps"),
    "use_synthetic_data": (False, "`python -m official.benchmark` measures without data"),
}

# Short names of the original.
_SHORT_NAMES = {
    "nepd": "num_epochs_per_decay",
    "lrdf": "learning_rate_decay_factor",
    "elr": "end_learning_rate",
    "pwlrb": "piecewise_lr_boundary_epochs",
    "pwlrd": "piecewise_lr_decay_rates",
    "drblkp": "dropblock_kp",
    "lblsm": "label_smoothing",
    "dctm": "dct_method",
    "dd": "data_dir",
    "hk": "hooks",
    "df": "data_format",
    "st": "stop_threshold",
    "inter": "inter_op_parallelism_threads",
    "intra": "intra_op_parallelism_threads",
    "ara": "all_reduce_alg",
    "synth": "use_synthetic_data",
    "bti": "benchmark_test_id",
    "bld": "benchmark_log_dir",
    "gp": "gcp_project",
    "bds": "bigquery_data_set",
    "brt": "bigquery_run_table",
    "brst": "bigquery_run_status_table",
    "bmt": "bigquery_metric_table",
}


def define_directory_flags() -> None:
    """Where data comes from and where a run lives."""
    flags.DEFINE_string(
        "data_dir",
        "",
        "Folder of TFRecord shards (train-*, validation-*), labels.txt, "
        "manifest.json, as `python -m datasets.convert` writes it or as the original did.",
    )
    flags.DEFINE_string(
        "model_dir",
        "",
        "Folder of the run: config.json, checkpoints, logs, scores.",
        short_name="md",
    )


def define_data_flags() -> None:
    """What is read, and how a picture is prepared."""
    flags.DEFINE_string(
        "dataset_name",
        None,
        "Name in datasets/catalog.py (imagenet, food101, ...), which gives "
        "the number of classes. Without it labels.txt in DATA_DIR does.",
    )
    flags.DEFINE_integer("num_classes", 0, "Number of classes; 0: as DATA_DIR or catalogue say.")
    flags.DEFINE_integer(
        "label_offset",
        0,
        "Added to the labels of the records; 1 where they count from 0 and the network has a "
        "background class at 0.",
    )
    flags.DEFINE_string("train_regex", "train-*", "Glob of the training shards in DATA_DIR.")
    flags.DEFINE_string("val_regex", "validation-*", "Glob of the evaluation shards in DATA_DIR.")
    flags.DEFINE_string(
        "preprocessing_type",
        "imagenet",
        "Crop and sizes: imagenet, imagenet_SIZE, "
        "imagenet_SIZEa, "
        "imagenet_224_256, imagenet_224_256a (train at 224, evaluate at 256), reid, reid_224, "
        "inception_331, inception_600.",
    )
    flags.DEFINE_integer("image_size", 224, "Side in pixels where the type does not fix it.")
    flags.DEFINE_integer(
        "eval_image_size", 0, "Side in pixels at evaluation; 0: as --preprocessing_type says."
    )
    flags.DEFINE_string(
        "autoaugment_type",
        None,
        "AutoAugment policy: imagenet, v0, cifar10, svhn, good; default off.",
    )
    flags.DEFINE_string(
        "dct_method", "INTEGER_ACCURATE", "JPEG decoding: INTEGER_ACCURATE or INTEGER_FAST."
    )
    flags.DEFINE_enum(
        "decoder_type",
        "jpeg",
        ["jpeg", "webp", "any"],
        "What the records hold: jpeg (and PNG), webp, or any of these, GIF and BMP. WebP needs "
        "`pip install -e .[webp]`.",
    )
    flags.DEFINE_boolean("training_random_crop", True, "Crop training pictures at random.")
    flags.DEFINE_boolean(
        "use_bounding_boxes",
        False,
        "Training crops cover a tenth of a bounding box of the record. The original's do not look "
        "at boxes.",
    )
    define_augmentation_flags()
    flags.DEFINE_integer(
        "shuffle_buffer",
        0,
        "Records in the shuffle buffer; 0: the data set's own (catalogue), "
        "else 10,000. It holds encoded pictures.",
    )
    flags.DEFINE_integer(
        "datasets_num_private_threads",
        0,
        "Threads of the input pipeline; 0: TensorFlow chooses.",
        lower_bound=0,
    )
    flags.DEFINE_integer("val_batch_size", 256, "Pictures in one evaluation batch.", lower_bound=1)
    define_reading_flags()


def define_reading_flags() -> None:
    """What happens with bad records, and who computes the training pictures."""
    flags.DEFINE_enum(
        "on_bad_record",
        "skip",
        configuration.ON_BAD_RECORD,
        "Training records that cannot be used (damaged shard or picture, label out of range, wrong "
        "number of teacher logits): skip and count them, or fail.",
    )
    flags.DEFINE_float(
        "max_bad_records",
        None,
        "Bad records in one pass over the training data above which the run stops; below 1: a "
        "share of all. Default: 1 % of the records, at least 100, at most half.",
        lower_bound=0.0,
    )
    flags.DEFINE_enum(
        "on_bad_val_record",
        "fail",
        configuration.ON_BAD_RECORD,
        "Records of the validation split that cannot be used: fail, or leave them out of the "
        "score, which says how many pictures it counts.",
    )
    flags.DEFINE_string(
        "data_service",
        "",
        "HOST:PORT of a tf.data service (`python -m official.data_service`) whose workers decode "
        "and augment the training pictures; default: this process does.",
    )
    flags.DEFINE_float(
        "data_service_patience",
        600.0,
        "With --data_service: seconds without the end of a training step after which the run ends. "
        "The first step takes longer than others.",
        lower_bound=1.0,
    )
    flags.DEFINE_boolean(
        "keep_freed_memory",
        True,
        "Keep the memory of batches for the next ones instead of giving it back to the system each "
        "time (glibc only): less CPU time for the input, and memory stays at its peak.",
    )


def define_augmentation_flags() -> None:
    """Augmentation that the original does not have; see docs/preprocessing.md."""
    flags.DEFINE_integer(
        "randaugment_num_layers",
        0,
        "RandAugment (1909.13719): operations per picture, N; 0: off.",
        lower_bound=0,
    )
    flags.DEFINE_float(
        "randaugment_magnitude", 9.0, "RandAugment: level of each operation, M, 0 to 10."
    )
    flags.DEFINE_float(
        "augmix_severity",
        0.0,
        "AugMix (1912.02781): largest level of an operation, up to 10 (paper: 3); 0: off.",
    )
    flags.DEFINE_integer("augmix_width", 3, "AugMix: number of chains.", lower_bound=1)
    flags.DEFINE_integer("augmix_depth", -1, "AugMix: operations per chain; -1: 1 to 3 at random.")
    flags.DEFINE_float("augmix_alpha", 1.0, "AugMix: parameter of the mixing distributions.")
    flags.DEFINE_list(
        "scale_augmentation",
        [],
        "Shorter side drawn between two lengths, such as 256,480, then a random square "
        "(1512.03385), instead of the distorted crop; default off.",
    )
    flags.DEFINE_float(
        "rotation_degrees", 0.0, "Rotate training pictures by up to that many degrees; 0: off."
    )
    flags.DEFINE_list(
        "multi_scale",
        [],
        "Sides in pixels, one of which is drawn for each training batch: 192,224,256; default off.",
    )


def define_model_flags() -> None:
    """The architecture."""
    flags.DEFINE_string(
        "model", "", "Name of a network (`python -m official.models`); other model flags change it."
    )
    flags.DEFINE_enum(
        "resnet_size", "50", ["18", "34", "50", "101", "152", "200"], "Depth.", short_name="rs"
    )
    flags.DEFINE_enum(
        "resnet_version", "1", ["1", "2"], "1: ResNet; 2: BigLittle-ResNet.", short_name="rv"
    )
    flags.DEFINE_integer(
        "num_filters", 64, "Width of the first stage; 64 is the paper's.", lower_bound=1
    )
    flags.DEFINE_enum(
        "architecture", "resnet", ["resnet", "mobilenet_v1"], "Kind of network (1704.04861)."
    )
    flags.DEFINE_boolean("no_shortcut", False, "Plain network: 18 or 34 layers, no shortcuts.")
    flags.DEFINE_boolean(
        "use_resnet_b", True, "Stride of a bottleneck on its 3x3; off: on the first 1x1."
    )
    flags.DEFINE_boolean("use_resnet_d", False, "ResNet-D stem and shortcuts (1812.01187).")
    flags.DEFINE_enum(
        "stem_type",
        "",
        ["", "7x7", "deep"],
        "First convolution: 7x7, or deep (three 3x3: ResNet-C). Default: deep with --use_resnet_d.",
    )
    flags.DEFINE_boolean("use_se_block", False, "Squeeze-and-excitation (1709.01507).")
    flags.DEFINE_boolean(
        "use_eca_block", False, "Efficient channel attention, in place of SE (1910.03151)."
    )
    flags.DEFINE_integer(
        "eca_kernel_size",
        0,
        "Width of its convolution over the channels, odd; 0: from their number.",
    )
    flags.DEFINE_boolean("use_sk_block", False, "Selective kernels (1903.06586).")
    flags.DEFINE_enum(
        "sk_type",
        "3x3_2x",
        ["3x3_2x", "3x3_5x5"],
        "Selective kernels: one 3x3 of doubled channels, or a 3x3 and a 5x5 branch.",
    )
    flags.DEFINE_string(
        "anti_alias_type",
        "",
        "Where to blur before subsampling (1904.11486): comma list out of "
        "max, proj, sconv; the paper's final models use sconv.",
    )
    flags.DEFINE_integer("anti_alias_filter_size", 0, "Side of the blur filter, 1 to 7; 0: none.")
    flags.DEFINE_integer("bl_alpha", 2, "BigLittle: the little branch is 1/alpha as wide.")
    flags.DEFINE_integer("bl_beta", 4, "BigLittle: the little branch is 1/beta as deep.")
    flags.DEFINE_boolean(
        "zero_gamma", False, "Start the last batch-norm scale of each residual branch at 0."
    )
    flags.DEFINE_boolean("no_downsample", False, "Keep the resolution in the last stage.")
    flags.DEFINE_enum("pool_type", "gap", ["gap", "gem", "flatten"], "Final pooling.")
    flags.DEFINE_float("gem_power", 3.0, "Exponent of --pool_type=gem.")
    flags.DEFINE_boolean("gem_learnable", False, "Train the exponent; it starts at --gem_power.")
    flags.DEFINE_integer(
        "embedding_size", 0, "Width of an embedding layer before the classifier; 0: none."
    )
    flags.DEFINE_boolean("embedding_batch_norm", True, "Batch norm behind the embedding layer.")
    flags.DEFINE_float("bn_momentum", 0.997, "Share of the old batch-norm statistics that is kept.")
    flags.DEFINE_float(
        "bn_epsilon", 1e-5, "Added to the variance in batch norm; 1.001e-5 is used at least."
    )
    flags.DEFINE_integer("dropblock_size", 7, "DropBlock: side of the squares, in cells.")
    flags.DEFINE_list(
        "dropblock_gamma_scales",
        ["0", "0", "0.25", "1"],
        "DropBlock: factors of the drop rate in stages 1 to 4; 0 leaves a stage out.",
    )
    flags.DEFINE_integer("se_ratio", 16, "Squeeze-and-excitation: channel reduction.")
    flags.DEFINE_integer("sk_reduction", 2, "Selective kernels: channel reduction.")
    flags.DEFINE_integer("sk_min_width", 32, "Selective kernels: least width of the attention.")


def define_recipe_flags() -> None:
    """How it is trained."""
    flags.DEFINE_integer(
        "batch_size",
        32,
        "Pictures that enter the network in one step, over all devices.",
        lower_bound=1,
        short_name="bs",
    )
    flags.DEFINE_integer("train_epochs", 90, "Epochs.", lower_bound=0, short_name="te")
    flags.DEFINE_integer(
        "max_train_steps",
        None,
        "Stop after that many steps; the schedules are not shortened.",
        short_name="mts",
    )
    flags.DEFINE_integer(
        "epochs_between_evals",
        1,
        "Epochs between two evaluations.",
        lower_bound=1,
        short_name="ebe",
    )
    flags.DEFINE_float("base_learning_rate", 0.01, "Rate after the warm-up.", short_name="blr")
    flags.DEFINE_string(
        "learning_rate_decay_type",
        "exponential",
        "fixed, exponential, polynomial, piecewise or cosine.",
        short_name="lrdt",
    )
    flags.DEFINE_float("num_epochs_per_decay", 2.0, "Epochs of one exponential decay step.")
    flags.DEFINE_float("learning_rate_decay_factor", 0.94, "Factor of the exponential decay.")
    flags.DEFINE_float("end_learning_rate", 0.0001, "Last rate of the polynomial decay.")
    flags.DEFINE_list(
        "piecewise_lr_boundary_epochs", ["30", "60", "80", "90"], "Epochs where the rate changes."
    )
    flags.DEFINE_list(
        "piecewise_lr_decay_rates", ["1", "0.1", "0.01", "0.001", "0.0001"], "Factors of the rate."
    )
    flags.DEFINE_integer("lr_warmup_epochs", 0, "Epochs of linear warm-up from 0.", lower_bound=0)
    flags.DEFINE_float("momentum", 0.9, "Momentum.", short_name="mmt")
    flags.DEFINE_float(
        "weight_decay", 0.00004, "L2 weight decay on all but batch-norm variables.", short_name="wd"
    )
    flags.DEFINE_float("label_smoothing", 0.0, "Share of the label spread over all classes.")
    flags.DEFINE_enum("cls_loss_type", "softmax", ["softmax", "sigmoid"], "Classification loss.")
    flags.DEFINE_integer(
        "mixup_type",
        0,
        "0: off; 1: two batches make one; 2: one batch with its own halves (1710.09412).",
        lower_bound=0,
        upper_bound=2,
    )
    flags.DEFINE_float("mixup_alpha", 0.2, "Mixup: parameter of the Beta distribution.")
    flags.DEFINE_float(
        "cutmix_alpha", 0.0, "CutMix: parameter of the Beta distribution (1905.04899); 0: off."
    )
    flags.DEFINE_boolean(
        "mixup_on_device",
        True,
        "Mixup or CutMix in the training step, as in the original; off: in the input pipeline. The "
        "pictures are the same, on any number of devices.",
    )
    flags.DEFINE_boolean("use_dropblock", False, "DropBlock in stages 3 and 4 (1810.12890).")
    flags.DEFINE_list(
        "dropblock_kp", ["1.0", "0.9"], "DropBlock: keep probability at the start and at the end."
    )
    flags.DEFINE_float(
        "kd_temp", 0.0, "Distillation temperature; 0: off. Records must hold image/logit."
    )
    flags.DEFINE_integer(
        "seed", 0, "Seed of everything that is random: the same seed feeds the same pixels."
    )


def define_run_flags() -> None:
    """How the machine is used and what is kept."""
    flags.DEFINE_enum(
        "dtype",
        "fp32",
        ["fp32", "fp16", "bf16"],
        "Precision of the arithmetic; weights, softmax and batch statistics stay float32.",
        short_name="dt",
    )
    flags.DEFINE_string(
        "loss_scale",
        None,
        "fp16: a number, or `dynamic`; default 128, as the original.",
        short_name="ls",
    )
    flags.DEFINE_integer(
        "num_gpus",
        -1,
        "GPUs to use; -1: all there are, 0: the CPU.",
        lower_bound=-1,
        short_name="ng",
    )
    flags.DEFINE_float(
        "save_checkpoints_epochs",
        1.0,
        "Epochs between two checkpoints; fractions are fine.",
        lower_bound=0.0,
    )
    flags.DEFINE_integer("keep_checkpoint_max", 5, "Checkpoints kept; 0: all.", lower_bound=0)
    flags.DEFINE_boolean("clean", False, "Delete MODEL_DIR, if it is a run's, before training.")
    for name, reason in RETIRED_FLAGS.items():
        define = flags.DEFINE_boolean if name in _RETIRED_SWITCHES else flags.DEFINE_string
        define(name, None, f"Accepted and ignored: {reason}.")
    for name, (default, reason) in UNBUILT_FLAGS.items():
        define = flags.DEFINE_boolean if default is False else flags.DEFINE_string
        define(name, None, f"Of the original, refused: {reason}.")
    for short, name in _SHORT_NAMES.items():
        if name in FLAGS:
            flags.DEFINE_alias(short, name)


def define_fine_tuning_flags() -> None:
    """Where a training's first weights come from."""
    flags.DEFINE_string(
        "pretrained_model_checkpoint_path",
        None,
        "Start a new training from these weights: a checkpoint of the original (prefix or folder), "
        "or a MODEL_DIR or checkpoint of this program. The classifier is new where the number of "
        "classes differs.",
        short_name="pmcp",
    )
    flags.DEFINE_boolean(
        "restore_trainable_only",
        False,
        "Fine-tune as the original does: batch-norm statistics, embedding layer and classifier "
        "start fresh.",
    )
    flags.DEFINE_boolean(
        "restore_classifier", True, "Take over the classifier too, if it has as many classes."
    )


def define_mode_flags() -> None:
    """What is done besides training, and which checkpoints stay."""
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
        "export_decoder_type", "jpeg", ["jpeg", "png", "webp", "any"], "Pictures for --export_dir."
    )
    flags.DEFINE_integer(
        "num_best_ckpt_to_keep",
        3,
        "Checkpoints of the best validation top-1 that stay in MODEL_DIR/best.",
        lower_bound=0,
        short_name="nbck",
    )
    flags.DEFINE_boolean(
        "keep_ckpt_every_eval", False, "Keep each evaluated checkpoint in MODEL_DIR/periodical."
    )
    flags.DEFINE_float(
        "ratio_fine_eval",
        1.0,
        "From that share of --train_epochs on, evaluate after every epoch.",
        lower_bound=0.0,
        upper_bound=1.0,
    )


def refused_flags() -> list[str]:
    """Returns a line for each flag of the original that asks for what is not built."""
    return [
        f"--{name}={FLAGS[name].value}: {reason}"
        for name, (default, reason) in UNBUILT_FLAGS.items()
        if name in FLAGS and FLAGS[name].value not in (None, default)
    ]


def ignored_flags() -> list[str]:
    """Returns a line for each retired flag that was given a value."""
    return [
        f"--{name} is ignored: {reason}"
        for name, reason in RETIRED_FLAGS.items()
        if name in FLAGS and FLAGS[name].value is not None
    ]


def model_config(num_classes: int) -> ModelConfig:
    """Returns the architecture that the flags describe.

    Args:
      num_classes: width of the classifier.

    Raises:
      ValueError: an impossible combination, named.
    """
    # The sigmoid loss starts with every class at the probability 1 / num_classes.
    final_bias = 0.0
    if FLAGS.cls_loss_type == "sigmoid":
        final_bias = configuration.sigmoid_bias(num_classes)
    if FLAGS.model:
        changes = {**given_model_fields(), "num_classes": num_classes, "final_bias": final_bias}
        return named_config(FLAGS.model, **changes)
    fields = {**_model_fields(), "num_classes": num_classes, "final_bias": final_bias}
    return ModelConfig(**fields)


def given_model_fields() -> dict[str, Any]:
    """Returns the `ModelConfig` fields whose flags stand on the command line.

    Raises:
      ValueError: a list holds something that is no number.
    """
    return _model_fields(given_only=True)


def _model_fields(given_only: bool = False) -> dict[str, Any]:
    """Returns the `ModelConfig` fields that have a flag, with the flags' values."""
    fields = {}
    for field in dataclasses.fields(ModelConfig):
        flag = "resnet_version" if field.name == "big_little" else field.name
        if flag not in FLAGS or (given_only and not FLAGS[flag].present):
            continue
        value = FLAGS[flag].value
        if value is None:
            continue
        if field.name == "big_little":
            value = value == "2"
        elif field.name == "resnet_size":
            value = int(value)
        elif isinstance(value, list):
            value = _numbers(flag, float)
        fields[field.name] = value
    return fields


def contradictions(config: configuration.RunConfig) -> list[str]:
    """Returns a line for each model or preprocessing flag given that differs from a run's.

    What matters in training only may differ.
    """
    training_only = {
        *("use_dropblock", "dropblock_size", "dropblock_gamma_scales", "seed", "zero_gamma"),
        *("bn_momentum", "autoaugment_type", "training_random_crop", "use_bounding_boxes"),
        *("randaugment_num_layers", "randaugment_magnitude", "scale_augmentation"),
        *("augmix_severity", "augmix_width", "augmix_depth", "augmix_alpha"),
        *("rotation_degrees", "multi_scale"),
    }
    wanted = given_model_fields()
    prepared = preprocessing_config().to_dict()
    wanted.update({k: v for k, v in prepared.items() if k in FLAGS and FLAGS[k].present})
    saved = {**config.preprocessing.to_dict(), **config.model.to_dict()}
    lines = []
    for field, value in wanted.items():
        found = tuple(saved[field]) if isinstance(saved[field], list) else saved[field]
        if field not in training_only and found != value:
            lines.append(f"{field}: {found!r}, not {value!r}")
    return lines


def preprocessing_config() -> PreprocessingConfig:
    """Returns the preprocessing that the flags describe; raises ValueError for unknown names.

    Raises:
      RunError: WebP records, and no decoder for them is installed.
    """
    if FLAGS.decoder_type == "webp" and not webp_available():
        raise configuration.RunError(
            "--decoder_type=webp: TensorFlow 2.15 has no decoder of its own for it: pip install "
            "-e .[webp]"
        )
    return PreprocessingConfig(
        preprocessing_type=FLAGS.preprocessing_type,
        image_size=FLAGS.image_size,
        eval_image_size=FLAGS.eval_image_size,
        autoaugment_type=FLAGS.autoaugment_type or "",
        dct_method=FLAGS.dct_method,
        decoder=FLAGS.decoder_type,
        training_random_crop=FLAGS.training_random_crop,
        use_bounding_boxes=FLAGS.use_bounding_boxes,
        randaugment_num_layers=FLAGS.randaugment_num_layers,
        randaugment_magnitude=FLAGS.randaugment_magnitude,
        augmix_severity=FLAGS.augmix_severity,
        augmix_width=FLAGS.augmix_width,
        augmix_depth=FLAGS.augmix_depth,
        augmix_alpha=FLAGS.augmix_alpha,
        scale_augmentation=_numbers("scale_augmentation", int),
        rotation_degrees=FLAGS.rotation_degrees,
        multi_scale=_numbers("multi_scale", int),
    )


def recipe_config() -> configuration.RecipeConfig:
    """Returns the recipe that the flags describe; raises ValueError for impossible values."""
    return configuration.RecipeConfig(
        batch_size=FLAGS.batch_size,
        train_epochs=FLAGS.train_epochs,
        base_learning_rate=FLAGS.base_learning_rate,
        learning_rate_decay_type=FLAGS.learning_rate_decay_type,
        num_epochs_per_decay=FLAGS.num_epochs_per_decay,
        learning_rate_decay_factor=FLAGS.learning_rate_decay_factor,
        end_learning_rate=FLAGS.end_learning_rate,
        piecewise_lr_boundary_epochs=_numbers("piecewise_lr_boundary_epochs", int),
        piecewise_lr_decay_rates=_numbers("piecewise_lr_decay_rates", float),
        lr_warmup_epochs=FLAGS.lr_warmup_epochs,
        momentum=FLAGS.momentum,
        weight_decay=FLAGS.weight_decay,
        label_smoothing=FLAGS.label_smoothing,
        cls_loss_type=FLAGS.cls_loss_type,
        mixup_type=FLAGS.mixup_type,
        mixup_alpha=FLAGS.mixup_alpha,
        cutmix_alpha=FLAGS.cutmix_alpha,
        mixup_on_device=FLAGS.mixup_on_device,
        use_dropblock=FLAGS.use_dropblock,
        dropblock_kp=_numbers("dropblock_kp", float),
        kd_temp=FLAGS.kd_temp,
        dtype=FLAGS.dtype,
        loss_scale=FLAGS.loss_scale or "",
        seed=FLAGS.seed,
    )


def _numbers(name: str, kind: type) -> tuple:
    """Returns a list flag as a tuple of `kind`.

    Raises:
      ValueError: an entry is no number.
    """
    try:
        return tuple(kind(value) for value in FLAGS[name].value)
    except ValueError as error:
        raise ValueError(
            f"--{name} must be numbers separated by commas. Received: {FLAGS[name].value}"
        ) from error
