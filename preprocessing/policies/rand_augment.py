"""RandAugment (Cubuk et al., arXiv 1909.13719): N operations, each drawn from all, at one level.

The operations are the 16 of AutoAugment at its levels, but for translations and Cutout
(`levels.RAND_AUGMENT`). The sign of a geometric operation is drawn, too.
"""

import tensorflow as tf

from preprocessing.operations import levels
from preprocessing.policies import auto_augment, chains

_DRAWS_PER_LAYER = 4


def count_draws(num_layers: int) -> int:
    """Returns how many random numbers one image needs."""
    return num_layers * _DRAWS_PER_LAYER


def randaugment(image: tf.Tensor, num_layers: int, magnitude: float, draws: tf.Tensor) -> tf.Tensor:
    """Applies `num_layers` randomly drawn operations one after the other.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        num_layers: How many operations; the paper's N.
        magnitude: Level of each, 0 to 10; the paper's M.
        draws: float32 [count_draws(num_layers)] or more, uniform in [0, 1). Four for each layer:
            operation (its place in `levels.OPERATION_NAMES`), sign (negative below 0.5), row and
            column of Cutout's centre.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: If the level is out of range, or the image's dtype or shape will not do.
    """
    image = auto_augment.checked(image)
    single_steps = tuple(((name, 1.0, magnitude),) for name in levels.OPERATION_NAMES)
    apply = chains.policy_function(single_steps, *image.shape[:2], levels.RAND_AUGMENT)
    draws = tf.reshape(draws[: count_draws(num_layers)], [num_layers, _DRAWS_PER_LAYER])
    for layer in tf.unstack(draws, num=num_layers):
        choices = chains.Choices(
            sub_policy=tf.cast(layer[0] * len(single_steps), tf.int32),
            chances=tf.zeros([1]),
            negative=layer[1:2] < 0.5,
            centres=layer[tf.newaxis, 2:4],
        )
        image = apply(image, choices)
    return image
