"""The resolved configuration of a run, saved in MODEL_DIR/config.json."""

import dataclasses
import importlib.metadata
import math
import os
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from nets import ModelConfig
from official.run import files
from official.train import losses, schedules
from preprocessing import MixingConfig, PreprocessingConfig

CONFIG_FILE = "config.json"
LABELS_FILE = "labels.txt"
ON_BAD_RECORD = ("skip", "fail")
_PAIRS_NEEDED = "at least 2 where pictures of one batch are mixed with each other"
DTYPES = {"fp32": "float32", "fp16": "mixed_float16", "bf16": "mixed_bfloat16"}


class RunError(ValueError):
    """A run that cannot go on: the message names the value, its origin and what would be right."""


def sigmoid_bias(num_classes: int) -> float:
    """Returns the bias at which a sigmoid gives each of `num_classes` the same prior."""
    if num_classes < 2:
        raise ValueError(f"The sigmoid loss needs at least 2 classes. Received: {num_classes}")
    return -math.log(num_classes - 1)


@dataclasses.dataclass(frozen=True)
class RecipeConfig:
    """How a network is trained; fields are the flags of the same names."""

    batch_size: int = 32
    train_epochs: int = 90
    base_learning_rate: float = 0.01
    learning_rate_decay_type: str = "exponential"
    num_epochs_per_decay: float = 2.0
    learning_rate_decay_factor: float = 0.94
    end_learning_rate: float = 0.0001
    piecewise_lr_boundary_epochs: tuple[int, ...] = (30, 60, 80, 90)
    piecewise_lr_decay_rates: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001, 0.0001)
    lr_warmup_epochs: int = 0
    momentum: float = 0.9
    weight_decay: float = 0.00004
    label_smoothing: float = 0.0
    cls_loss_type: str = "softmax"
    mixup_type: int = 0
    mixup_alpha: float = 0.2
    use_dropblock: bool = False
    dropblock_kp: tuple[float, ...] = (1.0, 0.9)
    kd_temp: float = 0.0
    dtype: str = "fp32"
    loss_scale: str = ""
    seed: int = 0
    cutmix_alpha: float = 0.0
    mixup_on_device: bool = True

    def __post_init__(self) -> None:
        """Refuses values that cannot train.

        Raises:
          ValueError: the flag, its value and what is right.
        """
        _require("batch_size", self.batch_size, self.batch_size >= 1, "at least 1")
        _require("mixup_type", self.mixup_type, self.mixup_type in (0, 1, 2), "0, 1 or 2")
        alpha = self.mixup_alpha
        _require("mixup_alpha", alpha, 0 < alpha < math.inf, "greater than 0 and finite")
        alpha = self.cutmix_alpha
        _require("cutmix_alpha", alpha, 0 <= alpha < math.inf, "at least 0 and finite")
        pairs = self.mixing.active and self.mixup_type != 1
        _require("batch_size", self.batch_size, self.batch_size >= 2 or not pairs, _PAIRS_NEEDED)
        smoothing = self.label_smoothing
        _require("label_smoothing", smoothing, 0 <= smoothing < 1, "in [0, 1)")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0, "at least 0")
        _require("kd_temp", self.kd_temp, self.kd_temp >= 0, "at least 0")
        _require("dtype", self.dtype, self.dtype in DTYPES, f"one of {list(DTYPES)}")
        kinds = losses.LOSS_TYPES
        _require("cls_loss_type", self.cls_loss_type, self.cls_loss_type in kinds, f"in {kinds}")
        keep = self.dropblock_kp
        good = len(keep) == 2 and all(0 < value <= 1 for value in keep)
        _require("dropblock_kp", keep, good, "two numbers in (0, 1], such as 1.0,0.9")
        _require("loss_scale", self.loss_scale, self._loss_scale_is_good(), "a number or `dynamic`")
        self.schedule(num_images=self.batch_size)

    def _loss_scale_is_good(self) -> bool:
        """Whether --loss_scale can be read."""
        if self.loss_scale in ("", "dynamic"):
            return True
        try:
            return float(self.loss_scale) > 0
        except ValueError:
            return False

    def schedule(self, num_images: int) -> schedules.ScheduleConfig:
        """Returns the learning-rate schedule for `num_images` training pictures."""
        return schedules.ScheduleConfig(
            decay_type=self.learning_rate_decay_type,
            base_learning_rate=self.base_learning_rate,
            steps_per_epoch=num_images / self.batch_size,
            train_epochs=self.train_epochs,
            warmup_epochs=self.lr_warmup_epochs,
            num_epochs_per_decay=self.num_epochs_per_decay,
            decay_factor=self.learning_rate_decay_factor,
            end_learning_rate=self.end_learning_rate,
            boundary_epochs=self.piecewise_lr_boundary_epochs,
            decay_rates=self.piecewise_lr_decay_rates,
        )

    @property
    def mixing(self) -> MixingConfig:
        """What is done to whole batches."""
        return MixingConfig(self.mixup_type, self.mixup_alpha, self.cutmix_alpha)

    def total_steps(self, num_images: int) -> int:
        """Returns the number of updates of the whole training."""
        return int(self.train_epochs * num_images / self.batch_size)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which records a run reads; fields are the flags of the same names.

    `num_images` is the number of training pictures that the schedules were made for.
    `on_bad_record` and `on_bad_val_record`: see docs/input_pipeline.md.
    """

    data_dir: str
    dataset_name: str = ""
    train_regex: str = "train-*"
    val_regex: str = "validation-*"
    num_classes: int = 0
    num_images: int = 0
    label_offset: int = 0
    shuffle_buffer: int = 10_000
    val_batch_size: int = 256
    private_threads: int = 0
    on_bad_record: str = "fail"
    on_bad_val_record: str = "fail"
    max_bad_records: float | None = None
    data_service: str = ""

    def __post_init__(self) -> None:
        """Refuses values that cannot be read with.

        Raises:
          ValueError: the flag, its value and what is right.
        """
        for name in ("on_bad_record", "on_bad_val_record"):
            value = getattr(self, name)
            _require(name, value, value in ON_BAD_RECORD, f"one of {list(ON_BAD_RECORD)}")
        limit = self.max_bad_records
        _require("max_bad_records", limit, limit is None or limit >= 0, "at least 0")

    def bad_record_limit(self, num_examples: int) -> int:
        """Returns how many of `num_examples` records may be bad before a run stops."""
        if self.max_bad_records is None:
            return min(max(100, num_examples // 100), num_examples // 2)
        if self.max_bad_records < 1:
            return int(self.max_bad_records * num_examples)
        return int(self.max_bad_records)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that evaluate and export need to know of a run."""

    model: ModelConfig
    preprocessing: PreprocessingConfig
    recipe: RecipeConfig
    data: DataConfig

    def to_dict(self) -> dict[str, Any]:
        """Returns nested plain values; tuples become lists in JSON."""
        return {
            "model": self.model.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "recipe": dataclasses.asdict(self.recipe),
            "data": dataclasses.asdict(self.data),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "RunConfig":
        """Makes the configuration that `to_dict` describes.

        Raises:
          ValueError or TypeError: unknown or missing keys.
        """
        return cls(
            model=ModelConfig.from_dict(value["model"]),
            preprocessing=PreprocessingConfig.from_dict(value["preprocessing"]),
            recipe=_dataclass_from(RecipeConfig, value["recipe"]),
            data=_dataclass_from(DataConfig, value["data"]),
        )

    def save(self, model_dir: str) -> None:
        """Writes MODEL_DIR/config.json with the versions that the run was started with."""
        record = {**self.to_dict(), "versions": versions(), "command": sys.argv}
        files.write_json(os.path.join(model_dir, CONFIG_FILE), record)


def load(model_dir: str) -> RunConfig:
    """Returns the configuration of the run in `model_dir`.

    Raises:
      RunError: there is no run, or its config.json cannot be read.
    """
    path = os.path.join(model_dir, CONFIG_FILE)
    if not model_dir:
        raise RunError("--model_dir is missing: the folder that `python -m official.train` wrote.")
    if not tf.io.gfile.exists(path):
        raise RunError(
            f"{path} does not exist: --model_dir must be a folder that "
            "`python -m official.train` or `python -m official.import_checkpoint` wrote."
        )
    try:
        return RunConfig.from_dict(files.read_json(path))
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} cannot be read as the configuration of a run: {error}") from error


def differences(saved: RunConfig, wanted: RunConfig) -> list[str]:
    """Returns a line `section.field: saved -> wanted` for each difference that forbids resuming.

    The folder of the data, evaluation, how bad records are met, what does the reading and where
    pictures are mixed may change between a run and its continuation.
    """
    free = {
        "data": {
            *("data_dir", "val_regex", "val_batch_size", "private_threads", "data_service"),
            *("on_bad_record", "on_bad_val_record", "max_bad_records"),
        },
        "recipe": {"mixup_on_device"},
    }
    old, new = saved.to_dict(), wanted.to_dict()
    lines = []
    for section, fields in new.items():
        for field, value in fields.items():
            if field in free.get(section, ()):
                continue
            before = old[section].get(field)
            if before != value:
                lines.append(f"{section}.{field}: {before!r} -> {value!r}")
    return lines


def versions() -> dict[str, str]:
    """Returns the versions of what computed a run; the git revision where there is one."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": importlib.metadata.version("keras"),
        "numpy": np.__version__,
        "git_revision": _git_revision(),
        "platform": platform.platform(),
    }


def _git_revision() -> str:
    """Returns the revision of this source tree, marked if it has changes, or `unknown`."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


def _dataclass_from(kind: type, value: dict[str, Any]) -> Any:
    """Makes a frozen dataclass from JSON values, lists back to tuples."""
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise ValueError(f"unknown settings of {kind.__name__}: {', '.join(unknown)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})


def _require(name: str, value: Any, good: bool, right: str) -> None:
    """Raises ValueError with the flag's name, its value and what is right, unless `good`."""
    if not good:
        raise ValueError(f"--{name} must be {right}. Received: {value!r}")
