"""How a network is trained: the recipe, and the learning rate that follows from it."""

import dataclasses
import math
from typing import Any

from official.run import recipe_checks
from official.run.recipe_choices import BALANCED
from preprocessing import MixingConfig

# The batch whose rate is `base_learning_rate` where that is scaled (1706.02677, section 2.1).
_BASE_BATCH = 256


@dataclasses.dataclass(frozen=True)
class RecipeConfig:
    """How a network is trained; fields are the flags of the same names.

    Attributes:
      batch_size: Images that enter the network in one step, over all devices.
      train_epochs: Epochs; cosine decay ends with the last one.
      base_learning_rate: Rate after the warm-up, the highest one. It is not scaled by the batch
        size unless `scale_rate_by_batch`.
      learning_rate_decay_type: fixed, exponential, polynomial, piecewise, cosine, one_cycle
        (1708.07120) or plateau, which lowers the rate where a score gets no better.
      num_epochs_per_decay: Epochs of one exponential decay step, or of the polynomial decay.
      learning_rate_decay_factor: Factor of the exponential decay.
      end_learning_rate: Last rate of the polynomial decay.
      piecewise_lr_boundary_epochs: Epochs where the rate changes.
      piecewise_lr_decay_rates: Factors of the rate, one more than boundaries.
      lr_warmup_epochs: Epochs of linear warm-up from 0; parts of an epoch, such as 0.5, are fine.
      momentum: Momentum.
      weight_decay: Weight decay on all but batch-norm variables.
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
      optimizer: momentum, as the original has it; adam (1412.6980) or adamw (1711.05101), whose
        beta_1 is `momentum` and whose rates are near 1e-4; or lars (1708.03888), for large batches.
      freeze: Groups of layers that do not learn: stem, stage1 to stage4, or backbone for all of
        these; batch_norm for all batch norms. Frozen batch norms keep their statistics.
      repeat_crops: Passes over the images after which the same random crops come again; 0: never.
        What the frozen layers at the beginning make of them is computed once then, and kept in
        MODEL_DIR until the training is finished.
      weight_decay_type: l2: a term of the loss, as in the original; decoupled: each update takes
        rate * weight_decay of a weight away. Empty: as the optimiser has it, which is decoupled
        with adamw, a part of its update with lars, and l2 with the others.
      decay_biases: Weight decay on biases too, as in the original.
      lars_trust_coefficient: LARS: share of its own norm by which a weight moves at a rate of 1.
      lr_warmup_steps: Steps of linear warm-up from 0, in place of `lr_warmup_epochs`.
      lr_warmup_fraction: Warm-up as a share of all steps, in place of `lr_warmup_epochs`.
      scale_rate_by_batch: Multiply the rates by batch_size / 256.
      one_cycle_pct_start: One-cycle: share of all steps in which the rate rises.
      one_cycle_div_factor: One-cycle: the highest rate over the first one.
      one_cycle_final_div_factor: One-cycle: the first rate over the last one.
      one_cycle_momentum: One-cycle: momentum at the lowest and at the highest rate, in place of
        `momentum`; an empty value keeps that.
      kd_alpha: Distillation: weight of the classification loss, from 0 to 1; the rest is that of
        T^2 times the Kullback-Leibler divergence from the teacher (Hinton et al., 1503.02531).
        Default: the paper's plain sum of the classification loss and T^2 times the cross entropy.
      teacher: Distillation by a network that runs along and sees the student's very pixels, in
        place of logits in the records: a MODEL_DIR or a checkpoint in it, a SavedModel, keras:NAME
        of tf.keras.applications, or the name of a network.
      teacher_weights: Of a teacher by name: imagenet, which is downloaded (the default), or a file.
      teacher_image_size: Side of the teacher's images in pixels; 0: as it says itself.
      teacher_normalization: What a SavedModel of another program does to grey levels: raw
        (nothing), caffe, tf or torch, as in tf.keras.applications.
      teacher_label_offset: What a class's number is greater by with the teacher, 1 or -1 where only
        one of both has a background class at 0; 0: as names or numbers of classes say.
      augmix_consistency: AugMix: weight of the Jensen-Shannon divergence of three views of each
        image, the clean one and two mixtures, all of which go through the network (1912.02781, with
        12); the classification loss is that of the clean one. 0: off.
      arc_m: Margin of logit_type=arc_margin, in radians (1801.07698); half a right angle at most.
      auto_bn_momentum: Where the network's `bn_momentum` is 0: let it follow from the steps of an
        epoch (`schedules.epoch_bn_momentum`), not from those of the training. --bn_momentum=auto.
      plateau_metric: The score that plateau looks at, one of those of early_stopping_metric.
      plateau_patience: Evaluations that are no better than the best one before them, after which
        plateau lowers the rate.
      plateau_factor: By what plateau multiplies the rate then.
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
    weight_decay_type: str = ""
    decay_biases: bool = True
    lars_trust_coefficient: float = 0.001
    lr_warmup_steps: int = 0
    lr_warmup_fraction: float = 0.0
    scale_rate_by_batch: bool = False
    one_cycle_pct_start: float = 0.3
    one_cycle_div_factor: float = 25.0
    one_cycle_final_div_factor: float = 10_000.0
    one_cycle_momentum: tuple[float, ...] = (0.95, 0.85)
    kd_alpha: float | None = None
    teacher: str = ""
    teacher_weights: str = ""
    teacher_image_size: int = 0
    teacher_normalization: str = ""
    teacher_label_offset: int = 0
    augmix_consistency: float = 0.0
    arc_m: float = 0.3
    auto_bn_momentum: bool = False
    plateau_metric: str = "top1"
    plateau_patience: int = 10
    plateau_factor: float = 0.1

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for values that cannot train."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # As JSON has it.
                object.__setattr__(self, field.name, tuple(value))
        recipe_checks.check(self)

    @property
    def layer_factors(self) -> dict[str, float]:
        """Returns the factor of the rate by group of layers, of those that `layer_rates` names."""
        return recipe_checks.numbers_by_name(
            "layer_rates", self.layer_rates, "group", "stem:1/10,stage1:0.125"
        )

    @property
    def weight_of_class(self) -> dict[str, float]:
        """Returns the weight in the loss by name, of the classes that `class_weights` names."""
        if self.class_weights == (BALANCED,):
            return {}
        right = f"rose:2,tulip:0.5, or be `{BALANCED}`"
        return recipe_checks.numbers_by_name("class_weights", self.class_weights, "class", right)

    @property
    def mixing(self) -> MixingConfig:
        """What is done to whole batches."""
        return MixingConfig(self.mixup_type, self.mixup_alpha, self.cutmix_alpha)

    @property
    def scales_loss_dynamically(self) -> bool:
        """Whether the scale of the loss follows from the gradients, of which some are skipped."""
        return self.dtype == "fp16" and self.loss_scale == "dynamic"

    @property
    def peak_rate(self) -> float:
        """The rate after the warm-up, scaled by the batch where that is wanted."""
        scale = self.batch_size / _BASE_BATCH if self.scale_rate_by_batch else 1.0
        return self.base_learning_rate * scale

    @property
    def decay_type(self) -> str:
        """Where the weight decay is: `l2` in the loss, `decoupled` from it, or `lars`."""
        if self.optimizer == "lars":
            return "lars"
        return self.weight_decay_type or ("decoupled" if self.optimizer == "adamw" else "l2")

    @property
    def reads_logits(self) -> bool:
        """Whether the records must hold a teacher's logits."""
        return self.kd_temp > 0 and not self.teacher

    @property
    def cycles_momentum(self) -> bool:
        """Whether the momentum goes down and up again in the course of the training."""
        return self.learning_rate_decay_type == "one_cycle" and bool(self.one_cycle_momentum)

    def total_steps(self, num_images: int) -> int:
        """Returns the number of updates of the whole training."""
        return int(self.train_epochs * num_images / self.batch_size)


def sigmoid_bias(num_classes: int) -> float:
    """Returns the bias at which a sigmoid gives each of `num_classes` the same prior."""
    if num_classes < 2:
        raise ValueError(f"The sigmoid loss needs at least 2 classes. Received: {num_classes}")
    return -math.log(num_classes - 1)


def dataclass_from(kind: type, value: dict[str, Any]) -> Any:
    """Makes a frozen dataclass from JSON values, lists back to tuples."""
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise ValueError(f"unknown settings of {kind.__name__}: {', '.join(unknown)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})
