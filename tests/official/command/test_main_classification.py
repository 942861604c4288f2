"""main_classification.py: the original's scripts, with the original's defaults and meanings."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from nets import named_config
from nets.config import ModelConfig
from official.command import original_flags
from official.train import __main__ as train_command

ROOT = pathlib.Path(__file__).parents[3]

# The flags of the original's scripts, without the paths.
TRAINED = {
    "learning_rate_decay_type": "cosine", "lr_warmup_epochs": "5", "resnet_size": "50",
}  # fmt: skip
ASSEMBLED = {
    "resnet_version": "2", "use_sk_block": "True", "anti_alias_type": "sconv",
    "anti_alias_filter_size": "3",
}  # fmt: skip
ON_IMAGENET = {
    **TRAINED, "dataset_name": "imagenet", "batch_size": "1024", "num_gpus": "8",
    "weight_decay": "1e-4", "base_learning_rate": "0.4", "momentum": "0.9", "zero_gamma": "True",
    "dtype": "fp16",
}  # fmt: skip
ON_FOOD = {
    **TRAINED, "dataset_name": "food101", "batch_size": "256", "num_gpus": "4",
    "weight_decay": "0.001", "base_learning_rate": "0.01", "train_epochs": "100",
    "bn_momentum": "0.966", "keep_checkpoint_max": "0", "ratio_fine_eval": "0.9",
    "epochs_between_evals": "10", "pretrained_model_checkpoint_path": "/pretrained",
}  # fmt: skip
SCRIPTS = {
    "train_vanila_from_scratch": {
        **ON_IMAGENET, "preprocessing_type": "imagenet", "resnet_version": "1",
        "epochs_between_evals": "5", "train_epochs": "120",
    },
    "train_assemble_from_scratch": {
        **ON_IMAGENET, **ASSEMBLED, "preprocessing_type": "imagenet_224_256", "mixup_type": "1",
        "autoaugment_type": "imagenet", "use_dropblock": "True", "label_smoothing": "0.1",
        "kd_temp": "1", "epochs_between_evals": "10", "train_epochs": "600",
    },
    "finetuning_vanila_on_food101": {
        **ON_FOOD, "preprocessing_type": "imagenet", "resnet_version": "1",
    },
    "finetuning_assemble_on_food101": {
        **ON_FOOD, **ASSEMBLED, "mixup_type": "1", "autoaugment_type": "good",
        "label_smoothing": "0.1", "use_dropblock": "True", "dropblock_kp": "0.9,0.7",
    },
}  # fmt: skip

# The 83 flags and their defaults, as the original's modules define them; None: no value.
DEFAULTS = {
    "data_dir": "/tmp", "model_dir": "/tmp", "clean": False, "train_epochs": 90,
    "epochs_between_evals": 1, "stop_threshold": None, "batch_size": 32, "num_gpus": 1,
    "hooks": "LoggingTensorHook", "export_dir": None, "inter_op_parallelism_threads": 0,
    "intra_op_parallelism_threads": 0, "use_synthetic_data": False, "max_train_steps": None,
    "dtype": "fp32", "loss_scale": None, "all_reduce_alg": None, "data_format": None,
    "benchmark_logger_type": "BaseBenchmarkLogger", "benchmark_test_id": None,
    "benchmark_log_dir": None, "gcp_project": None, "bigquery_data_set": "test_benchmark",
    "bigquery_run_table": "benchmark_run", "bigquery_run_status_table": "benchmark_run_status",
    "bigquery_metric_table": "benchmark_metric", "dataset_name": None, "val_batch_size": 256,
    "pretrained_model_checkpoint_path": None, "num_epochs_per_decay": 2.0,
    "learning_rate_decay_factor": 0.94, "base_learning_rate": 0.01, "end_learning_rate": 0.0001,
    "learning_rate_decay_type": "exponential", "momentum": 0.9, "bn_momentum": 0.997,
    "embedding_size": 0, "piecewise_lr_boundary_epochs": [30, 60, 80, 90],
    "piecewise_lr_decay_rates": [1, 0.1, 0.01, 0.001, 0.0001], "eval_similarity": "cosine",
    "cls_loss_type": "softmax", "logit_type": None, "arc_s": 80.0, "arc_m": 0.15,
    "pool_type": "gap", "no_downsample": False, "preprocessing_type": "imagenet",
    "autoaugment_type": None, "mixup_type": 0, "use_resnet_d": False, "use_se_block": False,
    "use_sk_block": False, "anti_alias_filter_size": 0, "anti_alias_type": "",
    "resnet_version": "1", "bl_alpha": 2, "bl_beta": 4, "weight_decay": 0.00004,
    "use_dropblock": False, "dropblock_kp": [1.0, 0.9], "label_smoothing": 0.0, "kd_temp": 0,
    "lr_warmup_epochs": 0, "zero_gamma": False, "dct_method": "INTEGER_ACCURATE",
    "use_ranking_loss": None, "with_drawing_bbox": False, "use_hyperdash": True,
    "num_best_ckpt_to_keep": 3, "keep_ckpt_every_eval": True, "keep_checkpoint_max": 20,
    "eval_only": False, "training_random_crop": True, "export_only": False,
    "export_decoder_type": "jpeg", "save_checkpoints_epochs": 1.0, "ratio_fine_eval": 1.0,
    "zeroshot_eval": False, "label_file": None, "train_regex": "train-*",
    "val_regex": "validation-*", "recall_at_k": [1, 5], "resnet_size": "50",
}  # fmt: skip
# Fields that are called otherwise, and flags that are no field of a run.
RENAMED = {"resnet_version": "big_little"}
NO_FIELD = {
    *original_flags.RETIRED, *original_flags.UNBUILT, "eval_only", "export_only", "export_dir",
    "export_decoder_type",
}  # fmt: skip


@pytest.fixture
def resolved(call_command, capsys):
    """What main_classification.py makes of a command line: all fields by name."""

    def call(**given):
        words = [f"--{name}={value}" for name, value in given.items()]
        words = original_flags.with_defaults(words)
        call_command(train_command, *words, "--print_config")
        parts = json.loads(capsys.readouterr().out)
        # Last what has a field of the same name in two parts.
        return parts | {k: v for part in parts.values() for k, v in part.items()}

    return call


def test_there_are_83_flags_and_each_has_the_original_default(resolved):
    assert len(DEFAULTS) == 83
    found = resolved(dataset_name="imagenet")
    for name in set(DEFAULTS) - NO_FIELD - {"dataset_name"}:
        value, wanted = found[RENAMED.get(name, name)], DEFAULTS[name]
        if name == "resnet_version":
            wanted = wanted == "2"
        if name == "resnet_size":
            wanted = int(wanted)
        # What has no value is nothing of its kind here.
        assert value == wanted or (wanted is None and not value), name


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_the_original_means_what_it_says(name, resolved):
    given = SCRIPTS[name]
    found = resolved(**given)
    for flag, text in given.items():
        value = found[RENAMED.get(flag, flag)]
        if flag == "resnet_version":
            value = "2" if value else "1"
        if isinstance(value, list):
            value = ",".join(map(str, value))
        same = str(value) == text or (type(value) in (int, float) and value == float(text))
        assert same, (flag, value)
    for flag in set(DEFAULTS) - set(given) - NO_FIELD:
        value, wanted = found[RENAMED.get(flag, flag)], DEFAULTS[flag]
        assert value == wanted or (wanted in (None, "1") and not value), flag


def test_what_the_scripts_build(resolved):
    """The networks, sizes and steps that the original's flags give."""
    wanted = {
        # 1,281,167 images in batches of 1,024: 150,136 and 750,683 updates; 75,750 in 256: 29,589.
        "train_vanila_from_scratch": ("resnet50", 1001, True, 0.997, 224, 150136),
        "train_assemble_from_scratch": ("assemble_resnet50", 1001, True, 0.997, 256, 750683),
        "finetuning_vanila_on_food101": ("resnet50", 101, False, 0.966, 224, 29589),
        "finetuning_assemble_on_food101": ("assemble_resnet50", 101, False, 0.966, 224, 29589),
    }
    for name, (network, classes, zero_gamma, momentum, size, steps) in wanted.items():
        found = resolved(**SCRIPTS[name])
        expected = named_config(
            network, num_classes=classes, zero_gamma=zero_gamma, bn_momentum=momentum,
            use_dropblock="assemble" in name,
        )  # fmt: skip
        assert ModelConfig.from_dict(found["model"]) == expected, name
        follows = found["follows"]
        assert (follows["eval_size"], follows["total_steps"]) == (size, steps), name
        # Only trainable variables without dense layers, where there are weights to start from.
        assert found["restore_trainable_only"] == ("food" in name)


def test_meanings_that_differ_are_the_original_ones(resolved):
    found = resolved(dataset_name="food101", pretrained="/x")
    assert found["original_cycles"] and found["soft_placement"] and found["restore_trainable_only"]


def test_the_documentation_has_all_flags_with_both_defaults():
    text = (ROOT / "docs/original_flags.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\| ([^|]*) \|", text, re.MULTILINE))
    assert set(rows) == set(DEFAULTS)
    for name, value in DEFAULTS.items():
        shown = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        shown = {"None": "-", "": "empty"}.get(shown, shown)
        assert rows[name].strip("`") == shown, name


def test_it_runs_from_anywhere(tmp_path):
    command = [sys.executable, ROOT / "main_classification.py", "--print_config", "--ds=imagenet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: there is no flag --ds")
    command[-1] = "--dataset_name=food101"
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["options"]["num_gpus"] == 1
