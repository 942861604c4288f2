"""What a `RecipeConfig` refuses: impossible values, and fields that exclude each other.

`config` is a `RecipeConfig` in all functions; its module imports this one.
"""

import fractions
import math
from typing import Any

from official.run import recipe_choices as choices

_PAIRS_NEEDED = "at least 2 where images of one batch are mixed with each other"
_WARMUPS = ("lr_warmup_epochs", "lr_warmup_steps", "lr_warmup_fraction")
_MOMENTA = "two numbers in [0, 1), such as 0.95,0.85, or empty"


def check(config: Any) -> None:
    """Checks every field and every combination.

    Raises:
      ValueError: the message names the flag, its value and what would be right.
    """
    _check_batches(config)
    _check_arithmetic(config)
    _check_loss(config)
    _check_optimizer(config)
    _check_schedule(config)


def require(config: Any, name: str, good: bool, right: str) -> None:
    """Raises ValueError with the field's name, its value and what is right, unless `good`."""
    if not good:
        raise ValueError(f"--{name} must be {right}. Received: {getattr(config, name)!r}")


def numbers_by_name(flag: str, entries: tuple[str, ...], what: str, right: str) -> dict:
    """Returns the numbers of `name:number` entries; raises ValueError for what is none."""
    found: dict[str, float] = {}
    for entry in entries:
        name, _, text = entry.rpartition(":")
        try:
            number = float(fractions.Fraction(text.strip()))
        except (ValueError, ZeroDivisionError):
            number = -1.0
        name = name.strip()
        if number < 0 or not name or name in found:
            raise ValueError(
                f"--{flag} must name each {what} once, with a number of at least 0, such as "
                f"{right}. Received: {entry!r}"
            )
        found[name] = number
    return found


def _check_batches(config: Any) -> None:
    require(config, "batch_size", config.batch_size >= 1, "at least 1")
    require(config, "mixup_type", config.mixup_type in (0, 1, 2), "0, 1 or 2")
    finite = 0 < config.mixup_alpha < math.inf
    require(config, "mixup_alpha", finite, "greater than 0 and finite")
    finite = 0 <= config.cutmix_alpha < math.inf
    require(config, "cutmix_alpha", finite, "at least 0 and finite")
    pairs = config.mixing.active and config.mixup_type != 1
    require(config, "batch_size", config.batch_size >= 2 or not pairs, _PAIRS_NEEDED)
    pieces = config.accumulation_steps
    good = pieces >= 1 and config.batch_size % pieces == 0
    right = f"at least 1 and divide --batch_size={config.batch_size}"
    require(config, "accumulation_steps", good, right)
    require(config, "repeat_crops", config.repeat_crops >= 0, "at least 0")


def _check_arithmetic(config: Any) -> None:
    require(config, "dtype", config.dtype in choices.DTYPES, f"one of {list(choices.DTYPES)}")
    require(config, "loss_scale", _is_scale(config.loss_scale), "a number or `dynamic`")
    idle = config.loss_scale and config.dtype != "fp16"
    right = f"left out with --dtype={config.dtype}: it is a part of --dtype=fp16"
    require(config, "loss_scale", not idle, right)


def _check_loss(config: Any) -> None:
    require(config, "label_smoothing", 0 <= config.label_smoothing < 1, "in [0, 1)")
    require(config, "kd_temp", config.kd_temp >= 0, "at least 0")
    _check_teacher(config)
    right = f"in {choices.LOSS_TYPES}"
    require(config, "cls_loss_type", config.cls_loss_type in choices.LOSS_TYPES, right)
    good = 0 <= config.augmix_consistency < math.inf
    require(config, "augmix_consistency", good, "at least 0 and finite")
    if config.augmix_consistency and config.mixing.active:
        raise ValueError(
            "--augmix_consistency compares views of one image, of which mixup and CutMix make two: "
            f"leave one of them out. Received: --augmix_consistency={config.augmix_consistency:g}, "
            f"--mixup_type={config.mixup_type}, --cutmix_alpha={config.cutmix_alpha:g}"
        )
    require(config, "arc_m", 0 <= config.arc_m <= math.pi / 4, "from 0 to 0.785 (radians)")
    kept = config.dropblock_kp
    good = len(kept) == 2 and all(0 < value <= 1 for value in kept)
    require(config, "dropblock_kp", good, "two numbers in (0, 1], such as 1.0,0.9")
    _ = config.weight_of_class


def _check_teacher(config: Any) -> None:
    alpha = config.kd_alpha
    require(config, "kd_alpha", alpha is None or 0 <= alpha <= 1, "from 0 to 1")
    for name in ("kd_alpha", "teacher"):
        given = getattr(config, name) not in (None, "")
        right = "given with --kd_temp, such as --kd_temp=1 (0 is no distillation)"
        require(config, name, config.kd_temp > 0 or not given, right)
    for name in ("weights", "image_size", "normalization", "label_offset"):
        idle = getattr(config, f"teacher_{name}") and not config.teacher
        require(config, f"teacher_{name}", not idle, "given with --teacher")
    known = choices.NORMALIZATIONS
    right = f"one of {', '.join(known[1:])}, or empty"
    require(config, "teacher_normalization", config.teacher_normalization in known, right)
    require(config, "teacher_label_offset", abs(config.teacher_label_offset) <= 1, "-1, 0 or 1")


def _check_optimizer(config: Any) -> None:
    known = choices.OPTIMIZERS
    require(config, "optimizer", config.optimizer in known, f"one of {list(known)}")
    require(config, "momentum", 0 <= config.momentum < 1, "in [0, 1)")
    require(config, "weight_decay", config.weight_decay >= 0, "at least 0")
    known = choices.WEIGHT_DECAY_TYPES
    right = f"one of {', '.join(known[1:])}, or empty"
    require(config, "weight_decay_type", config.weight_decay_type in known, right)
    if config.optimizer == "adamw" and config.weight_decay_type == "l2":
        raise ValueError(
            "--optimizer=adamw is Adam with --weight_decay_type=decoupled; with l2 it is "
            "--optimizer=adam. Received: --weight_decay_type='l2'"
        )
    own = config.optimizer == "lars" and config.weight_decay_type
    right = "left out with --optimizer=lars, whose update has a decay of its own"
    require(config, "weight_decay_type", not own, right)
    good = 0 < config.lars_trust_coefficient < math.inf
    require(config, "lars_trust_coefficient", good, "greater than 0 and finite")
    require(config, "clip_norm", 0 <= config.clip_norm < math.inf, "at least 0 and finite")
    require(config, "ema_decay", 0 <= config.ema_decay < 1, "in [0, 1)")
    _ = config.layer_factors


def _check_schedule(config: Any) -> None:
    decay = config.learning_rate_decay_type
    right = f"one of {', '.join(choices.DECAY_TYPES)}"
    require(config, "learning_rate_decay_type", decay in choices.DECAY_TYPES, right)
    boundaries, rates = config.piecewise_lr_boundary_epochs, config.piecewise_lr_decay_rates
    if decay == "piecewise" and len(rates) != len(boundaries) + 1:
        raise ValueError(
            "--piecewise_lr_decay_rates needs one value more than "
            f"--piecewise_lr_boundary_epochs. Received: {list(rates)} and {list(boundaries)}"
        )
    _check_warmup(config)
    good = 0 < config.one_cycle_pct_start < 1
    require(config, "one_cycle_pct_start", good, "greater than 0 and less than 1")
    for name in ("one_cycle_div_factor", "one_cycle_final_div_factor"):
        require(config, name, 1 <= getattr(config, name) < math.inf, "at least 1 and finite")
    momenta = config.one_cycle_momentum
    good = not momenta or (len(momenta) == 2 and all(0 <= value < 1 for value in momenta))
    require(config, "one_cycle_momentum", good, _MOMENTA)
    right = f"one of {', '.join(choices.SCORES)}"
    require(config, "plateau_metric", config.plateau_metric in choices.SCORES, right)
    require(config, "plateau_patience", config.plateau_patience >= 1, "at least 1")
    require(config, "plateau_factor", 0 < config.plateau_factor < 1, "greater than 0 and below 1")


def _check_warmup(config: Any) -> None:
    """A warm-up is said in one way."""
    for name in _WARMUPS:
        require(config, name, getattr(config, name) >= 0, "at least 0")
    require(config, "lr_warmup_fraction", config.lr_warmup_fraction < 1, "a share below 1")
    given = [f"--{name}={getattr(config, name):g}" for name in _WARMUPS if getattr(config, name)]
    if len(given) > 1:
        raise ValueError(f"The warm-up must be said in one way. Received: {' and '.join(given)}")
    if given and config.learning_rate_decay_type == "one_cycle":
        raise ValueError(
            "--learning_rate_decay_type=one_cycle rises by itself, for --one_cycle_pct_start of "
            f"all steps: leave the warm-up out. Received: {given[0]}"
        )


def _is_scale(text: str) -> bool:
    """Whether --loss_scale can be read."""
    if text in ("", "dynamic"):
        return True
    try:
        return float(text) > 0
    except ValueError:
        return False
