"""How a network is trained: the recipe, and the learning rate that follows from it."""

import dataclasses
import math
from typing import Any

from preprocessing import MixingConfig

DTYPES = {"fp32": "float32", "fp16": "mixed_float16", "bf16": "mixed_bfloat16"}
LOSS_TYPES = ("softmax", "sigmoid")
DECAY_TYPES = ("fixed", "exponential", "polynomial", "piecewise", "cosine")
_PAIRS_NEEDED = "at least 2 where pictures of one batch are mixed with each other"


@dataclasses.dataclass(frozen=True)
class ScheduleConfig:
    """What the learning rate depends on.

    Attributes:
      decay_type: one of `DECAY_TYPES`.
      base_learning_rate: rate at the end of the warm-up; no scaling by batch size is applied.
      steps_per_epoch: images / batch size, not rounded (boundaries are rounded down as a whole).
      train_epochs: length of the training; cosine decay ends there.
      warmup_epochs: epochs of linear warm-up from 0.
      num_epochs_per_decay: epochs of one step of the exponential or of the whole polynomial decay.
      decay_factor: factor of one step of the exponential decay.
      end_learning_rate: last rate of the polynomial decay.
      boundary_epochs: epochs at which the piecewise rate changes.
      decay_rates: factors of the piecewise rate, one more than boundaries.
    """

    decay_type: str = "exponential"
    base_learning_rate: float = 0.01
    steps_per_epoch: float = 1.0
    train_epochs: float = 90
    warmup_epochs: float = 0
    num_epochs_per_decay: float = 2.0
    decay_factor: float = 0.94
    end_learning_rate: float = 0.0001
    boundary_epochs: tuple[int, ...] = (30, 60, 80, 90)
    decay_rates: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001, 0.0001)

    def __post_init__(self) -> None:
        """Refuses what cannot be computed.

        Raises:
          ValueError: unknown decay type, or piecewise lists that do not fit.
        """
        if self.decay_type not in DECAY_TYPES:
            raise ValueError(
                f"--learning_rate_decay_type must be one of {', '.join(DECAY_TYPES)}. "
                f"Received: {self.decay_type!r}"
            )
        if (
            self.decay_type == "piecewise"
            and len(self.decay_rates) != len(self.boundary_epochs) + 1
        ):
            raise ValueError(
                "--piecewise_lr_decay_rates needs one value more than "
                f"--piecewise_lr_boundary_epochs. Received: {list(self.decay_rates)} and "
                f"{list(self.boundary_epochs)}"
            )


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
        require("batch_size", self.batch_size, self.batch_size >= 1, "at least 1")
        require("mixup_type", self.mixup_type, self.mixup_type in (0, 1, 2), "0, 1 or 2")
        alpha = self.mixup_alpha
        require("mixup_alpha", alpha, 0 < alpha < math.inf, "greater than 0 and finite")
        alpha = self.cutmix_alpha
        require("cutmix_alpha", alpha, 0 <= alpha < math.inf, "at least 0 and finite")
        pairs = self.mixing.active and self.mixup_type != 1
        require("batch_size", self.batch_size, self.batch_size >= 2 or not pairs, _PAIRS_NEEDED)
        smoothing = self.label_smoothing
        require("label_smoothing", smoothing, 0 <= smoothing < 1, "in [0, 1)")
        require("weight_decay", self.weight_decay, self.weight_decay >= 0, "at least 0")
        require("kd_temp", self.kd_temp, self.kd_temp >= 0, "at least 0")
        require("dtype", self.dtype, self.dtype in DTYPES, f"one of {list(DTYPES)}")
        kinds = LOSS_TYPES
        require("cls_loss_type", self.cls_loss_type, self.cls_loss_type in kinds, f"in {kinds}")
        keep = self.dropblock_kp
        good = len(keep) == 2 and all(0 < value <= 1 for value in keep)
        require("dropblock_kp", keep, good, "two numbers in (0, 1], such as 1.0,0.9")
        require("loss_scale", self.loss_scale, self._loss_scale_is_good(), "a number or `dynamic`")
        self.schedule(num_images=self.batch_size)

    def _loss_scale_is_good(self) -> bool:
        """Whether --loss_scale can be read."""
        if self.loss_scale in ("", "dynamic"):
            return True
        try:
            return float(self.loss_scale) > 0
        except ValueError:
            return False

    def schedule(self, num_images: int) -> ScheduleConfig:
        """Returns the learning-rate schedule for `num_images` training pictures."""
        return ScheduleConfig(
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


def sigmoid_bias(num_classes: int) -> float:
    """Returns the bias at which a sigmoid gives each of `num_classes` the same prior."""
    if num_classes < 2:
        raise ValueError(f"The sigmoid loss needs at least 2 classes. Received: {num_classes}")
    return -math.log(num_classes - 1)


def require(name: str, value: Any, good: bool, right: str) -> None:
    """Raises ValueError with the flag's name, its value and what is right, unless `good`."""
    if not good:
        raise ValueError(f"--{name} must be {right}. Received: {value!r}")
