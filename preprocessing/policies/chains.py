"""Running one chain of operations out of many: look-up tables and one case.

What a picture gets is known only when the pipeline runs: sub-policy, which of its steps are done,
with which signs. All combinations are written down beforehand in a table for pictures of one size;
a picture then takes two look-ups and one case. The case is not taken apart into the surrounding
graph: `tf.switch_case` would be, and the scheduler would then visit the operations of every branch
(50 against 20 microseconds).

Where two steps make one operation they are run as one, with equal results: two index maps are one
index map, and two equalising tables one table.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from preprocessing.operations import color, geometry, levels
from preprocessing.policies.tables import Step

_REMAP = "Remap"
_EQUALIZE_TWICE = "EqualizeTwice"

COLOR_OPS: dict[str, Callable[..., tf.Tensor]] = {
    "AutoContrast": lambda image, _: color.autocontrast(image),
    "Equalize": lambda image, _: color.equalize(image),
    _EQUALIZE_TWICE: lambda image, _: color.equalize(image, times=2),
    "Invert": lambda image, _: color.invert(image),
    "Posterize": color.posterize,
    "Solarize": color.solarize,
    "SolarizeAdd": color.solarize_add,
    "Color": color.color,
    "Contrast": color.contrast,
    "Brightness": color.brightness,
    "Sharpness": color.sharpness,
    "TranslateX": geometry.translate_x,
    "TranslateY": geometry.translate_y,
}
MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "Rotate": geometry.rotation_map,
    "ShearX": geometry.shear_x_map,
    "ShearY": geometry.shear_y_map,
}
# Translations are slices, cheaper than a map, unless a map is there already.
_TRANSLATION_MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "TranslateX": geometry.translation_x_map,
    "TranslateY": geometry.translation_y_map,
}
_ALL_MAPS = MAPS | _TRANSLATION_MAPS

# Operations one after the other, each with the step whose centre it takes.
Chain = tuple[tuple[str, int], ...]


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
    """Collects chains of operations and index maps while a policy is written as a table."""

    def __init__(self, height: int, width: int):
        """Starts empty for pictures of one size."""
        self.size = (height, width)
        # A chain is ((operation, step whose centre it takes), ...); the first one does nothing.
        self.chains: list[Chain] = [()]
        self.maps: list[np.ndarray] = []
        self._rows: dict[tuple, int] = {}

    def number(self, chain: Chain) -> int:
        """Returns the number of a chain, which is new or known."""
        if chain not in self.chains:
            self.chains.append(chain)
        return self.chains.index(chain)

    def row(self, moves: tuple[tuple[str, float], ...]) -> int:
        """Returns the row of the index map of one or two (name, argument) in order."""
        if moves not in self._rows:
            parts = [_ALL_MAPS[name](argument, *self.size) for name, argument in moves]
            self.maps.append(functools.reduce(geometry.compose_maps, parts))
            self._rows[moves] = len(self.maps) - 1
        return self._rows[moves]

    def operations(self, moves: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        """Returns the operations, with arguments, that do what one or two moves do."""
        names = [name for name, _ in moves]
        if names == ["Equalize", "Equalize"]:
            return [(_EQUALIZE_TWICE, 0.0)]
        if len(moves) == 2 and set(names) <= set(_ALL_MAPS) and set(names) & set(MAPS):
            return [(_REMAP, float(self.row(tuple(moves))))]
        return [(_REMAP, float(self.row((move,)))) if move[0] in MAPS else move for move in moves]


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
def program(
    sub_policies: tuple[tuple[Step, ...], ...],
    height: int,
    width: int,
    ranges: levels.Ranges = levels.AUTO_AUGMENT,
) -> Program:
    """Writes sub-policies, all of the same number of steps, as a function.

    Args:
        sub_policies: (operation, probability, level) per step; see `policies`.
        height: Height of the pictures in pixels.
        width: Width of the pictures in pixels.
        ranges: What the levels mean.
    """
    steps = len(sub_policies[0])
    builder = _Builder(height, width)
    table = _table(sub_policies, builder, ranges)
    probabilities = np.float32([[step[1] for step in sub] for sub in sub_policies])
    picture = tf.TensorSpec([height, width, 3], tf.uint8)
    with tf.init_scope():
        branches = _branches(builder, picture, steps)
        signature = [
            picture,
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([steps], tf.float32),
            tf.TensorSpec([steps], tf.bool),
            tf.TensorSpec([steps, 2], tf.float32),
        ]
        run = _runner(probabilities, table, builder, branches)
        function = tf.function(run, input_signature=signature, autograph=False)
        return Program(len(sub_policies), function.get_concrete_function())


def _table(
    sub_policies: tuple[tuple[Step, ...], ...], builder: _Builder, ranges: levels.Ranges
) -> np.ndarray:
    """Returns what to do for each sub-policy, set of steps that are done, and signs.

    Returns:
        float32 [sub-policies * 4**steps, 1 + steps]: number of the chain and the arguments of its
        operations. The row of a sub-policy is given by bits, the highest first: whether each step
        is done, whether each step's sign is negative.
    """
    steps = len(sub_policies[0])
    rows = []
    for sub_policy in sub_policies:
        for bits in itertools.product((False, True), repeat=2 * steps):
            moves, numbers = [], []
            for step, (name, _, level) in enumerate(sub_policy):
                if bits[step] and not levels.changes_nothing(name, level, ranges):
                    sign = -1.0 if bits[steps + step] and name in levels.SIGNED else 1.0
                    argument = levels.level_to_arg(name, level, ranges)
                    moves.append((name, sign * (argument or 0.0)))
                    numbers.append(step)
            operations = builder.operations(moves)
            chain = tuple(
                (name, step if name == "Cutout" else 0)
                for (name, _), step in zip(operations, numbers, strict=False)
            )
            arguments = [argument for _, argument in operations]
            rows.append([builder.number(chain), *arguments, *[0.0] * (steps - len(arguments))])
    return np.float32(rows)


def _runner(
    probabilities: np.ndarray,
    table: np.ndarray,
    builder: _Builder,
    branches: Sequence[Callable[..., tf.Tensor]],
) -> Callable[..., tf.Tensor]:
    """Returns the function that looks up what to do and does it."""
    steps = probabilities.shape[1]
    weights = [2**bit for bit in reversed(range(2 * steps))]
    no_maps = np.zeros([1, builder.size[0] * builder.size[1]], np.int32)

    def run(image, sub_policy, chances, negative, centres):
        # Each operation costs some microseconds however small it is: one look-up for everything.
        done = chances < tf.gather(tf.constant(probabilities), sub_policy)
        bits = tf.cast(tf.concat([done, negative], axis=0), tf.int32)
        combination = tf.reduce_sum(bits * tf.constant(weights))
        row = tf.gather(tf.constant(table), sub_policy * 4**steps + combination)
        maps = tf.constant(np.stack(builder.maps) if builder.maps else no_maps)
        return case(tf.cast(row[0], tf.int32), branches, [image, row[1:], maps, centres])

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


def _branches(
    builder: _Builder, picture: tf.TensorSpec, steps: int
) -> list[Callable[..., tf.Tensor]]:
    """Returns one concrete function of (image, arguments, maps, centres) per chain.

    Each chain is traced whole: functions that call functions are not joined inside of a case, and
    a call costs 30 microseconds per picture.
    """
    height, width = builder.size
    signature = [
        picture,
        tf.TensorSpec([steps], tf.float32),
        tf.TensorSpec([max(1, len(builder.maps)), height * width], tf.int32),
        tf.TensorSpec([steps, 2], tf.float32),
    ]

    def apply(name, image, argument, maps, centre):
        if name == _REMAP:
            return geometry.remap(image, maps[tf.cast(argument, tf.int32)])
        if name == "Cutout":
            row, column = tf.unstack(tf.cast(centre * [height, width], tf.int32))
            return geometry.cutout(image, argument, row, column)
        return COLOR_OPS[name](image, argument)

    def chained(chain):
        def run(image, arguments, maps, centres):
            result = tf.identity(image)
            for place, (name, step) in enumerate(chain):
                result = apply(name, result, arguments[place], maps, centres[step])
            return result

        return run

    return [
        tf.function(
            chained(chain), input_signature=signature, autograph=False
        ).get_concrete_function()
        for chain in builder.chains
    ]
