"""AutoAugment (Cubuk et al., arXiv 1805.09501): one of a policy's sub-policies for each picture.

A sub-policy is two steps. What a step does is looked up by the sub-policy's number in small tables,
and one `tf.switch_case` per step runs that operation and nothing else.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from preprocessing import color_ops, geometric_ops, levels, seeds
from preprocessing.policies import Policy, policy

_STEPS = 2
# Random numbers for one picture: sub-policy; chance, sign and two centre coordinates per step.
DRAWS = 1 + 4 * _STEPS
_NOTHING = "Nothing"
_REMAP = "Remap"

_COLOR_OPS: dict[str, Callable[..., tf.Tensor]] = {
    "AutoContrast": lambda image, _: color_ops.autocontrast(image),
    "Equalize": lambda image, _: color_ops.equalize(image),
    "Invert": lambda image, _: color_ops.invert(image),
    "Posterize": color_ops.posterize,
    "Solarize": color_ops.solarize,
    "SolarizeAdd": color_ops.solarize_add,
    "Color": color_ops.color,
    "Contrast": color_ops.contrast,
    "Brightness": color_ops.brightness,
    "Sharpness": color_ops.sharpness,
    "TranslateX": geometric_ops.translate_x,
    "TranslateY": geometric_ops.translate_y,
}
_MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "Rotate": geometric_ops.rotation_map,
    "ShearX": geometric_ops.shear_x_map,
    "ShearY": geometric_ops.shear_y_map,
}


@dataclasses.dataclass(frozen=True)
class Choices:
    """Everything that is random in AutoAugment, for one picture.

    Attributes:
        sub_policy: Which sub-policy, an int32 scalar.
        chances: A step is done if its number here is below its probability, float32 [2].
        negative: Whether each step's argument is negated where the sign is random, bool [2].
        centres: Centre of each step's Cutout in shares of height and width, float32 [2, 2].
    """

    sub_policy: tf.Tensor
    chances: tf.Tensor
    negative: tf.Tensor
    centres: tf.Tensor


@dataclasses.dataclass(frozen=True)
class _Tables:
    """A policy for pictures of one size, as constants.

    Attributes:
        operations: Names of the operations that occur; the first is `_NOTHING`.
        steps: float32 [sub-policies, 4, 2]: for both steps of a sub-policy the probability, the
            operation's number, its argument, and its argument with negative sign.
        maps: int32 [maps, H * W]; the argument of `_REMAP` is a row of it.
    """

    operations: list[str]
    steps: np.ndarray
    maps: np.ndarray


def autoaugment(image: tf.Tensor, policy_name: str, seed: tf.Tensor) -> tf.Tensor:
    """Applies a randomly drawn sub-policy.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        policy_name: `imagenet`, `v0`, `cifar10` (or `cifar`), `svhn` or `good`.
        seed: int32 or int64 [2].

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: If there is no such policy, or the picture's dtype or shape will not do.
    """
    choices = choices_from_draws(policy_name, seeds.uniform(seed, DRAWS))
    return apply_policy(image, policy_name, choices)


def choices_from_draws(policy_name: str, draws: tf.Tensor) -> Choices:
    """Turns random numbers into choices.

    Args:
        policy_name: As in `autoaugment`.
        draws: float32 [DRAWS], uniform in [0, 1).
    """
    return Choices(
        sub_policy=tf.cast(draws[0] * len(policy(policy_name)), tf.int32),
        chances=draws[1:3],
        negative=draws[3:5] < 0.5,
        centres=tf.reshape(draws[5:9], [_STEPS, 2]),
    )


def apply_policy(image: tf.Tensor, policy_name: str, choices: Choices) -> tf.Tensor:
    """Applies the chosen sub-policy; nothing in here is random.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        policy_name: As in `autoaugment`.
        choices: From `choices_from_draws`, or made by hand.

    Returns:
        uint8 [H, W, 3].
    """
    image = _checked(image)
    tables = _make_tables(policy_name, image.shape[0], image.shape[1])
    maps = tf.constant(tables.maps)
    # Each operation costs some microseconds however small it is: one look-up for everything.
    row = tf.gather(tf.constant(tables.steps), choices.sub_policy)
    probabilities, numbers, positive, negative = tf.unstack(row, num=4)
    numbers = tf.cast(tf.where(choices.chances < probabilities, numbers, 0.0), tf.int32)
    arguments = tf.where(choices.negative, negative, positive)
    steps = zip(tf.unstack(numbers, num=_STEPS), tf.unstack(arguments, num=_STEPS), strict=True)
    for step, (number, argument) in enumerate(steps):
        branches = _branches(tables.operations, image, argument, maps, choices.centres[step])
        image = tf.ensure_shape(tf.switch_case(number, branches), image.shape)
    return image


def apply_operation(
    image: tf.Tensor,
    name: str,
    level: float,
    negative: bool = False,
    centre: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Applies one operation.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        name: One of `levels.OPERATION_NAMES`.
        level: From 0 to 10.
        negative: Whether to negate the argument of an operation whose sign is random.
        centre: Row and column of Cutout's centre.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: If there is no such operation or level, or Cutout is given no centre.
    """
    image = _checked(image)
    argument = levels.level_to_arg(name, level)
    if negative and name in levels.SIGNED:
        argument = -argument
    if name == "Cutout":
        if centre is None:
            raise ValueError("Cutout needs centre=(row, column). Received: centre=None")
        return geometric_ops.cutout(image, tf.constant(argument), *centre)
    if name in _MAPS:
        indices = _MAPS[name](argument, image.shape[0], image.shape[1])
        return geometric_ops.remap(image, tf.constant(indices))
    return _COLOR_OPS[name](image, tf.constant(argument or 0.0, tf.float32))


def _branches(
    operations: list[str],
    image: tf.Tensor,
    argument: tf.Tensor,
    maps: tf.Tensor,
    centre: tf.Tensor,
) -> list[Callable[[], tf.Tensor]]:
    """Returns one function per operation for `tf.switch_case`."""
    height, width, _ = image.shape

    def nothing() -> tf.Tensor:
        return tf.identity(image)

    def remap() -> tf.Tensor:
        return geometric_ops.remap(image, maps[tf.cast(argument, tf.int32)])

    def cutout() -> tf.Tensor:
        row, column = tf.unstack(tf.cast(centre * [height, width], tf.int32))
        return geometric_ops.cutout(image, argument, row, column)

    special = {_NOTHING: nothing, _REMAP: remap, "Cutout": cutout}

    def branch(name: str) -> Callable[[], tf.Tensor]:
        return special.get(name) or (lambda: _COLOR_OPS[name](image, argument))

    return [branch(name) for name in operations]


@functools.cache
def _make_tables(policy_name: str, height: int, width: int) -> _Tables:
    """Writes a policy as tables; steps that change nothing become `_NOTHING`."""
    sub_policies = policy(policy_name)
    operations = [_NOTHING]
    maps: dict[tuple[str, float], np.ndarray] = {}
    steps = np.zeros([len(sub_policies), 4, _STEPS], np.float32)
    for (sub, step), (name, probability, level) in _numbered(sub_policies):
        steps[sub, 0, step] = probability
        if levels.changes_nothing(name, level):
            continue
        operation = _REMAP if name in _MAPS else name
        if operation not in operations:
            operations.append(operation)
        steps[sub, 1, step] = operations.index(operation)
        for row, sign in ((2, 1.0), (3, -1.0 if name in levels.SIGNED else 1.0)):
            argument = sign * (levels.level_to_arg(name, level) or 0.0)
            if operation == _REMAP:
                if (name, argument) not in maps:
                    maps[name, argument] = _MAPS[name](argument, height, width)
                argument = list(maps).index((name, argument))
            steps[sub, row, step] = argument
    no_maps = np.zeros([1, height * width], np.int32)
    return _Tables(operations, steps, np.stack(list(maps.values())) if maps else no_maps)


def _numbered(steps: Policy):
    """Yields ((sub-policy, step), (operation, probability, level)) in order."""
    for sub, sub_policy in enumerate(steps):
        for step, info in enumerate(sub_policy):
            yield (sub, step), info


def _checked(image: tf.Tensor) -> tf.Tensor:
    """Returns a tensor, or raises ValueError if AutoAugment cannot work on it."""
    image = tf.convert_to_tensor(image)
    shape = image.shape
    if image.dtype != tf.uint8 or not shape.is_fully_defined() or len(shape) != 3 or shape[2] != 3:
        raise ValueError(
            "AutoAugment works on uint8 pictures of a known shape [H, W, 3]. "
            f"Received: dtype={image.dtype.name}, shape={shape}"
        )
    return image
