"""Mixup, types 1 and 2, with lambdas from a Beta distribution (Zhang et al., 1710.09412).

Type 1 makes one batch of two. Type 2 mixes a batch with its own halves and keeps its size. The
labels of a teacher are mixed with the same lambdas as the images; the original mixes the hard
label of the first image into the second half of type 2, a mistake not repeated here.

Images may be bytes (grey levels), which become float32. `one_by_one` is for CPUs: intermediate
results stay in the cache and need no memory of the size of a batch (docs/preprocessing.md).
"""

from collections.abc import Callable

import tensorflow as tf

from preprocessing import seeds

Mixed = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]


def sample_lambdas(seed: tf.Tensor, count: int | tf.Tensor, alpha: float) -> tf.Tensor:
    """Draws mixing weights from Beta(alpha, alpha).

    Beta = G1 / (G1 + G2) for two Gamma(alpha) numbers, which for small alpha are often below the
    smallest float32 both: 0 / 0. lambda = sigmoid(log G1 - log G2) is finite whatever the draws:
    float32 [count] in [0, 1].

    Raises:
        ValueError: If alpha is not above 0.
    """
    if not alpha > 0:
        raise ValueError(f"sample_lambdas needs alpha above 0. Received: alpha={alpha!r}")
    logs = log_gammas(seed, [2, count], alpha)
    return tf.sigmoid(logs[0] - logs[1])


def log_gammas(seed: tf.Tensor, shape: list[int | tf.Tensor], alpha: float) -> tf.Tensor:
    """Draws logarithms of Gamma(alpha) numbers, float32 of that shape, finite for any alpha.

    log Gamma(alpha) = log Gamma(alpha + 1) + log(U) / alpha for a uniform U.
    """
    gamma_seed, power_seed = seeds.split_seed(seed, 2)
    gammas = tf.random.stateless_gamma(shape, gamma_seed, alpha=alpha + 1.0)
    powers = tf.random.stateless_uniform(shape, power_seed, alg=seeds.ALGORITHM)
    tiny = 1e-30
    return tf.math.log(gammas + tiny) + tf.math.log(powers + tiny) / alpha


def mixup(
    images: tf.Tensor,
    labels: tf.Tensor,
    mixup_type: int,
    lambdas: tf.Tensor,
    teacher: tf.Tensor | None = None,
    one_by_one: bool = False,
    finish: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> Mixed:
    """Mixes the images of a batch in pairs, and their labels.

    Type 1 mixes the first half of a double batch with the second. Type 2 mixes the first half of a
    batch with the second, then with the second in reverse order; in an odd batch the last image has
    no partner and comes out last, unmixed.

    Args:
        images: Floating or uint8 tensor of shape [N, H, W, C].
        labels: Floating tensor of shape [N, K].
        mixup_type: 1 or 2.
        lambdas: float32 [B], the weight of each result's first image; for a last image without
            partner 1. B is N / 2 for type 1 and N for type 2.
        teacher: Optional floating tensor of shape [N, K] with a teacher's labels or logits.
        one_by_one: Whether to mix one pair after another, for CPUs; needs a static image shape.
        finish: Applied to the mixed images, one [H, W, C] or several [B, H, W, C] at a time.

    Returns:
        Images [B, H, W, C] (bytes become float32), labels [B, K] and teacher labels [B, K] or None,
        dtypes as given.

    Raises:
        ValueError: If type 1 gets a number of images that is known and odd.
        tf.errors.InvalidArgumentError: When run, if it is odd.
    """
    images, lambdas = tf.convert_to_tensor(images), tf.convert_to_tensor(lambdas)
    pairs = _pairs(images, mixup_type)

    def one(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        first, second, weight = row
        kept = _weighted(images[first], weight)
        return finish(kept + _weighted(images[second], 1.0 - weight))

    if one_by_one:
        dtype = tf.float32 if images.dtype == tf.uint8 else images.dtype
        spec = tf.TensorSpec(images.shape[1:], dtype)
        mixed = tf.map_fn(one, (*pairs, lambdas), fn_output_signature=spec)
    else:
        mixed = finish(_blend(images, pairs, lambdas))
    taught = None if teacher is None else _blend(teacher, pairs, lambdas)
    return mixed, _blend(labels, pairs, lambdas), taught


def _pairs(images: tf.Tensor, mixup_type: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the rows of the first and of the second image of each result, int32 [B]."""
    count = images.shape[0]
    message = "Mixup type 1 makes one image of two, so it needs an even number of images"
    if count is None:
        count = tf.shape(images)[0]
        check = mixup_type == 1 and tf.debugging.assert_equal(count % 2, 0, message)
        with tf.control_dependencies([check] if check else []):
            count = tf.identity(count)
    elif mixup_type == 1 and count % 2:
        raise ValueError(f"{message}. Received: {count}")
    half = count // 2
    front = tf.range(half)
    if mixup_type == 1:
        return front, half + front
    # An image without a partner is mixed with itself.
    rest = tf.range(2 * half, count)
    first = tf.concat([front, front, rest], axis=0)
    return first, tf.concat([half + front, 2 * half - 1 - front, rest], axis=0)


def _blend(values: tf.Tensor, pairs: tuple[tf.Tensor, tf.Tensor], lambdas: tf.Tensor) -> tf.Tensor:
    """Returns lambda * first + (1 - lambda) * second of each pair of rows, of bytes as float32."""
    first, second = (tf.gather(values, rows) for rows in pairs)
    dtype = first.dtype if first.dtype.is_floating else tf.float32
    weight = tf.reshape(lambdas, [-1] + [1] * (first.shape.rank - 1))
    kept = tf.cast(weight, dtype) * tf.cast(first, dtype)
    return kept + tf.cast(1.0 - weight, dtype) * tf.cast(second, dtype)


def _weighted(image: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Returns weight * image; of bytes in one pass (the weight may be off by its last bit)."""
    if image.dtype != tf.uint8:
        return tf.cast(weight, image.dtype) * image
    # The operation takes a byte b for b / 255 of the range, here b * weight.
    codes = tf.bitcast(image, tf.quint8)
    return tf.raw_ops.Dequantize(input=codes, min_range=0.0, max_range=255.0 * weight)
