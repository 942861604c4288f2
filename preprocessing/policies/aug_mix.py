"""AugMix (Hendrycks et al., arXiv 1912.02781): several chains of operations, mixed.

Operations and their strengths are those of the paper's experiments, none of which occurs in
ImageNet-C: autocontrast, equalize, posterize, rotate, solarize, shear, translate; geometry is
bilinear with black outside. The paper's Jensen-Shannon consistency loss is not part of this.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from preprocessing import seeds
from preprocessing.mixing import mixup
from preprocessing.operations import color, rotation
from preprocessing.policies import chains

RANDOM_DEPTH = -1
_LARGEST_DEPTH = 3
_DRAWS_PER_STEP = 3
_LOWEST_LEVEL = 0.1
_LARGEST_LEVEL = 10.0
_BLACK = 0.0


def augmix(
    image: tf.Tensor,
    seed: tf.Tensor,
    severity: float = 3.0,
    width: int = 3,
    depth: int = RANDOM_DEPTH,
    alpha: float = 1.0,
) -> tf.Tensor:
    """Mixes a picture with a mixture of `width` differently augmented copies.

    Args:
        image: uint8 [H, W, 3] with static H and W.
        seed: int32 or int64 [2].
        severity: Each operation's level is uniform in [0.1, severity]; at most 10.
        width: Number of chains.
        depth: Operations in a chain; -1: 1 to 3, drawn for each chain.
        alpha: Of the Dirichlet distribution of the chains' weights and of the Beta distribution of
            the weight of the mixture.

    Returns:
        float32 [H, W, 3], grey levels 0 to 255, not rounded.
    """
    draw_seed, weight_seed, share_seed = seeds.split_seed(seed, 3)
    steps = depth if depth > 0 else _LARGEST_DEPTH
    draws = seeds.uniform(draw_seed, width * (1 + steps * _DRAWS_PER_STEP))
    draws = tf.reshape(draws, [width, -1])
    weights = sample_weights(weight_seed, width, alpha)
    share = mixup.sample_lambdas(share_seed, 1, alpha)[0]
    parts = [(1.0 - share) * tf.cast(image, tf.float32)]
    for chain in range(width):
        length = depth if depth > 0 else 1 + tf.cast(draws[chain, 0] * steps, tf.int32)
        augmented = image
        for step in range(steps):
            numbers = draws[chain, 1 + step * _DRAWS_PER_STEP :][:_DRAWS_PER_STEP]
            operation = tf.cast(numbers[0] * len(OPERATIONS), tf.int32)
            # The place after the last operation does nothing.
            operation = tf.where(step < length, operation, len(OPERATIONS))
            level = _LOWEST_LEVEL + numbers[1] * (severity - _LOWEST_LEVEL)
            augmented = _apply(augmented, operation, level, numbers[2] < 0.5)
        parts.append((share * weights[chain]) * tf.cast(augmented, tf.float32))
    # One sum: the graph optimiser would reorder a chain of them, which changes the rounding.
    return tf.add_n(parts)


def sample_weights(seed: tf.Tensor, count: int, alpha: float) -> tf.Tensor:
    """Draws from a Dirichlet distribution of equal parameters: float32 [count], sum 1.

    As in `mixup.sample_lambdas`, log Gamma(alpha) = log Gamma(alpha + 1) + log(U) / alpha.
    """
    gamma_seed, power_seed = seeds.split_seed(seed, 2)
    gammas = tf.random.stateless_gamma([count], gamma_seed, alpha=alpha + 1.0)
    powers = seeds.uniform(power_seed, count)
    tiny = 1e-30
    return tf.nn.softmax(tf.math.log(gammas + tiny) + tf.math.log(powers + tiny) / alpha)


def apply_operation(
    image: tf.Tensor, name: str, level: float | tf.Tensor, negative: bool | tf.Tensor = False
) -> tf.Tensor:
    """Applies one operation.

    Args:
        image: uint8 [H, W, 3].
        name: One of `OPERATIONS`.
        level: Above 0 and below 10, as `augmix` draws it.
        negative: Whether to negate the amount of a geometric operation.

    Returns:
        uint8 [H, W, 3].
    """
    sign = tf.where(negative, -1.0, 1.0)
    return OPERATIONS[name](image, tf.cast(level, tf.float32) / _LARGEST_LEVEL, sign)


def _moved(image: tf.Tensor, move: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Transforms bytes in floating point and rounds."""
    return tf.cast(tf.round(move(tf.cast(image, tf.float32))), tf.uint8)


def _rotate(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Up to 30 degrees, whole ones."""
    degrees = sign * tf.floor(share * 30.0)
    return _moved(image, lambda pixels: rotation.rotate(pixels, degrees, _BLACK))


def _affine(image: tf.Tensor, matrix: list[float | tf.Tensor]) -> tf.Tensor:
    """Moves a picture; see `rotation.affine`."""
    return _moved(image, lambda pixels: rotation.affine(pixels, matrix, _BLACK))


def _shear_x(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Up to 0.3; pixels are sampled at their centres, hence the offset."""
    tangent = sign * share * 0.3
    return _affine(image, [1.0, tangent, 0.5 * tangent, 0.0, 1.0, 0.0])


def _shear_y(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Up to 0.3."""
    tangent = sign * share * 0.3
    return _affine(image, [1.0, 0.0, 0.0, tangent, 1.0, 0.5 * tangent])


def _translate_x(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Up to a third of the width, whole pixels."""
    pixels = sign * tf.floor(share * (image.shape[1] / 3.0))
    return _affine(image, [1.0, 0.0, pixels, 0.0, 1.0, 0.0])


def _translate_y(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Up to a third of the height, whole pixels."""
    pixels = sign * tf.floor(share * (image.shape[0] / 3.0))
    return _affine(image, [1.0, 0.0, 0.0, 0.0, 1.0, pixels])


# Functions of (image, level / 10, sign).
OPERATIONS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "autocontrast": lambda image, share, sign: color.autocontrast(image),
    "equalize": lambda image, share, sign: color.equalize(image),
    "posterize": lambda image, share, sign: color.posterize(image, 4.0 - tf.floor(share * 4.0)),
    "rotate": _rotate,
    "solarize": lambda image, share, sign: color.solarize(image, 256.0 - tf.floor(share * 256.0)),
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}


def _apply(
    image: tf.Tensor, operation: tf.Tensor, level: tf.Tensor, negative: tf.Tensor
) -> tf.Tensor:
    """Applies the operation of a number; the number after the last does nothing."""
    return _compiled(image.shape[0], image.shape[1])(image, operation, level, negative)


@functools.cache
def _compiled(height: int, width: int) -> Callable[..., tf.Tensor]:
    """Returns `_apply` for pictures of one size as one function."""
    inputs = [
        tf.TensorSpec([height, width, 3], tf.uint8),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([], tf.bool),
    ]

    def operation(name):
        def run(image, level, negative):
            return apply_operation(image, name, level, negative)

        return tf.function(run, input_signature=inputs, autograph=False).get_concrete_function()

    def nothing(image, level, negative):
        return tf.identity(image)

    def apply(image, number, level, negative):
        return chains.case(number, branches, [image, level, negative])

    with tf.init_scope():
        branches = [operation(name) for name in OPERATIONS]
        branches.append(
            tf.function(nothing, input_signature=inputs, autograph=False).get_concrete_function()
        )
        signature = [inputs[0], tf.TensorSpec([], tf.int32), *inputs[1:]]
        function = tf.function(apply, input_signature=signature, autograph=False)
        return function.get_concrete_function()
