"""Reads a command line; what cannot be read is one line: the flag, its value, and what is meant."""

import difflib
import itertools
import re
import sys

from absl import flags

from official.run import flag_files

FLAGS = flags.FLAGS

# What flags are called in other programs.
_ELSEWHERE = {
    "epochs": "train_epochs", "num_epochs": "train_epochs", "n_epochs": "train_epochs",
    "lr": "base_learning_rate", "learning_rate": "base_learning_rate", "lr0": "base_learning_rate",
    "scheduler": "learning_rate_decay_type", "lr_scheduler": "learning_rate_decay_type",
    "lr_schedule": "learning_rate_decay_type", "warmup": "lr_warmup_epochs",
    "warmup_epochs": "lr_warmup_epochs", "batch": "batch_size", "bs": "batch_size",
    "smoothing": "label_smoothing", "decay": "weight_decay", "steps": "max_train_steps",
    "max_steps": "max_train_steps", "train_steps": "max_train_steps", "data": "data_dir",
    "dataset": "data_dir", "data_path": "data_dir", "dataset_dir": "data_dir",
    "output_dir": "model_dir", "output": "model_dir", "out": "model_dir", "logdir": "model_dir",
    "log_dir": "model_dir", "save_dir": "model_dir", "run_dir": "model_dir",
    "img_size": "image_size", "imgsz": "image_size", "img": "image_size", "size": "image_size",
    "input_size": "image_size", "resolution": "image_size", "arch": "model", "network": "model",
    "model_name": "model", "backbone": "model", "depth": "resnet_size", "width": "num_filters",
    "classes": "num_classes", "mixup": "mixup_type", "cutmix": "cutmix_alpha",
    "auto_augment": "autoaugment_type", "autoaugment": "autoaugment_type", "aa": "autoaugment_type",
    "randaugment": "randaugment_num_layers", "precision": "dtype", "amp": "dtype", "fp16": "dtype",
    "mixed_precision": "dtype", "dropblock": "use_dropblock", "workers":
    "datasets_num_private_threads", "num_workers": "datasets_num_private_threads",
    "gpus": "num_gpus", "devices": "num_gpus", "device": "num_gpus",
    "weights": "pretrained_model_checkpoint_path", "resume": "model_dir",
    "pretrained": "pretrained_model_checkpoint_path", "overwrite": "clean", "ckpt": "checkpoint",
    "checkpoint_path": "checkpoint", "topk": "top_k", "k": "top_k", "tta": "ten_crop",
    "version": "export_version", "temperature": "kd_temp", "sk": "use_sk_block",
    "ema": "ema_decay", "model_ema": "ema_decay", "model_ema_decay": "ema_decay",
    "clip_grad": "clip_norm", "max_grad_norm": "clip_norm", "grad_clip": "clip_norm",
    "clipnorm": "clip_norm", "global_clipnorm": "clip_norm", "gradient_clip_val": "clip_norm",
    "gradient_clipping": "clip_norm", "accumulate": "accumulation_steps",
    "grad_accum_steps": "accumulation_steps", "accumulate_grad_batches": "accumulation_steps",
    "gradient_accumulation_steps": "accumulation_steps", "layer_decay": "layer_rates",
    "early_stopping": "early_stopping_patience", "early_stop": "early_stopping_patience",
}  # fmt: skip
_DASHES = re.compile("^[‐-―−]+")


class BadCommandLine(ValueError):
    """A command line that cannot be read; the message is one line."""


def parse(arguments: list[str]) -> list[str]:
    """Gives the flags their values and returns the other words; ends with status 1 where it cannot.

    It is what `app.run` takes as `flags_parser`.
    """
    try:
        return read(arguments)
    except BadCommandLine as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def read(arguments: list[str]) -> list[str]:
    """Gives the flags their values and returns the other words.

    A flag file may name others; a relative path there is looked for in the folder of that file and
    in those above it, then in the working directory. Later flags win.

    Raises:
      BadCommandLine: an unknown flag, no value, or an impossible one.
    """
    _require_values(arguments[1:])
    try:
        return FLAGS(flag_files.expanded(arguments))
    except flag_files.BadFlagFile as error:
        raise BadCommandLine(str(error)) from error
    except flags.UnrecognizedFlagError as error:
        raise BadCommandLine(_unknown(error.flagname)) from error
    except flags.Error as error:
        raise BadCommandLine(_in_words(error)) from error


def hint_of(word: str) -> str:
    """Returns what a word was meant to be that belongs to no flag, as the end of a sentence."""
    name = _DASHES.sub("", word).partition("=")[0]
    meant = name in FLAGS and (_DASHES.match(word) or "=" in word)
    return f" (did you mean --{_DASHES.sub('', word)}?)" if meant else ""


def _require_values(arguments: list[str]) -> None:
    """Refuses a flag without its value, which would take the next flag for it."""
    for argument, following in itertools.pairwise([*arguments, ""]):
        if argument == "--":
            return
        name = argument.lstrip("-")
        if argument == name or name not in FLAGS or FLAGS[name].boolean:
            continue
        if following.startswith("--") or _is_flag(following):
            raise BadCommandLine(
                f"--{FLAGS[name].name} has no value: {following} comes next. Write "
                f"--{FLAGS[name].name}=VALUE ({_kind(FLAGS[name])}){_default(FLAGS[name])}."
            )


def _is_flag(word: str) -> bool:
    """Whether a word is a flag with one dash; a negative number is none."""
    name = word.lstrip("-").partition("=")[0]
    return word.startswith("-") and (name in FLAGS or name.removeprefix("no") in FLAGS)


def _unknown(name: str) -> str:
    """Returns what is said of a flag that is not there."""
    near = _near(name)
    hint = f"did you mean {' or '.join(f'--{flag}' for flag in near)}?" if near else "see --help."
    return f"there is no flag --{name}; {hint}"


def _near(name: str) -> list[str]:
    """Returns the flags that may be meant by a name."""
    known = [flag for flag in FLAGS if FLAGS[flag].name == flag]
    plain = name.lower().replace("-", "_").strip("_")
    switch = plain.removeprefix("no")
    for form in (plain, switch, *(f"{start}_{plain}" for start in ("use", "num"))):
        meant = _ELSEWHERE.get(form, form)
        if meant in known:
            return [meant]
    near = difflib.get_close_matches(plain, known, n=2, cutoff=0.75)
    near = near or difflib.get_close_matches(switch, known, n=2, cutoff=0.75)
    words = set(plain.split("_"))
    return near or [flag for flag in known if words <= set(flag.split("_"))][:3]


def _in_words(error: flags.Error) -> str:
    """Returns one line for what absl says of a value."""
    text = " ".join(str(error).split())
    missing = re.fullmatch(r"Missing value for flag --?(\w+)", text)
    if missing:
        flag = FLAGS[missing[1]]
        return f"--{flag.name} has no value: write --{flag.name}=VALUE ({_kind(flag)})."
    wrong = re.fullmatch(r"flag --(\w+)=(.*?): (.*)", text)
    if wrong and wrong[1] in FLAGS:
        return f"--{wrong[1]}={wrong[2]}: it must be {_kind(FLAGS[wrong[1]])}."
    return text


def _kind(flag: flags.Flag) -> str:
    """Returns what values a flag takes."""
    values = getattr(flag.parser, "enum_values", None)
    if values:
        return "one of " + ", ".join(value or "''" for value in values)
    if flag.boolean:
        return f"true or false; --{flag.name} and --no{flag.name} say the same"
    kinds = {"int": "a whole number", "float": "a number", "string": "a text"}
    kind = kinds.get(flag.flag_type(), "a list with commas")
    low, high = getattr(flag.parser, "lower_bound", None), getattr(flag.parser, "upper_bound", None)
    kind = " or ".join([kind, *getattr(flag.parser, "words", ())])
    bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
    return ", ".join([kind, *bounds])


def _default(flag: flags.Flag) -> str:
    """Returns how to say that the default is wanted, as the end of a sentence."""
    return "" if flag.default in (None, "") else f", or leave it out for {flag.default}"
