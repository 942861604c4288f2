"""RandAugment (Cubuk et al., arXiv 1909.13719): N operations, each drawn from all, at one level.

The operations are AutoAugment's here, all 16 of them, at its levels but for translations and Cutout
(`levels.RAND_AUGMENT`); the sign of a geometric operation is drawn, too.
"""

import tensorflow as tf

from preprocessing import seeds
from preprocessing.operations import levels
from preprocessing.policies import auto_augment, chains
from preprocessing.policies.chains import Choices

_DRAWS_PER_LAYER = 4


def count_draws(num_layers: int) -> int:
    """Returns how many random numbers one picture needs."""
    return num_layers * _DRAWS_PER_LAYER


def randaugment(image: tf.Tensor, num_layers: int, magnitude: float, seed: tf.Tensor) -> tf.Tensor:
    """Applies `num_layers` randomly drawn operations one after the other.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        num_layers: How many operations; the paper's N.
        magnitude: Level of each, 0 to 10; the paper's M.
        seed: int32 or int64 [2].

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: If the level is out of range, or the picture's dtype or shape will not do.
    """
    draws = seeds.uniform(seed, count_draws(num_layers))
    return from_draws(image, num_layers, magnitude, draws)


def from_draws(image: tf.Tensor, num_layers: int, magnitude: float, draws: tf.Tensor) -> tf.Tensor:
    """Does what `randaugment` says with given random numbers, float32 [count_draws(N)].

    The four numbers of a layer are, in this order: operation (its place in
    `levels.OPERATION_NAMES`), sign (negative below 0.5), row and column of Cutout's centre.
    """
    image = auto_augment.checked(image)
    single_steps = tuple(((name, 1.0, magnitude),) for name in levels.OPERATION_NAMES)
    program = chains.program(single_steps, image.shape[0], image.shape[1], levels.RAND_AUGMENT)
    for layer in tf.unstack(tf.reshape(draws, [num_layers, _DRAWS_PER_LAYER]), num=num_layers):
        choices = Choices(
            sub_policy=tf.cast(layer[0] * program.count, tf.int32),
            chances=tf.zeros([1]),
            negative=layer[1:2] < 0.5,
            centres=layer[tf.newaxis, 2:4],
        )
        image = program(image, choices)
    return image
