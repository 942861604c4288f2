"""Mixup, types 1 and 2, with lambdas from a Beta distribution (Zhang et al., 1710.09412).

Type 1 makes one batch of two. Type 2 mixes a batch with its own halves and keeps its size. The
labels of a teacher are mixed with the same lambdas as the images; the original mixes the hard
label of the first image into the second half of type 2, a mistake not repeated here.

Images may be bytes: grey levels, mixed to float32. `one_by_one` is for CPUs: intermediate
results stay in the cache, and need no memory of the size of a batch (docs/preprocessing.md).
"""

from collections.abc import Callable

import tensorflow as tf

from preprocessing import seeds

Mixed = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]
Finish = Callable[[tf.Tensor], tf.Tensor]


def sample_lambdas(seed: tf.Tensor, count: int | tf.Tensor, alpha: float) -> tf.Tensor:
    """Draws mixing weights from Beta(alpha, alpha).

    Beta = G1 / (G1 + G2) for two Gamma(alpha) numbers, which for small alpha are often below the
    smallest float32 both: 0 / 0. lambda = sigmoid(log G1 - log G2) is finite whatever the draws.

    Args:
        seed: int32 or int64 tensor of shape [2].
        count: How many to draw.
        alpha: Parameter of the distribution, above 0; the paper's recipes use 0.2.

    Returns:
        float32 tensor of shape [count] in [0, 1].

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


def mixup_type1(
    images: tf.Tensor,
    labels: tf.Tensor,
    lambdas: tf.Tensor,
    teacher: tf.Tensor | None = None,
    one_by_one: bool = False,
    finish: Finish | None = None,
) -> Mixed:
    """Mixes the first half of a double batch with the second.

    Args:
        images: Floating or uint8 tensor of shape [2B, H, W, C].
        labels: Floating tensor of shape [2B, K].
        lambdas: float32 tensor of shape [B], weight of the first half.
        teacher: Optional floating tensor of shape [2B, K] with a teacher's labels or logits.
        one_by_one: Whether to mix image after image, for CPUs; needs a static image shape.
        finish: Applied to the mixed images, one [H, W, C] or several [B, H, W, C] at a time.

    Returns:
        Images [B, H, W, C] (bytes become float32), labels [B, K] and teacher labels [B, K] or None,
        dtypes as given.

    Raises:
        ValueError: If the number of images is known and odd.
        tf.errors.InvalidArgumentError: When run, if it is odd.
    """
    images = tf.convert_to_tensor(images)
    count = images.shape[0]
    message = "Mixup type 1 makes one picture of two, so it needs an even number of pictures"
    if count is None:
        check = tf.debugging.assert_equal(tf.shape(images)[0] % 2, 0, message)
        # Eagerly the assertion returns None: it has raised already.
        with tf.control_dependencies([] if check is None else [check]):
            count = tf.identity(tf.shape(images)[0])
    elif count % 2:
        raise ValueError(f"{message}. Received: {count}")
    first = tf.range(count // 2)
    pairs = first, first + count // 2
    return _mix(images, labels, teacher, pairs, lambdas, one_by_one, finish)


def mixup_type2(
    images: tf.Tensor,
    labels: tf.Tensor,
    lambdas1: tf.Tensor,
    lambdas2: tf.Tensor,
    teacher: tf.Tensor | None = None,
    one_by_one: bool = False,
    finish: Finish | None = None,
) -> Mixed:
    """Mixes the first half of a batch with the second, then with the second in reverse order.

    In an odd batch the last image has no partner and comes out last, unmixed.

    Args:
        images: Floating or uint8 tensor of shape [B, H, W, C].
        labels: Floating tensor of shape [B, K].
        lambdas1: float32 tensor of shape [B // 2], weight of the first half in the first results.
        lambdas2: float32 tensor of shape [B // 2], weight of the first half in the second results.
        teacher: Optional floating tensor of shape [B, K] with a teacher's labels or logits.
        one_by_one: As in `mixup_type1`.
        finish: As in `mixup_type1`.

    Returns:
        Images [B, H, W, C] (bytes become float32), labels [B, K] and teacher labels [B, K] or None,
        dtypes as given.
    """
    images = tf.convert_to_tensor(images)
    count = images.shape[0] or tf.shape(images)[0]
    half = count // 2
    index, rest = tf.range(half), tf.range(2 * half, count)
    first = tf.concat([index, index, rest], axis=0)
    second = tf.concat([half + index, 2 * half - 1 - index, rest], axis=0)
    # What has no partner is mixed with itself, all of it coming from the first.
    lambdas = tf.concat([lambdas1, lambdas2, tf.ones([count - 2 * half])], axis=0)
    return _mix(images, labels, teacher, (first, second), lambdas, one_by_one, finish)


def _mix(
    images: tf.Tensor,
    labels: tf.Tensor,
    teacher: tf.Tensor | None,
    pairs: tuple[tf.Tensor, tf.Tensor],
    lambdas: tf.Tensor,
    one_by_one: bool,
    finish: Finish | None,
) -> Mixed:
    """Mixes rows pairs[0] with rows pairs[1]; `lambdas` are the weights of the former."""
    lambdas = tf.convert_to_tensor(lambdas)
    dtype = images.dtype if images.dtype.is_floating else tf.float32
    finish = finish or tf.identity

    def one(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        first, second, weight = row
        kept = _weighted(images[first], weight, dtype)
        return finish(kept + _weighted(images[second], 1.0 - weight, dtype))

    if one_by_one:
        spec = tf.TensorSpec(images.shape[1:], dtype)
        mixed = tf.map_fn(one, (*pairs, lambdas), fn_output_signature=spec)
    else:
        mixed = finish(_blend(tf.cast(images, dtype), pairs, lambdas))
    taught = None if teacher is None else _blend(teacher, pairs, lambdas)
    return mixed, _blend(labels, pairs, lambdas), taught


def _blend(values: tf.Tensor, pairs: tuple[tf.Tensor, tf.Tensor], lambdas: tf.Tensor) -> tf.Tensor:
    """Returns lambda * first + (1 - lambda) * second of each pair of rows."""
    first, second = (tf.gather(values, rows) for rows in pairs)
    weight = tf.reshape(lambdas, [-1] + [1] * (first.shape.rank - 1))
    return tf.cast(weight, first.dtype) * first + tf.cast(1.0 - weight, first.dtype) * second


def _weighted(image: tf.Tensor, weight: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns weight * image; of bytes in one pass (the weight may be off by its last bit)."""
    if image.dtype != tf.uint8:
        return tf.cast(weight, dtype) * tf.cast(image, dtype)
    # Bytes that stand for 0 to 255 * weight.
    codes = tf.bitcast(image, tf.quint8)
    return tf.raw_ops.Dequantize(input=codes, min_range=0.0, max_range=255.0 * weight)
