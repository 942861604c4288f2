"""What is done to a whole batch: mixup or CutMix, on the device or in the input pipeline.

The random numbers are drawn in the pipeline, one row per image, and travel with the batch. So the
same function does the same in both places, and on any number of devices (`mixing_order`).
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from preprocessing import seeds
from preprocessing.crops import resize
from preprocessing.mixing import cut_mix, mixup

# Stands for the epoch in the seed, so that no image has the same random numbers.
_STREAM = -1


@dataclasses.dataclass(frozen=True)
class MixingConfig:
    """Which images are mixed, and how.

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
        if not 0 < self.mixup_alpha < math.inf:
            raise ValueError(
                f"mixup_alpha must be greater than 0 and finite. Received: {self.mixup_alpha!r}"
            )
        if not 0 <= self.cutmix_alpha < math.inf:
            raise ValueError(
                f"cutmix_alpha must be at least 0 and finite. Received: {self.cutmix_alpha!r}"
            )
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
    def images_per_result(self) -> int:
        """How many images are decoded for one that comes out."""
        return 2 if self.mixup_type == 1 else 1


def to_input(images: tf.Tensor, channel_means: Sequence[float] = resize.CHANNEL_MEANS) -> tf.Tensor:
    """Returns the network's input: subtracts the mean from bytes; floats are without it already.

    [..., H, W, 3], as `train_pixels` returns them, to float32 (floating dtypes: as given).
    """
    if images.dtype == tf.uint8:
        return resize.subtract_mean(images, channel_means)
    return images


def draw_mixing(
    seed: tf.Tensor, count: int | tf.Tensor, height: int, width: int, config: MixingConfig
) -> tf.Tensor:
    """Draws what `mix` needs to know of a batch of `count` images, N; see `step_seed`.

    Returns:
        One row per image. Mixup: float32 [N], the weight of the first image of a pair. Type 1
        has it twice, type 2 has those of its first results, then those of its second ones, and
        1 for a last image without partner. CutMix: int32 [N, 4], the boxes.

    Raises:
        ValueError: If the configuration mixes nothing.
    """
    _check_active(config)
    if config.cutmix_alpha:
        return cut_mix.sample_boxes(seed, count, height, width, config.cutmix_alpha)
    half = count // 2
    if config.mixup_type == 1:
        return tf.tile(mixup.sample_lambdas(seed, half, config.mixup_alpha), [2])
    lambdas = mixup.sample_lambdas(seed, 2 * half, config.mixup_alpha)
    return tf.concat([lambdas, tf.ones([count - 2 * half])], axis=0)


def mixing_order(count: int, parts: int, config: MixingConfig) -> np.ndarray | None:
    """Returns how to sort a batch that is cut into equal parts, one for each device.

    Each part of the sorted batch can be mixed by itself, and the parts together hold the results of
    the whole batch.

    Returns:
        int64 [count], the old place of each new row; None where images of different parts would
        have to be mixed: CutMix (each image needs the next one), mixup type 1 where the result
        cannot be cut into parts, type 2 where `count` is no multiple of 4 * parts.
    """
    if parts == 1:
        return np.arange(count)
    half = count // 2
    if config.cutmix_alpha:
        return None
    if config.mixup_type == 1:
        if count % (2 * parts):
            return None
        return np.arange(count).reshape([2, parts, half // parts]).swapaxes(0, 1).reshape(-1)
    if count % (4 * parts):
        return None
    # Image i of the first half is mixed with image i of the second half, and with the image that is
    # number i from the end.
    front = np.arange(half // 2).reshape([parts, -1])
    first = np.concatenate([front, half - 1 - front[:, ::-1]], axis=1)
    return np.concatenate([first, half + first], axis=1).reshape(-1)


def mix(
    images: tf.Tensor,
    labels: tf.Tensor,
    teacher: tf.Tensor | None,
    drawn: tf.Tensor,
    config: MixingConfig,
    one_by_one: bool = False,
    channel_means: Sequence[float] = resize.CHANNEL_MEANS,
) -> mixup.Mixed:
    """Mixes a batch as the configuration says.

    Args:
        images: uint8 or floating [N, H, W, 3], as `train_pixels` returns them; for mixup type 1
            N is twice the size of the result and must be even.
        labels: float32 [N, K], one-hot.
        teacher: float32 [N, K] or None.
        drawn: The random numbers, as `draw_mixing` returns them.
        config: What to do.
        one_by_one: Whether to go image by image: faster on a CPU, slower on a GPU.
        channel_means: What is subtracted from bytes.

    Returns:
        Images for `to_input`, labels and teacher labels (None if none were given). From mixup the
        images are the network's input already, in one pass over them; CutMix leaves bytes bytes.

    Raises:
        ValueError: If the configuration mixes nothing.
    """
    _check_active(config)
    if config.cutmix_alpha:
        return cut_mix.cutmix(images, labels, drawn, teacher, one_by_one)
    if config.mixup_type == 1:
        drawn = drawn[: tf.shape(images)[0] // 2]
    finish = tf.identity
    if images.dtype == tf.uint8:
        finish = functools.partial(resize.subtract_mean, channel_means=channel_means)
    return mixup.mixup(images, labels, config.mixup_type, drawn, teacher, one_by_one, finish)


def _check_active(config: MixingConfig) -> None:
    """Refuses a configuration that mixes nothing."""
    if not config.active:
        raise ValueError(f"mixup or CutMix must be on where images are mixed. Received: {config}")


def step_seed(run_seed: int, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the seed of the batch of that number in the run, int64 [2]; no example has it."""
    return seeds.example_seed(run_seed, _STREAM, step)
