"""What is done to a whole batch: mixup or CutMix, in the input pipeline or on the device.

Both places run the same function with the same seed, so on one device they give the same batch.
"""

import dataclasses

import tensorflow as tf

from preprocessing import cut_mix, mixup, resize, seeds

# In place of an epoch: keeps these random numbers apart from those of the pictures.
_STREAM = -1


@dataclasses.dataclass(frozen=True)
class MixingConfig:
    """Which pictures are mixed, and how.

    Attributes:
        mixup_type: 0: no mixup; 1: two batches make one; 2: a batch with its own halves.
        mixup_alpha: Parameter of mixup's Beta distribution.
        cutmix_alpha: Parameter of CutMix's Beta distribution; 0: no CutMix.

    Raises:
        ValueError: If a value is out of range, or both are on.
    """

    mixup_type: int = 0
    mixup_alpha: float = 0.2
    cutmix_alpha: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be done."""
        if self.mixup_type not in (0, 1, 2):
            raise ValueError(f"mixup_type must be 0, 1 or 2. Received: {self.mixup_type!r}")
        if not self.mixup_alpha > 0:
            raise ValueError(f"mixup_alpha must be greater than 0. Received: {self.mixup_alpha!r}")
        if not self.cutmix_alpha >= 0:
            raise ValueError(f"cutmix_alpha must be at least 0. Received: {self.cutmix_alpha!r}")
        if self.mixup_type and self.cutmix_alpha:
            raise ValueError(
                "mixup and CutMix exclude each other. Received: "
                f"mixup_type={self.mixup_type}, cutmix_alpha={self.cutmix_alpha}"
            )

    @property
    def active(self) -> bool:
        """Whether anything is mixed."""
        return self.mixup_type > 0 or self.cutmix_alpha > 0

    @property
    def pictures_per_result(self) -> int:
        """How many pictures are decoded for one that comes out."""
        return 2 if self.mixup_type == 1 else 1


def to_input(images: tf.Tensor) -> tf.Tensor:
    """Returns the network's input: bytes lose the mean, floating pictures are ready already.

    Args:
        images: [..., H, W, 3], as `train_pixels` returns them, or batches of them.

    Returns:
        float32 (floating dtypes: as given) of the same shape.
    """
    return resize.subtract_mean(images) if images.dtype == tf.uint8 else images


def mix(
    images: tf.Tensor,
    labels: tf.Tensor,
    teacher: tf.Tensor | None,
    seed: tf.Tensor,
    config: MixingConfig,
    one_by_one: bool = False,
) -> mixup.Mixed:
    """Mixes a batch as the configuration says; its random numbers depend on the seed alone.

    Args:
        images: uint8 or floating [N, H, W, 3], as `train_pixels` returns them; for mixup type 1
            N is twice the size of the result and must be even.
        labels: float32 [N, K], one-hot.
        teacher: float32 [N, K] or None.
        seed: int32 or int64 [2].
        config: What to do.
        one_by_one: Whether to go picture by picture: faster on a CPU, slower on a GPU.

    Returns:
        Images for `to_input`, labels and teacher labels (None if none were given). From mixup the
        images are the network's input already, in one pass over them; CutMix leaves bytes bytes.
    """
    if config.cutmix_alpha:
        height, width = images.shape[1:3]
        count = tf.shape(images)[0]
        boxes = cut_mix.sample_boxes(seed, count, height, width, config.cutmix_alpha)
        return cut_mix.cutmix(images, labels, boxes, teacher, one_by_one)
    if not config.mixup_type:
        return images, labels, teacher
    finish = resize.subtract_mean if images.dtype == tf.uint8 else None
    options = {"teacher": teacher, "one_by_one": one_by_one, "finish": finish}
    half = tf.shape(images)[0] // 2
    if config.mixup_type == 1:
        lambdas = mixup.sample_lambdas(seed, half, config.mixup_alpha)
        return mixup.mixup_type1(images, labels, lambdas, **options)
    lambdas = mixup.sample_lambdas(seed, 2 * half, config.mixup_alpha)
    return mixup.mixup_type2(images, labels, lambdas[:half], lambdas[half:], **options)


def step_seed(run_seed: int, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the seed of one batch, int64 [2], which no example of the run has.

    Args:
        run_seed: Seed of the whole run.
        step: Number of the batch, counted from 0 over the whole run, an integer scalar.
    """
    return seeds.example_seed(run_seed, _STREAM, step)
