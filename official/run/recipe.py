"""How a network is trained: the recipe, and the learning rate that follows from it."""

import dataclasses
import fractions
import math
from typing import Any

from preprocessing import MixingConfig

DTYPES = {"fp32": "float32", "fp16": "mixed_float16", "bf16": "mixed_bfloat16"}
LOSS_TYPES = ("softmax", "sigmoid")
BALANCED = "balanced"
DECAY_TYPES = ("fixed", "exponential", "polynomial", "piecewise", "cosine")
OPTIMIZERS = ("momentum", "adam")
# What `freeze` may name besides the groups of a network.
BACKBONE, BATCH_NORM = "backbone", "batch_norm"
_PAIRS_NEEDED = "at least 2 where images of one batch are mixed with each other"


@dataclasses.dataclass(frozen=True)
class RecipeConfig:
    """How a network is trained; fields are the flags of the same names.

    Attributes:
      batch_size: Images that enter the network in one step, over all devices.
      train_epochs: Epochs; cosine decay ends with the last one.
      base_learning_rate: Rate after the warm-up. It is not scaled by the batch size.
      learning_rate_decay_type: fixed, exponential, polynomial, piecewise or cosine.
      num_epochs_per_decay: Epochs of one exponential decay step, or of the polynomial decay.
      learning_rate_decay_factor: Factor of the exponential decay.
      end_learning_rate: Last rate of the polynomial decay.
      piecewise_lr_boundary_epochs: Epochs where the rate changes.
      piecewise_lr_decay_rates: Factors of the rate, one more than boundaries.
      lr_warmup_epochs: Epochs of linear warm-up from 0; fractions are fine.
      momentum: Momentum.
      weight_decay: L2 weight decay on all but batch-norm variables.
      label_smoothing: Share of the label spread over all classes.
      cls_loss_type: Classification loss.
      mixup_type: 0: off; 1: two batches make one; 2: one batch with its own halves (1710.09412).
      mixup_alpha: Mixup: parameter of the Beta distribution.
      use_dropblock: DropBlock in stages 3 and 4 (1810.12890).
      dropblock_kp: DropBlock: keep probability at the start and at the end.
      kd_temp: Distillation temperature; 0: off. Records must hold image/logit.
      dtype: Precision of the arithmetic; weights, softmax and batch statistics stay float32.
      loss_scale: fp16: a number, or `dynamic`; default 128, as the original.
      seed: Seed of everything that is random: the same seed feeds the same pixels.
      cutmix_alpha: CutMix: parameter of the Beta distribution (1905.04899); 0: off.
      mixup_on_device: Mixup or CutMix in the training step, as in the original; off: in the input
        pipeline. The images are the same, on any number of devices.
      layer_rates: Factors of the rate for groups of layers, such as stem:1/10,stage1:1/8; the
        groups are stem, stage1 to stage4 and head, and one that is not named has the factor 1.
      clip_norm: Largest norm of the gradient of all weights together; above it the gradient is
        scaled down. 0: off.
      accumulation_steps: Pieces of equal size in which a batch goes through the network, where
        memory is too small for the whole; one update follows. It trains like the whole batch, but
        that batch norm sees a piece at a time.
      ema_decay: Decay of an exponential moving average of the weights, such as 0.999, with which
        the network is scored and exported; the first updates take less, (1 + n) / (10 + n) after n
        of them. 0: off.
      class_weights: Weights of classes in the classification loss, such as rose:2,tulip:0.5 (a
        class that is not named has 1), or balanced: the fewer images a class has, the more.
      balanced_sampling: Every class comes equally often in an epoch, which has as many images as
        before: those of small classes more than once, each time with another crop.
      optimizer: momentum, as the original has it, or adam (1412.6980), whose beta_1 is `momentum`
        and whose rates are near 1e-4.
      freeze: Groups of layers that do not learn: stem, stage1 to stage4, or backbone for all of
        these; batch_norm for all batch norms. Frozen batch norms keep their statistics.
      repeat_crops: Passes over the images after which the same random crops come again; 0: never.
        What the frozen layers at the beginning make of them is computed once then, and kept in
        MODEL_DIR until the training is finished.
    """

    batch_size: int = 32
    train_epochs: int = 90
    base_learning_rate: float = 0.01
    learning_rate_decay_type: str = "exponential"
    num_epochs_per_decay: float = 2.0
    learning_rate_decay_factor: float = 0.94
    end_learning_rate: float = 0.0001
    piecewise_lr_boundary_epochs: tuple[int, ...] = (30, 60, 80, 90)
    piecewise_lr_decay_rates: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001, 0.0001)
    lr_warmup_epochs: float = 0.0
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
    layer_rates: tuple[str, ...] = ()
    clip_norm: float = 0.0
    accumulation_steps: int = 1
    ema_decay: float = 0.0
    class_weights: tuple[str, ...] = ()
    balanced_sampling: bool = False
    optimizer: str = "momentum"
    freeze: tuple[str, ...] = ()
    repeat_crops: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for values that cannot train."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # As JSON has it.
                object.__setattr__(self, field.name, tuple(value))
        require(self, "batch_size", self.batch_size >= 1, "at least 1")
        require(self, "mixup_type", self.mixup_type in (0, 1, 2), "0, 1 or 2")
        finite = 0 < self.mixup_alpha < math.inf
        require(self, "mixup_alpha", finite, "greater than 0 and finite")
        finite = 0 <= self.cutmix_alpha < math.inf
        require(self, "cutmix_alpha", finite, "at least 0 and finite")
        pairs = self.mixing.active and self.mixup_type != 1
        require(self, "batch_size", self.batch_size >= 2 or not pairs, _PAIRS_NEEDED)
        require(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
        require(self, "weight_decay", self.weight_decay >= 0, "at least 0")
        require(self, "kd_temp", self.kd_temp >= 0, "at least 0")
        require(self, "optimizer", self.optimizer in OPTIMIZERS, f"one of {list(OPTIMIZERS)}")
        require(self, "repeat_crops", self.repeat_crops >= 0, "at least 0")
        require(self, "dtype", self.dtype in DTYPES, f"one of {list(DTYPES)}")
        require(self, "cls_loss_type", self.cls_loss_type in LOSS_TYPES, f"in {LOSS_TYPES}")
        good = len(self.dropblock_kp) == 2 and all(0 < value <= 1 for value in self.dropblock_kp)
        require(self, "dropblock_kp", good, "two numbers in (0, 1], such as 1.0,0.9")
        require(self, "loss_scale", self._loss_scale_is_good(), "a number or `dynamic`")
        require(self, "clip_norm", 0 <= self.clip_norm < math.inf, "at least 0 and finite")
        require(self, "ema_decay", 0 <= self.ema_decay < 1, "in [0, 1)")
        pieces = self.accumulation_steps
        good = pieces >= 1 and self.batch_size % pieces == 0
        right = f"at least 1 and divide --batch_size={self.batch_size}"
        require(self, "accumulation_steps", good, right)
        _ = self.layer_factors, self.weight_of_class
        decay = self.learning_rate_decay_type
        right = f"one of {', '.join(DECAY_TYPES)}"
        require(self, "learning_rate_decay_type", decay in DECAY_TYPES, right)
        boundaries, rates = self.piecewise_lr_boundary_epochs, self.piecewise_lr_decay_rates
        if decay == "piecewise" and len(rates) != len(boundaries) + 1:
            raise ValueError(
                "--piecewise_lr_decay_rates needs one value more than "
                f"--piecewise_lr_boundary_epochs. Received: {list(rates)} and {list(boundaries)}"
            )

    def _loss_scale_is_good(self) -> bool:
        """Whether --loss_scale can be read."""
        if self.loss_scale in ("", "dynamic"):
            return True
        try:
            return float(self.loss_scale) > 0
        except ValueError:
            return False

    @property
    def layer_factors(self) -> dict[str, float]:
        """Returns the factor of the rate by group of layers, of those that `layer_rates` names."""
        return _numbers_by_name("layer_rates", self.layer_rates, "group", "stem:1/10,stage1:0.125")

    @property
    def weight_of_class(self) -> dict[str, float]:
        """Returns the weight in the loss by name, of the classes that `class_weights` names."""
        if self.class_weights == (BALANCED,):
            return {}
        right = f"rose:2,tulip:0.5, or be `{BALANCED}`"
        return _numbers_by_name("class_weights", self.class_weights, "class", right)

    @property
    def mixing(self) -> MixingConfig:
        """What is done to whole batches."""
        return MixingConfig(self.mixup_type, self.mixup_alpha, self.cutmix_alpha)

    @property
    def scales_loss_dynamically(self) -> bool:
        """Whether the scale of the loss follows from the gradients, of which some are skipped."""
        return self.dtype == "fp16" and self.loss_scale == "dynamic"

    def total_steps(self, num_images: int) -> int:
        """Returns the number of updates of the whole training."""
        return int(self.train_epochs * num_images / self.batch_size)


def _numbers_by_name(flag: str, entries: tuple[str, ...], what: str, right: str) -> dict:
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


def sigmoid_bias(num_classes: int) -> float:
    """Returns the bias at which a sigmoid gives each of `num_classes` the same prior."""
    if num_classes < 2:
        raise ValueError(f"The sigmoid loss needs at least 2 classes. Received: {num_classes}")
    return -math.log(num_classes - 1)


def require(config: Any, name: str, good: bool, right: str) -> None:
    """Raises ValueError with the field's name, its value and what is right, unless `good`."""
    if not good:
        raise ValueError(f"--{name} must be {right}. Received: {getattr(config, name)!r}")


def dataclass_from(kind: type, value: dict[str, Any]) -> Any:
    """Makes a frozen dataclass from JSON values, lists back to tuples."""
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise ValueError(f"unknown settings of {kind.__name__}: {', '.join(unknown)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})
