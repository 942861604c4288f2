"""The flags: every field of a network has one, and the original's command lines are understood."""

import dataclasses
import pathlib
import re

import pytest
from absl import flags

from nets import ModelConfig, named_config
from official.command import configs, original_flags
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.train import __main__ as train_command

FLAGS = flags.FLAGS

# Everything that differs from the default: each flag must reach its field.
RESNET = {
    "resnet_size": 101, "num_filters": 32, "bl_alpha": 4, "bl_beta": 3, "use_resnet_b": False,
    "use_resnet_d": True, "stem_type": "7x7", "use_se_block": True, "se_ratio": 8,
    "use_sk_block": True, "sk_type": "3x3_5x5", "sk_reduction": 4, "sk_min_width": 16,
    "anti_alias_type": "max,sconv", "anti_alias_filter_size": 5, "zero_gamma": True,
    "no_downsample": True, "pool_type": "gem", "gem_power": 2.5, "gem_learnable": True,
    "embedding_size": 9, "embedding_batch_norm": False, "bn_momentum": 0.9, "bn_epsilon": 1e-3,
    "use_dropblock": True, "dropblock_size": 5, "dropblock_gamma_scales": (0.0, 0.5, 0.25, 2.0),
    "seed": 3,
}  # fmt: skip
OTHERS = (
    {"resnet_size": 18, "no_shortcut": True, "use_eca_block": True, "eca_kernel_size": 7},
    {"architecture": "mobilenet_v1", "pool_type": "flatten"},
    {"use_resnet_d": True, "shortcut_pool": "strided", "max_pool_padding": "symmetric"},
    {"use_se_block": True, "se_bias": True},
    {"resnet_size": 34, "shortcut_type": "A"},
    {"logit_type": "arc_margin", "arc_s": 30.0},
)

# Flags of the original and their short names: hparams_config.py and the flags of TensorFlow's
# official models that it takes over.
ORIGINAL = {
    "data_dir": "dd", "model_dir": "md", "clean": "", "train_epochs": "te",
    "epochs_between_evals": "ebe", "stop_threshold": "st", "batch_size": "bs", "num_gpus": "ng",
    "hooks": "hk", "export_dir": "ed", "inter_op_parallelism_threads": "inter",
    "intra_op_parallelism_threads": "intra", "use_synthetic_data": "synth",
    "max_train_steps": "mts", "dtype": "dt", "loss_scale": "ls", "all_reduce_alg": "ara",
    "data_format": "df", "benchmark_logger_type": "", "benchmark_test_id": "bti",
    "benchmark_log_dir": "bld", "gcp_project": "gp", "bigquery_data_set": "bds",
    "bigquery_run_table": "brt", "bigquery_run_status_table": "brst",
    "bigquery_metric_table": "bmt", "resnet_size": "rs", "dataset_name": "",
    "val_batch_size": "", "pretrained_model_checkpoint_path": "pmcp",
    "num_epochs_per_decay": "nepd", "learning_rate_decay_factor": "lrdf",
    "base_learning_rate": "blr", "end_learning_rate": "elr", "learning_rate_decay_type": "lrdt",
    "momentum": "mmt", "bn_momentum": "", "embedding_size": "",
    "piecewise_lr_boundary_epochs": "pwlrb", "piecewise_lr_decay_rates": "pwlrd",
    "eval_similarity": "", "cls_loss_type": "", "logit_type": "", "arc_s": "", "arc_m": "",
    "pool_type": "", "no_downsample": "", "preprocessing_type": "", "autoaugment_type": "",
    "mixup_type": "", "use_resnet_d": "", "use_se_block": "", "use_sk_block": "",
    "anti_alias_filter_size": "", "anti_alias_type": "", "resnet_version": "rv", "bl_alpha": "",
    "bl_beta": "", "weight_decay": "wd", "use_dropblock": "", "dropblock_kp": "drblkp",
    "label_smoothing": "lblsm", "kd_temp": "", "lr_warmup_epochs": "", "zero_gamma": "",
    "dct_method": "dctm", "use_ranking_loss": "", "with_drawing_bbox": "", "use_hyperdash": "",
    "num_best_ckpt_to_keep": "nbck", "keep_ckpt_every_eval": "", "keep_checkpoint_max": "",
    "eval_only": "", "training_random_crop": "", "export_only": "", "export_decoder_type": "",
    "save_checkpoints_epochs": "", "ratio_fine_eval": "", "zeroshot_eval": "", "label_file": "",
    "train_regex": "", "val_regex": "", "recall_at_k": "", "return_embedding": "",
}  # fmt: skip

# Its scripts, without the paths.
SCRATCH = [
    "--dataset_name=imagenet", "--preprocessing_type=imagenet_224_256", "--batch_size=1024",
    "--mixup_type=1", "--autoaugment_type=imagenet", "--resnet_version=2", "--resnet_size=50",
    "--use_sk_block=True", "--anti_alias_type=sconv", "--anti_alias_filter_size=3",
    "--use_dropblock=True", "--num_gpus=8", "--learning_rate_decay_type=cosine",
    "--weight_decay=1e-4", "--base_learning_rate=0.4", "--momentum=0.9", "--lr_warmup_epochs=5",
    "--zero_gamma=True", "--label_smoothing=0.1", "--kd_temp=1", "--dtype=fp16",
    "--epochs_between_evals=10", "--train_epochs=600",
]  # fmt: skip
FOOD = [
    "--dataset_name=food101", "--num_gpus=4", "--mixup_type=1", "--autoaugment_type=good",
    "--label_smoothing=0.1", "--resnet_version=2", "--resnet_size=50",
    "--anti_alias_filter_size=3", "--anti_alias_type=sconv", "--use_sk_block=True",
    "--use_dropblock=True", "--dropblock_kp=0.9,0.7", "--batch_size=256",
    "--base_learning_rate=0.01", "--learning_rate_decay_type=cosine", "--lr_warmup_epochs=5",
    "--train_epochs=100", "--bn_momentum=0.966", "--weight_decay=0.001",
    "--keep_checkpoint_max=0", "--ratio_fine_eval=0.9", "--epochs_between_evals=10", "--clean",
]  # fmt: skip
BEST = [
    "--eval_only=True", "--dataset_name=imagenet", "--preprocessing_type=imagenet_224_256a",
    "--resnet_version=2", "--resnet_size=152", "--bl_alpha=1", "--bl_beta=2",
    "--use_sk_block=True", "--anti_alias_type=sconv", "--anti_alias_filter_size=3",
]  # fmt: skip


def as_flags(fields):
    """Fields of a network as words of a command line."""
    return [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in fields.items()
    ]


def test_every_field_of_a_network_has_its_flag(call_command):
    fields = {field.name for field in dataclasses.fields(ModelConfig)}
    # The keep probability of a run is the recipe's, --dropblock_kp.
    from_elsewhere = {"num_classes", "final_bias", "big_little", "dropblock_keep_prob"}
    assert set(RESNET).union(*OTHERS) == fields - from_elsewhere
    for given in (RESNET, *OTHERS):
        defaults = ModelConfig()
        assert all(getattr(defaults, name) != value for name, value in given.items())
        built, named = call_command(
            train_command, *as_flags(given),
            function=lambda: (configs.model_config(7), configs.given_model_fields()),
        )  # fmt: skip
        assert built == ModelConfig(**given, num_classes=7)
        assert named == given
    big_little = call_command(train_command, "--rv=2", function=lambda: configs.model_config(7))
    assert big_little == ModelConfig(big_little=True, num_classes=7)


def test_a_list_of_words_is_refused(call_command):
    with pytest.raises(ValueError, match="--dropblock_gamma_scales must be numbers .*'much'"):
        call_command(
            train_command,
            "--dropblock_gamma_scales=0,0,0,much",
            function=configs.given_model_fields,
        )


def test_every_flag_of_the_original_is_known(call_command):
    call_command(train_command, function=lambda: check_names(ORIGINAL))
    lines = call_command(
        train_command, "--use_hyperdash=False", "--bmt=table", "--df=channels_first",
        function=original_flags.ignored,
    )  # fmt: skip
    assert [line.split()[0] for line in lines] == [
        "--data_format", "--use_hyperdash", "--bigquery_metric_table",
    ]  # fmt: skip
    lines = call_command(
        train_command, "--zeroshot_eval", "--return_embedding",
        function=original_flags.refused,
    )  # fmt: skip
    assert [line.split("=")[0] for line in lines] == ["--zeroshot_eval", "--return_embedding"]


def check_names(names):
    for name, short in names.items():
        assert name in FLAGS, name
        assert not short or short in FLAGS, short


def resolved():
    assert original_flags.refused() == [] and original_flags.ignored() == []
    return (
        configs.model_config(1001), configs.recipe_config(), configs.preprocessing_config(),
    )  # fmt: skip


def test_the_scripts_of_the_original_are_understood(call_command):
    model, recipe, pictures = call_command(train_command, *SCRATCH, function=resolved)
    assert model == named_config("assemble_resnet50", use_dropblock=True)
    assert (recipe.batch_size, recipe.train_epochs, recipe.kd_temp) == (1024, 600, 1.0)
    assert (recipe.weight_decay, recipe.base_learning_rate, recipe.dtype) == (1e-4, 0.4, "fp16")
    assert (pictures.train_size, pictures.eval_size) == (224, 256)

    model, recipe, pictures = call_command(train_command, *FOOD, function=resolved)
    assert model == named_config(
        "assemble_resnet50", use_dropblock=True, bn_momentum=0.966, zero_gamma=False
    )
    assert (recipe.dropblock_kp, recipe.lr_warmup_epochs) == ((0.9, 0.7), 5)
    assert (pictures.autoaugment_type, pictures.eval_size) == ("good", 224)

    model, _, pictures = call_command(train_command, *BEST, function=resolved)
    assert model == named_config("assemble_resnet152", zero_gamma=False)
    assert pictures == dataclasses.replace(
        pictures, preprocessing_type="imagenet_224_256a", autoaugment_type=""
    )


def test_the_momentum_of_batch_norm_is_a_number_or_auto(call_command, records):
    def given(*arguments):
        config = call_command(
            train_command, f"--data_dir={records}", "--model_dir=x", *arguments,
            function=configs.run_config,
        )  # fmt: skip
        return config.model.bn_momentum, config.recipe.auto_bn_momentum

    assert given() == (0.0, False)
    assert given("--bn_momentum=0.95") == (0.95, False)
    assert given("--bn_momentum=auto") == (0.0, True)
    assert given("--bn_momentum=auto", "--model=resnet50") == (0.0, True)


def test_every_flag_says_what_it_does(call_command):
    """The texts come out of the docstrings of the configurations, in one piece."""
    texts = call_command(train_command, function=lambda: {name: FLAGS[name].help for name in FLAGS})
    assert not [name for name, text in texts.items() if not text]
    assert texts["max_train_steps"] == (
        "Stop after that many steps; the schedules are not shortened. 0: no limit, "
        "--train_epochs decides."
    )
    assert texts["sk_min_width"].startswith("Least number of channels") and texts[
        "pretrained_model_checkpoint_path"
    ].endswith("new where the number of classes differs.")


def test_the_documentation_has_every_flag_of_the_recipe():
    """Each with its default."""
    text = (pathlib.Path(__file__).parents[3] / "docs/training.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", text, re.MULTILINE))
    for kind in (RecipeConfig, RunOptions):
        for field in dataclasses.fields(kind):
            if field.name in ("auto_bn_momentum", "model_dir"):
                continue
            wanted = field.default
            if isinstance(wanted, tuple):
                wanted = ",".join(str(v) if isinstance(v, str) else f"{v:g}" for v in wanted)
            shown = "-" if wanted in (None, "") else str(wanted)
            assert rows[field.name] == shown, field.name
