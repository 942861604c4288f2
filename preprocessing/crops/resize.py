"""Resizing, central crop and mean subtraction; TensorFlow 1's sampling points or others'."""

from collections.abc import Sequence

import tensorflow as tf

# Red, green, blue. The original subtracts these; it does not divide.
CHANNEL_MEANS = (123.68, 116.78, 103.94)

# How an image can be resized: as TensorFlow 1 does, which is the original's way, or as Pillow (with
# it torchvision and timm), where every pixel counts when a picture becomes smaller.
INTERPOLATIONS = ("tf1_bilinear", "bilinear", "bicubic")

# The largest resized image: 3.2 GB as float32 of three channels. A line of 1 x 60,000 pixels would
# take 47 GB at a shorter side of 256.
MAX_PIXELS = 2**28


def tf1_bilinear_resize(
    image: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor
) -> tf.Tensor:
    """Resizes as TensorFlow 1 does: corner-aligned grid at 0, no half-pixel centres, no filter.

    Half-pixel centres (what `tf.image.resize` uses) differ by up to 34 grey levels. [H, W, C] of
    any numeric dtype to float32 [height, width, C].
    """
    resized = tf.raw_ops.ResizeBilinear(
        images=image[tf.newaxis],
        size=tf.stack([height, width]),
        align_corners=False,
        half_pixel_centers=False,
    )
    return resized[0]


def resize(
    image: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, interpolation: str
) -> tf.Tensor:
    """Resizes [H, W, C] grey levels to float32 [height, width, C]; see `INTERPOLATIONS`.

    Bilinear and bicubic have half-pixel centres and average when they make smaller, as Pillow: the
    rows first, then the columns, each time rounded to whole grey levels of 0 to 255.
    """
    if interpolation == "tf1_bilinear":
        return tf1_bilinear_resize(image, height, width)
    for sides in ([tf.shape(image)[0], width], [height, width]):
        image = tf.image.resize(image, tf.stack(sides), interpolation, antialias=True)
        image = tf.clip_by_value(tf.floor(image + 0.5), 0.0, 255.0)
    return image


def sides_for_shorter(
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    shorter: int,
    interpolation: str = "tf1_bilinear",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes height and width, int32, with a given shorter side and the same aspect.

    With `tf1_bilinear` in float32 with truncation, as the original: for some sizes (107 to 256,
    say) even the shorter side comes out one pixel short. Else in whole numbers, rounded down.
    """
    if interpolation != "tf1_bilinear":
        sides = tf.cast(tf.stack([height, width]), tf.int64)
        sides = tf.cast(shorter * sides // tf.reduce_min(sides), tf.int32)
        return sides[0], sides[1]
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    ratio = tf.cast(shorter, tf.float32) / tf.minimum(height, width)
    return tf.cast(height * ratio, tf.int32), tf.cast(width * ratio, tf.int32)


def resize_shorter_side(
    image: tf.Tensor, shorter: int, interpolation: str = "tf1_bilinear"
) -> tf.Tensor:
    """Resizes [H, W, C] so that the shorter side is `shorter` pixels (see `sides_for_shorter`).

    Raises:
        tf.errors.InvalidArgumentError: The image is so long and thin that the result would have
            more than 2^28 pixels.
    """
    shape = tf.shape(image)
    height, width = sides_for_shorter(shape[0], shape[1], shorter, interpolation)
    fits = tf.debugging.Assert(
        tf.cast(height, tf.int64) * tf.cast(width, tf.int64) <= MAX_PIXELS,
        ["too long and thin an image: height and width", shape[:2], "would become", height, width],
    )
    # Eagerly the assertion returns None: it has raised already.
    with tf.control_dependencies([] if fits is None else [fits]):
        return resize(image, height, width, interpolation)


def central_crop(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Cuts the central window out of [H, W, C]; an odd margin leaves less at the top and left."""
    shape = tf.shape(image)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    cropped = tf.slice(image, [top, left, 0], [height, width, -1])
    cropped.set_shape([height, width, image.shape[-1]])
    return cropped


def subtract_mean(image: tf.Tensor, channel_means: Sequence[float] = CHANNEL_MEANS) -> tf.Tensor:
    """Subtracts the means from grey levels, [..., W, 3] of any numeric dtype: float32."""
    means = tuple(channel_means)
    values = tf.cast(image, tf.float32)
    width = image.shape[-2]
    if width is None:
        return values - tf.constant(means, tf.float32)
    # Subtracting whole rows: TensorFlow takes ten times as long over an inner axis of 3.
    rows = tf.reshape(values, [-1, width * 3]) - tf.constant(means * width, tf.float32)
    return tf.ensure_shape(tf.reshape(rows, tf.shape(image)), image.shape)
