"""Mixup, types 1 and 2, with lambdas from a Beta distribution (Zhang et al., 1710.09412).

Type 1 makes one batch of two. Type 2 mixes a batch with its own halves and keeps its size. The
labels of a teacher are mixed with the same lambdas as the pictures; the original mixes the hard
label of the first picture into the second half of type 2, a mistake not repeated here.

Pictures may be bytes: grey levels, mixed to float32. `one_by_one` is for CPUs: intermediate
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
    smallest float32 both: 0 / 0. Here log Gamma(alpha) = log Gamma(alpha + 1) + log(U) / alpha, and
    lambda = sigmoid(log G1 - log G2), which is finite whatever the draws.

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
    gamma_seed, power_seed = seeds.split_seed(seed, 2)
    gammas = tf.random.stateless_gamma([2, count], gamma_seed, alpha=alpha + 1.0)
    tiny = 1e-30
    powers = tf.random.stateless_uniform([2, count], power_seed, minval=0.0, alg=seeds.ALGORITHM)
    logs = tf.math.log(gammas + tiny) + tf.math.log(powers + tiny) / alpha
    return tf.sigmoid(logs[0] - logs[1])


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
        one_by_one: Whether to mix picture after picture, for CPUs; needs a static picture shape.
        finish: Applied to the mixed pictures, one [H, W, C] or several [B, H, W, C] at a time.

    Returns:
        Images [B, H, W, C] (bytes become float32), labels [B, K] and teacher labels [B, K] or None,
        dtypes as given.

    Raises:
        ValueError: If the number of pictures is known and odd.
        tf.errors.InvalidArgumentError: When run, if it is odd.
    """
    images, labels, teacher = _to_tensors(images, labels, teacher)
    count = images.shape[0]
    message = "Mixup type 1 makes one picture of two, so it needs an even number of pictures"
    if count is not None and count % 2:
        raise ValueError(f"{message}. Received: {count}")
    size = tf.shape(images)[0]
    checks = [tf.debugging.assert_equal(size % 2, 0, message)] if count is None else []
    with tf.control_dependencies([check for check in checks if check is not None]):
        half = tf.identity(size // 2)

    def mix(values: tf.Tensor | None) -> tf.Tensor | None:
        if values is None:
            return None
        return _blend(values[:half], values[half:], lambdas)

    if one_by_one:
        index = tf.range(half)
        mixed = _blend_one_by_one(images, index, index + half, lambdas, finish)
    else:
        mixed = _finished(mix(_floating(images)), finish)
    return mixed, mix(labels), mix(teacher)


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

    In an odd batch the last picture has no partner and comes out last, unmixed.

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
    images, labels, teacher = _to_tensors(images, labels, teacher)
    half = tf.shape(images)[0] // 2

    def mix(values: tf.Tensor | None) -> tf.Tensor | None:
        if values is None:
            return None
        first = values[:half]
        # A gather copies whole pictures; tf.reverse walks over elements and is slower.
        reverse = tf.gather(values, tf.range(2 * half - 1, half - 1, -1))
        parts = [
            _blend(first, values[half : 2 * half], lambdas1),
            _blend(first, reverse, lambdas2),
            values[2 * half :],
        ]
        mixed = tf.concat(parts, axis=0)
        mixed.set_shape(values.shape)
        return mixed

    if one_by_one:
        index = tf.range(half)
        rest = tf.range(2 * half, tf.shape(images)[0])
        first = tf.concat([index, index, rest], axis=0)
        second = tf.concat([index + half, 2 * half - 1 - index, rest], axis=0)
        # What has no partner is mixed with itself, all of it coming from the first.
        ones = tf.ones([tf.size(rest)])
        lambdas = tf.concat([lambdas1, lambdas2, ones], axis=0)
        mixed = _blend_one_by_one(images, first, second, lambdas, finish)
        mixed.set_shape(images.shape)
    else:
        mixed = _finished(mix(_floating(images)), finish)
    return mixed, mix(labels), mix(teacher)


def _blend(first: tf.Tensor, second: tf.Tensor, lambdas: tf.Tensor) -> tf.Tensor:
    """Returns lambda * first + (1 - lambda) * second, one lambda per row."""
    shape = [-1] + [1] * (first.shape.rank - 1)
    weight = tf.reshape(lambdas, shape)
    return tf.cast(weight, first.dtype) * first + tf.cast(1.0 - weight, first.dtype) * second


def _blend_one_by_one(
    images: tf.Tensor,
    first: tf.Tensor,
    second: tf.Tensor,
    lambdas: tf.Tensor,
    finish: Finish | None,
) -> tf.Tensor:
    """Returns lambda * images[first] + (1 - lambda) * images[second], picture after picture."""
    weights = tf.convert_to_tensor(lambdas)
    dtype = _floating(images[:0]).dtype

    def one(index: tf.Tensor) -> tf.Tensor:
        weight = weights[index]
        kept = _weighted(images[first[index]], weight, dtype)
        other = _weighted(images[second[index]], 1.0 - weight, dtype)
        return _finished(kept + other, finish)

    spec = tf.TensorSpec(images.shape[1:], dtype)
    return tf.map_fn(one, tf.range(tf.shape(first)[0]), fn_output_signature=spec)


def _weighted(image: tf.Tensor, weight: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns weight * image; of bytes in one pass (the weight may be off by its last bit)."""
    if image.dtype != tf.uint8:
        return tf.cast(weight, dtype) * tf.cast(image, dtype)
    # Bytes that stand for 0 to 255 * weight.
    codes = tf.bitcast(image, tf.quint8)
    return tf.raw_ops.Dequantize(input=codes, min_range=0.0, max_range=255.0 * weight)


def _floating(images: tf.Tensor) -> tf.Tensor:
    """Casts bytes to float32 and leaves other dtypes alone."""
    return images if images.dtype.is_floating else tf.cast(images, tf.float32)


def _finished(images: tf.Tensor, finish: Finish | None) -> tf.Tensor:
    """Applies `finish`, if there is one."""
    return images if finish is None else finish(images)


def _to_tensors(*values: tf.Tensor | None) -> list[tf.Tensor | None]:
    """Converts arrays to tensors and leaves None alone."""
    return [None if value is None else tf.convert_to_tensor(value) for value in values]
