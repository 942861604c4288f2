"""A policy as one function: a table says what an image gets, and one case does it.

What an image gets is known only when the pipeline runs: the sub-policy, which of its steps are
done, and with which signs. All combinations are written down beforehand, for images of one size, as
the rows of a table. A row names a chain, which is a tuple of operations that follow each other, and
the arguments of its operations. An image takes two look-ups and one case, whose branches are the
chains. `tf.switch_case` is not used: it becomes part of the surrounding graph, whose scheduler then
visits the operations of every branch (50 microseconds per image against 20).

Two steps that make one operation are run as one, with equal results: two index maps are one index
map, and two equalizing tables are one table.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from preprocessing.operations import color, geometry, levels
from preprocessing.policies.tables import Policy

_REMAP = "Remap"
_EQUALIZE_TWICE = "EqualizeTwice"

# Functions of (image, argument).
OPERATIONS: dict[str, Callable[..., tf.Tensor]] = {
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
    "TranslateX": functools.partial(geometry.translate, axis=1),
    "TranslateY": functools.partial(geometry.translate, axis=0),
}
# Functions of (argument, height, width) that return an index map for `geometry.remap`.
INDEX_MAPS: dict[str, Callable[[float, int, int], np.ndarray]] = {
    "Rotate": geometry.rotation_map,
    "ShearX": geometry.shear_x_map,
    "ShearY": geometry.shear_y_map,
}
# A translation by slices is cheaper than a map. Only beside one of the maps above it is a map, too.
_ALL_MAPS = INDEX_MAPS | {
    "TranslateX": geometry.translation_x_map,
    "TranslateY": geometry.translation_y_map,
}


class Choices(NamedTuple):
    """Everything that is random for one image.

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


class _Move(NamedTuple):
    """An operation with its argument and, for Cutout, the step whose centre it takes."""

    name: str
    argument: float
    centre: int = 0


# Names of operations, each with the step whose centre it takes.
_Chain = tuple[tuple[str, int], ...]


@functools.cache
def policy_function(
    policy: Policy, height: int, width: int, ranges: levels.Ranges = levels.AUTO_AUGMENT
) -> Callable[[tf.Tensor, Choices], tf.Tensor]:
    """Returns the function that applies a chosen sub-policy; nothing in it is random.

    Its arguments are an image, uint8 [height, width, 3] before and after, and `Choices`. All
    sub-policies have the same number of steps.
    """
    steps = len(policy[0])
    probabilities = np.float32([[chance for _, chance, _ in sub_policy] for sub_policy in policy])
    table, chains, mapped = _write_table(policy, ranges)
    maps = [_index_map(moves, height, width) for moves in mapped]
    maps = np.stack(maps or [np.zeros(height * width, np.int32)])
    # The weights of the bits that give a row's place among those of its sub-policy.
    weights = [2**bit for bit in reversed(range(2 * steps))]

    def run(image, sub_policy, chances, negative, centres):
        # Each operation costs some microseconds however small it is: one look-up for everything.
        done = chances < tf.gather(tf.constant(probabilities), sub_policy)
        bits = tf.cast(tf.concat([done, negative], axis=0), tf.int32)
        combination = tf.reduce_sum(bits * tf.constant(weights))
        row = tf.gather(tf.constant(table), sub_policy * 4**steps + combination)
        inputs = [image, row[1:], tf.constant(maps), centres]
        return case(tf.cast(row[0], tf.int32), branches, inputs)

    image_spec = tf.TensorSpec([height, width, 3], tf.uint8)
    number_spec, sign_spec = (tf.TensorSpec([steps], dtype) for dtype in (tf.float32, tf.bool))
    centre_spec = tf.TensorSpec([steps, 2], tf.float32)
    chain_specs = [image_spec, number_spec, tf.TensorSpec(maps.shape, tf.int32), centre_spec]
    run_specs = [image_spec, tf.TensorSpec([], tf.int32), number_spec, sign_spec, centre_spec]
    with tf.init_scope():
        branches = [traced(_chain_function(chain), chain_specs) for chain in chains]
        function = traced(run, run_specs)
    return lambda image, choices: function(image, *choices)


def _write_table(
    policy: Policy, ranges: levels.Ranges
) -> tuple[np.ndarray, list[_Chain], list[tuple[_Move, ...]]]:
    """Writes down what to do for each sub-policy, set of steps that are done, and signs.

    Returns:
        The table, float32 [sub-policies * 4**steps, 1 + steps]: in each row the number of the chain
        and the arguments of its operations. The rows of a sub-policy are ordered by bits, the
        highest first: whether each step is done, whether each step's sign is negative.
        The chains by number; the first does nothing.
        The moves of each index map; Remap's argument is a place in this list.
    """
    steps = len(policy[0])
    chains: dict[_Chain, int] = {(): 0}
    mapped: dict[tuple[_Move, ...], int] = {}
    rows = []
    for sub_policy in policy:
        for bits in itertools.product((False, True), repeat=2 * steps):
            moves = []
            for step, (name, _, level) in enumerate(sub_policy):
                if bits[step] and not levels.changes_nothing(name, level, ranges):
                    argument = levels.level_to_arg(name, level, ranges) or 0.0
                    sign = -1.0 if bits[steps + step] and name in levels.SIGNED else 1.0
                    moves.append(_Move(name, sign * argument, step if name == "Cutout" else 0))
            moves = _joined(moves, mapped)
            chain = tuple((move.name, move.centre) for move in moves)
            arguments = [move.argument for move in moves] + [0.0] * (steps - len(moves))
            rows.append([chains.setdefault(chain, len(chains)), *arguments])
    return np.float32(rows), list(chains), list(mapped)


def _joined(moves: list[_Move], mapped: dict[tuple[_Move, ...], int]) -> list[_Move]:
    """Returns the operations that do what one or two moves do; new index maps go to `mapped`."""

    def remap(*parts: _Move) -> _Move:
        return _Move(_REMAP, float(mapped.setdefault(parts, len(mapped))))

    names = {move.name for move in moves}
    if len(moves) == 2 and names == {"Equalize"}:
        return [_Move(_EQUALIZE_TWICE, 0.0)]
    if len(moves) == 2 and names <= set(_ALL_MAPS) and names & set(INDEX_MAPS):
        return [remap(*moves)]
    return [remap(move) if move.name in INDEX_MAPS else move for move in moves]


def _index_map(moves: tuple[_Move, ...], height: int, width: int) -> np.ndarray:
    """Returns the index map, int32 [height * width], of one move or of two in order."""
    maps = [_ALL_MAPS[move.name](move.argument, height, width) for move in moves]
    return functools.reduce(geometry.compose_maps, maps)


def _chain_function(chain: _Chain) -> Callable[..., tf.Tensor]:
    """Returns the function of (image, arguments, maps, centres) that runs a chain."""

    def run(image, arguments, maps, centres):
        result = tf.identity(image)
        for place, (name, step) in enumerate(chain):
            argument = arguments[place]
            if name == _REMAP:
                result = geometry.remap(result, maps[tf.cast(argument, tf.int32)])
            elif name == "Cutout":
                centre = tf.cast(centres[step] * list(image.shape[:2]), tf.int32)
                result = geometry.cutout(result, argument, *tf.unstack(centre))
            else:
                result = OPERATIONS[name](result, argument)
        return result

    return run


def traced(
    function: Callable[..., tf.Tensor], inputs: Sequence[tf.TensorSpec]
) -> Callable[..., tf.Tensor]:
    """Returns the concrete function of tensors as `inputs` describes them.

    A branch of `case` is traced whole: TensorFlow does not join functions that are called inside of
    a case, and such a call costs 30 microseconds per image.
    """
    return tf.function(function, input_signature=inputs, autograph=False).get_concrete_function()


def case(
    number: tf.Tensor, branches: Sequence[Callable[..., tf.Tensor]], inputs: list[tf.Tensor]
) -> tf.Tensor:
    """Runs the branch of a number; shape and dtype of the result are those of inputs[0]."""
    image = inputs[0]
    (result,) = tf.raw_ops.StatelessCase(
        branch_index=number,
        input=inputs,
        Tout=[image.dtype],
        branches=list(branches),
        output_shapes=[image.shape],
    )
    return tf.ensure_shape(result, image.shape)
