"""Running one operation out of many: look-up tables and one case per step.

Which operation a picture gets is a number that is known when the pipeline runs. A policy is written
as tables for pictures of one size; a step looks its operation and argument up and runs that
operation alone. The case is not taken apart into the surrounding graph: `tf.switch_case` would be,
and the scheduler would then visit the operations of every branch (50 against 20 microseconds).

Where two steps of one sub-policy make one operation, they are run as one, with equal results: two
index maps are one index map, and two equalising tables one table.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from preprocessing import color_ops, geometric_ops, levels
from preprocessing.policies import Step

_NOTHING = "Nothing"
_REMAP = "Remap"
_EQUALIZE_TWICE = "EqualizeTwice"

COLOR_OPS: dict[str, Callable[..., tf.Tensor]] = {
    "AutoContrast": lambda image, _: color_ops.autocontrast(image),
    "Equalize": lambda image, _: color_ops.equalize(image),
    _EQUALIZE_TWICE: lambda image, _: color_ops.equalize(image, times=2),
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
MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "Rotate": geometric_ops.rotation_map,
    "ShearX": geometric_ops.shear_x_map,
    "ShearY": geometric_ops.shear_y_map,
}
# Translations are slices, cheaper than a map, unless a map is there already.
_TRANSLATION_MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "TranslateX": geometric_ops.translation_x_map,
    "TranslateY": geometric_ops.translation_y_map,
}
_ALL_MAPS = MAPS | _TRANSLATION_MAPS


@dataclasses.dataclass(frozen=True)
class Choices:
    """Everything that is random, for one picture.

    Attributes:
        sub_policy: Which sub-policy, an int32 scalar.
        chances: A step is done if its number here is below its probability, float32 [steps].
        negative: Whether each step's argument is negated where the sign is random, bool [steps].
        centres: Centre of each step's Cutout in shares of height and width, float32 [steps, 2].
    """

    sub_policy: tf.Tensor
    chances: tf.Tensor
    negative: tf.Tensor
    centres: tf.Tensor


class _Builder:
    """Collects operations and index maps while a policy is written as tables."""

    def __init__(self, height: int, width: int):
        """Starts empty for pictures of one size."""
        self.size = (height, width)
        self.operations = [_NOTHING]
        self.maps: list[np.ndarray] = []
        self._rows: dict[tuple, int] = {}

    def number(self, operation: str) -> int:
        """Returns the number of an operation, which is new or known."""
        if operation not in self.operations:
            self.operations.append(operation)
        return self.operations.index(operation)

    def row(self, moves: tuple[tuple[str, float], ...]) -> int:
        """Returns the row of the index map of one or two (name, argument) in order."""
        if moves not in self._rows:
            parts = [_ALL_MAPS[name](argument, *self.size) for name, argument in moves]
            self.maps.append(functools.reduce(geometric_ops.compose_maps, parts))
            self._rows[moves] = len(self.maps) - 1
        return self._rows[moves]

    def arguments(self, name: str, level: float) -> tuple[float, float]:
        """Returns what the operation gets with positive and with negative sign."""
        signs = (1.0, -1.0 if name in levels.SIGNED else 1.0)
        values = [sign * (levels.level_to_arg(name, level) or 0.0) for sign in signs]
        if name in MAPS:
            return tuple(float(self.row(((name, value),))) for value in values)
        return tuple(values)


@dataclasses.dataclass(frozen=True)
class Program:
    """A policy for pictures of one size, as a function.

    Attributes:
        count: How many sub-policies there are.
        run: Function of (image, sub_policy, chances, negative, centres), see `Choices`.
    """

    count: int
    run: Callable[..., tf.Tensor]

    def __call__(self, image: tf.Tensor, choices: Choices) -> tf.Tensor:
        """Applies the chosen sub-policy to uint8 [H, W, 3]; nothing in here is random."""
        return self.run(
            image, choices.sub_policy, choices.chances, choices.negative, choices.centres
        )


@functools.cache
def program(sub_policies: tuple[tuple[Step, ...], ...], height: int, width: int) -> Program:
    """Writes sub-policies, all of the same number of steps, as a function.

    Args:
        sub_policies: (operation, probability, level) per step; see `policies`.
        height: Height of the pictures in pixels.
        width: Width of the pictures in pixels.
    """
    steps = len(sub_policies[0])
    builder = _Builder(height, width)
    table = np.zeros([len(sub_policies), 4, steps], np.float32)
    for sub, sub_policy in enumerate(sub_policies):
        for step, (name, probability, level) in enumerate(sub_policy):
            table[sub, 0, step] = probability
            if not levels.changes_nothing(name, level):
                operation = _REMAP if name in MAPS else name
                table[sub, 1, step] = builder.number(operation)
                table[sub, 2:, step] = builder.arguments(name, level)
    fused = _fused(sub_policies, builder)
    picture = tf.TensorSpec([height, width, 3], tf.uint8)
    with tf.init_scope():
        branches = _branches(builder, picture)
        signature = [
            picture,
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([steps], tf.float32),
            tf.TensorSpec([steps], tf.bool),
            tf.TensorSpec([steps, 2], tf.float32),
        ]
        run = _runner(table, fused, builder, branches)
        function = tf.function(run, input_signature=signature, autograph=False)
        return Program(len(sub_policies), function.get_concrete_function())


def _fused(sub_policies: tuple[tuple[Step, ...], ...], builder: _Builder) -> np.ndarray | None:
    """Returns, for sub-policies of two steps that can be one, what to do when both are done.

    Returns:
        float32 [sub-policies, 2, 2, 2]: by the signs of the two steps the operation's number and
        its argument; number 0 where nothing is to be won. None if there is no such sub-policy.
    """
    if len(sub_policies[0]) != 2:
        return None
    table = np.zeros([len(sub_policies), 2, 2, 2], np.float32)
    for sub, ((first, _, level1), (second, _, level2)) in enumerate(sub_policies):
        moving = first in _ALL_MAPS and second in _ALL_MAPS and {first, second} & set(MAPS)
        if levels.changes_nothing(first, level1) or levels.changes_nothing(second, level2):
            continue
        if first == second == "Equalize":
            table[sub, ..., 0] = builder.number(_EQUALIZE_TWICE)
        elif moving:
            arguments = (levels.level_to_arg(first, level1), levels.level_to_arg(second, level2))
            for i, sign1 in enumerate((1.0, -1.0)):
                for j, sign2 in enumerate((1.0, -1.0)):
                    moves = ((first, sign1 * arguments[0]), (second, sign2 * arguments[1]))
                    table[sub, i, j] = builder.number(_REMAP), builder.row(moves)
    return table if table.any() else None


def _runner(
    table: np.ndarray,
    fused: np.ndarray | None,
    builder: _Builder,
    branches: Sequence[Callable[..., tf.Tensor]],
) -> Callable[..., tf.Tensor]:
    """Returns the function that looks up what to do and does it."""
    steps = table.shape[2]
    no_maps = np.zeros([1, builder.size[0] * builder.size[1]], np.int32)

    def run(image, sub_policy, chances, negative, centres):
        maps = tf.constant(np.stack(builder.maps) if builder.maps else no_maps)
        # Each operation costs some microseconds however small it is: one look-up for everything.
        row = tf.gather(tf.constant(table), sub_policy)
        probabilities, numbers, positive_arguments, negative_arguments = tf.unstack(row, num=4)
        done = chances < probabilities
        numbers = tf.where(done, numbers, 0.0)
        arguments = tf.where(negative, negative_arguments, positive_arguments)
        if fused is not None:
            signs = tf.cast(negative, tf.int32)
            index = tf.stack([sub_policy, signs[0], signs[1]])
            together = tf.gather_nd(tf.constant(fused), index)
            both = tf.logical_and(tf.reduce_all(done), together[0] > 0)
            numbers = tf.where(both, tf.stack([together[0], 0.0]), numbers)
            arguments = tf.where(both, tf.stack([together[1], 0.0]), arguments)
        numbers = tf.cast(numbers, tf.int32)
        for step in range(steps):
            inputs = [image, arguments[step], maps, centres[step]]
            image = case(numbers[step], branches, inputs)
        return image

    return run


def case(
    number: tf.Tensor, branches: Sequence[Callable[..., tf.Tensor]], inputs: list[tf.Tensor]
) -> tf.Tensor:
    """Runs one of several functions of the same inputs; all give what inputs[0] looks like."""
    image = inputs[0]
    (result,) = tf.raw_ops.StatelessCase(
        branch_index=number,
        input=inputs,
        Tout=[image.dtype],
        branches=list(branches),
        output_shapes=[image.shape],
    )
    return tf.ensure_shape(result, image.shape)


def _branches(builder: _Builder, picture: tf.TensorSpec) -> list[Callable[..., tf.Tensor]]:
    """Returns one concrete function of (image, argument, maps, centre) per operation."""
    height, width = builder.size
    signature = [
        picture,
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([max(1, len(builder.maps)), height * width], tf.int32),
        tf.TensorSpec([2], tf.float32),
    ]

    def nothing(image, argument, maps, centre):
        return tf.identity(image)

    def remap(image, argument, maps, centre):
        return geometric_ops.remap(image, maps[tf.cast(argument, tf.int32)])

    def cutout(image, argument, maps, centre):
        row, column = tf.unstack(tf.cast(centre * [height, width], tf.int32))
        return geometric_ops.cutout(image, argument, row, column)

    def color(name):
        return lambda image, argument, maps, centre: COLOR_OPS[name](image, argument)

    special = {_NOTHING: nothing, _REMAP: remap, "Cutout": cutout}
    return [
        tf.function(
            special.get(name) or color(name), input_signature=signature, autograph=False
        ).get_concrete_function()
        for name in builder.operations
    ]
