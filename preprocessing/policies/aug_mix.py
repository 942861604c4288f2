"""AugMix (Hendrycks et al., arXiv 1912.02781): several chains of operations, mixed.

Operations and their strengths are those of the paper's experiments, none of which occurs in
ImageNet-C: autocontrast, equalize, posterize, rotate, solarize, shear, translate. Geometry is
bilinear, with black outside. The consistency loss is the
trainer's; `pipeline.train_views` makes its views.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from preprocessing import seeds
from preprocessing.mixing import mixup
from preprocessing.operations import color, rotation
from preprocessing.policies import chains

_LARGEST_DEPTH = 3
# Which operation, how strong, which sign.
_DRAWS_PER_STEP = 3
_LOWEST_LEVEL = 0.1
_LARGEST_LEVEL = 10.0
_BLACK = 0.0


def augmix(
    image: tf.Tensor,
    seed: tf.Tensor,
    severity: float = 3.0,
    width: int = 3,
    depth: int = -1,
    alpha: float = 1.0,
) -> tf.Tensor:
    """Mixes an image with a mixture of `width` differently augmented copies.

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
    apply = _operation_by_number(*image.shape[:2])
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
            augmented = apply(augmented, operation, level, numbers[2] < 0.5)
        parts.append((share * weights[chain]) * tf.cast(augmented, tf.float32))
    # One sum: the graph optimiser would reorder a chain of them, which changes the rounding.
    return tf.add_n(parts)


def sample_weights(seed: tf.Tensor, count: int, alpha: float) -> tf.Tensor:
    """Draws from a Dirichlet distribution of equal parameters: float32 [count], sum 1."""
    return tf.nn.softmax(mixup.log_gammas(seed, [count], alpha))


def apply_operation(
    image: tf.Tensor, name: str, level: float | tf.Tensor, negative: bool | tf.Tensor = False
) -> tf.Tensor:
    """Applies one of `OPERATIONS` to uint8 [H, W, 3] at a level between 0 and 10.

    `negative` negates the amount of a geometric operation.
    """
    sign = tf.where(negative, -1.0, 1.0)
    return OPERATIONS[name](image, tf.cast(level, tf.float32) / _LARGEST_LEVEL, sign)


def _bilinear(image: tf.Tensor, move: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Moves the pixels of uint8 [H, W, 3] in floating point and rounds."""
    return tf.cast(tf.round(move(tf.cast(image, tf.float32))), tf.uint8)


def _rotate(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
    """Rotates by up to 30 degrees, whole ones."""
    degrees = sign * tf.floor(share * 30.0)
    return _bilinear(image, lambda pixels: rotation.rotate(pixels, degrees, _BLACK))


def _shear(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor, axis: int) -> tf.Tensor:
    """Shears by up to 0.3; pixels are sampled at their centres, hence the offset."""
    tangent = sign * share * 0.3
    if axis == 1:
        matrix = [1.0, tangent, 0.5 * tangent, 0.0, 1.0, 0.0]
    else:
        matrix = [1.0, 0.0, 0.0, tangent, 1.0, 0.5 * tangent]
    return _bilinear(image, lambda pixels: rotation.affine(pixels, matrix, _BLACK))


def _translate(image: tf.Tensor, share: tf.Tensor, sign: tf.Tensor, axis: int) -> tf.Tensor:
    """Translates by up to a third of the height (axis 0) or width (axis 1), whole pixels."""
    pixels = sign * tf.floor(share * (image.shape[axis] / 3.0))
    across, down = (pixels, 0.0) if axis == 1 else (0.0, pixels)
    matrix = [1.0, 0.0, across, 0.0, 1.0, down]
    return _bilinear(image, lambda pixels: rotation.affine(pixels, matrix, _BLACK))


# Functions of (image, level / 10, sign).
OPERATIONS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "autocontrast": lambda image, share, sign: color.autocontrast(image),
    "equalize": lambda image, share, sign: color.equalize(image),
    "posterize": lambda image, share, sign: color.posterize(image, 4.0 - tf.floor(share * 4.0)),
    "rotate": _rotate,
    "solarize": lambda image, share, sign: color.solarize(image, 256.0 - tf.floor(share * 256.0)),
    "shear_x": functools.partial(_shear, axis=1),
    "shear_y": functools.partial(_shear, axis=0),
    "translate_x": functools.partial(_translate, axis=1),
    "translate_y": functools.partial(_translate, axis=0),
}


@functools.cache
def _operation_by_number(height: int, width: int) -> Callable[..., tf.Tensor]:
    """Returns a function of (image, number, level, negative) for images of one size.

    It does what `apply_operation` does with the operation of that number; the number after the last
    operation's does nothing.
    """
    image_spec = tf.TensorSpec([height, width, 3], tf.uint8)
    number_spec = tf.TensorSpec([], tf.int32)
    rest = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.bool)]

    def run(image, number, level, negative):
        return chains.case(number, branches, [image, level, negative])

    def branch(name):
        return lambda image, level, negative: apply_operation(image, name, level, negative)

    functions = [*map(branch, OPERATIONS), lambda image, level, negative: tf.identity(image)]
    with tf.init_scope():
        branches = [chains.traced(function, [image_spec, *rest]) for function in functions]
        return chains.traced(run, [image_spec, number_spec, *rest])
