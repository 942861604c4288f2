"""Flags of the original repository: their short names, and those that have no work to do here."""

from absl import flags

from official.run import flag_files

FLAGS = flags.FLAGS

# Accepted, and their idleness printed.
RETIRED = {
    "data_format": "tensors are channels-last; TensorFlow chooses the layout that is fastest",
    "use_hyperdash": "scores go to TensorBoard and to training.jsonl",
    "hooks": "progress, TensorBoard scalars and JSON lines are always written",
    "with_drawing_bbox": "bounding boxes are not drawn",
    **dict.fromkeys(
        ("benchmark_log_dir", "benchmark_logger_type", "benchmark_test_id"),
        "use `python -m official.benchmark`",
    ),
    **dict.fromkeys(
        (
            "gcp_project", "bigquery_data_set", "bigquery_run_table", "bigquery_run_status_table",
            "bigquery_metric_table",
        ),
        "scores are not sent to BigQuery",
    ),
    "label_file": "class names come from labels.txt in DATA_DIR",
    "inter_op_parallelism_threads": "TensorFlow chooses; TF_NUM_INTEROP_THREADS sets it",
    "intra_op_parallelism_threads": "TensorFlow chooses; TF_NUM_INTRAOP_THREADS sets it",
    "all_reduce_alg": "MirroredStrategy chooses how gradients are summed",
    **dict.fromkeys(("eval_similarity", "recall_at_k"), "it belongs to --zeroshot_eval"),
    "use_ranking_loss": "the published code has no ranking loss either",
    "use_synthetic_data": "in the published code it only names the benchmark's log; `python -m "
    "official.benchmark` measures without data",
}  # fmt: skip
_RETIRED_SWITCHES = ("use_hyperdash", "with_drawing_bbox", "use_synthetic_data")

# Not built: any value but the original's default is refused.
UNBUILT = {
    "zeroshot_eval": (False, "retrieval is not built; official.evaluate scores classification"),
    "return_embedding": (False, "the output `embedding` of an exported model holds it"),
}

# What main_classification.py puts before the words of its command line: the original's defaults and
# meanings where those of official.train differ on purpose.
MAIN_CLASSIFICATION = (
    "--data_dir=/tmp",
    "--model_dir=/tmp",
    "--num_gpus=1",
    "--soft_placement",
    "--keep_checkpoint_max=20",
    "--keep_ckpt_every_eval",
    # Not as fits the number of steps.
    "--bn_momentum=0.997",
    "--arc_m=0.15",
    "--original_cycles",
)
# The same where it starts from other weights: batch-norm statistics and dense layers start anew.
_WITH_WEIGHTS = "--restore_trainable_only"
_WEIGHTS = ("pretrained_model_checkpoint_path", "pmcp", "pretrained")

# What asks for nothing, written out.
_OFF = ("", "None", "none", "False", "false", "0")

SHORT_NAMES = {
    "model_dir": "md", "data_dir": "dd", "resnet_size": "rs", "resnet_version": "rv",
    "batch_size": "bs", "train_epochs": "te", "max_train_steps": "mts",
    "epochs_between_evals": "ebe", "base_learning_rate": "blr", "learning_rate_decay_type": "lrdt",
    "momentum": "mmt", "weight_decay": "wd", "dtype": "dt", "loss_scale": "ls", "num_gpus": "ng",
    "pretrained_model_checkpoint_path": "pmcp", "export_dir": "ed", "num_best_ckpt_to_keep": "nbck",
    "num_epochs_per_decay": "nepd", "learning_rate_decay_factor": "lrdf",
    "end_learning_rate": "elr", "piecewise_lr_boundary_epochs": "pwlrb",
    "piecewise_lr_decay_rates": "pwlrd", "dropblock_kp": "drblkp", "label_smoothing": "lblsm",
    "dct_method": "dctm", "hooks": "hk", "data_format": "df", "stop_threshold": "st",
    "inter_op_parallelism_threads": "inter", "intra_op_parallelism_threads": "intra",
    "all_reduce_alg": "ara", "use_synthetic_data": "synth", "benchmark_test_id": "bti",
    "benchmark_log_dir": "bld", "gcp_project": "gp", "bigquery_data_set": "bds",
    "bigquery_run_table": "brt", "bigquery_run_status_table": "brst",
    "bigquery_metric_table": "bmt",
}  # fmt: skip


def with_defaults(arguments: list[str]) -> list[str]:
    """Returns the words of a command line of the original, with its defaults before them.

    Raises:
      flag_files.BadFlagFile: a flag file among them cannot be read.
    """
    names = {word.lstrip("-").partition("=")[0] for word in flag_files.expanded(arguments)}
    extra = [_WITH_WEIGHTS] if names.intersection(_WEIGHTS) else []
    return [*MAIN_CLASSIFICATION, *extra, *arguments]


def define() -> None:
    """Defines the flags that are ignored and those that are refused."""
    for name, reason in RETIRED.items():
        switch = name in _RETIRED_SWITCHES
        _define(name, switch, f"Accepted and ignored: {reason}.")
    for name, (default, reason) in UNBUILT.items():
        _define(name, default is False, f"Of the original, refused: {reason}.")


def _define(name: str, switch: bool, text: str) -> None:
    define = flags.DEFINE_boolean if switch else flags.DEFINE_string
    define(name, None, text, short_name=SHORT_NAMES.get(name))


def refused() -> list[str]:
    """Returns a line for each flag that asks for what is not built."""
    return [
        f"--{name}={FLAGS[name].value}: {reason}"
        for name, (default, reason) in UNBUILT.items()
        if name in FLAGS and FLAGS[name].value not in (None, default, *_OFF)
    ]


def ignored() -> list[str]:
    """Returns a line for each retired flag that was given a value."""
    return [
        f"--{name} is ignored: {reason}"
        for name, reason in RETIRED.items()
        if name in FLAGS and FLAGS[name].value is not None
    ]
