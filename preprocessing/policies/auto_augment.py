"""AutoAugment (Cubuk et al., arXiv 1805.09501): each image gets one of a policy's sub-policies."""

import tensorflow as tf

from preprocessing.operations import geometry, levels
from preprocessing.policies import chains
from preprocessing.policies.chains import Choices
from preprocessing.policies.tables import policy

_STEPS = 2
# Random numbers for one image: sub-policy; chance, sign and two centre coordinates per step.
DRAWS = 1 + 4 * _STEPS


def autoaugment(image: tf.Tensor, policy_name: str, draws: tf.Tensor) -> tf.Tensor:
    """Applies a randomly drawn sub-policy.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        policy_name: `imagenet`, `v0`, `cifar10` (or `cifar`), `svhn` or `good`.
        draws: float32 [DRAWS] or more, uniform in [0, 1).

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: If there is no such policy, or the image's dtype or shape will not do.
    """
    return apply_policy(image, policy_name, choices_from_draws(policy_name, draws))


def choices_from_draws(policy_name: str, draws: tf.Tensor) -> Choices:
    """Turns random numbers into choices; see `autoaugment` for the arguments."""
    return Choices(
        sub_policy=tf.cast(draws[0] * len(policy(policy_name)), tf.int32),
        chances=draws[1:3],
        negative=draws[3:5] < 0.5,
        centres=tf.reshape(draws[5:9], [_STEPS, 2]),
    )


def apply_policy(image: tf.Tensor, policy_name: str, choices: Choices) -> tf.Tensor:
    """Applies the chosen sub-policy, as `autoaugment` does; nothing in here is random."""
    image = checked(image)
    return chains.policy_function(policy(policy_name), *image.shape[:2])(image, choices)


def apply_operation(
    image: tf.Tensor,
    name: str,
    level: float,
    negative: bool = False,
    centre: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Applies one of `levels.OPERATION_NAMES` to uint8 [H, W, 3] at a level from 0 to 10.

    `negative` negates the argument of an operation whose sign is random; `centre` is Cutout's, row
    and column.

    Raises:
        ValueError: If there is no such operation or level, or Cutout is given no centre.
    """
    image = checked(image)
    argument = levels.level_to_arg(name, level)
    if negative and name in levels.SIGNED:
        argument = -argument
    if name == "Cutout":
        if centre is None:
            raise ValueError("Cutout needs centre=(row, column). Received: centre=None")
        return geometry.cutout(image, tf.constant(argument), *centre)
    if name in chains.INDEX_MAPS:
        indices = chains.INDEX_MAPS[name](argument, *image.shape[:2])
        return geometry.remap(image, tf.constant(indices))
    return chains.OPERATIONS[name](image, tf.constant(argument or 0.0, tf.float32))


def checked(image: tf.Tensor) -> tf.Tensor:
    """Returns a tensor, or raises ValueError if the operations cannot work on it."""
    image = tf.convert_to_tensor(image)
    shape = image.shape
    if image.dtype != tf.uint8 or not shape.is_fully_defined() or len(shape) != 3 or shape[2] != 3:
        raise ValueError(
            "AutoAugment works on uint8 images of a known shape [H, W, 3]. "
            f"Received: dtype={image.dtype.name}, shape={shape}"
        )
    return image
