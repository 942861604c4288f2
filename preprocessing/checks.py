"""Whether an encoded image can be served: found out before its pixels are allocated."""

import tensorflow as tf

from preprocessing import headers
from preprocessing.config import PreprocessingConfig
from preprocessing.decode import webp_available

# What a served model says of each image.
GOOD, EMPTY, OTHER_FORMAT, TOO_LARGE, ANIMATED, DAMAGED = range(6)
MEANINGS = {
    GOOD: "good",
    EMPTY: "no bytes",
    OTHER_FORMAT: "no image of a format that this model takes",
    TOO_LARGE: "more pixels than this model takes, so long and thin that it would have more once "
    "resized, or more bytes than so many pixels could fill",
    ANIMATED: "an animation",
    DAMAGED: "damaged or cut off",
}
# A PNG without any compression has 8 bytes a pixel: four channels of 16 bits.
_BYTES_PER_PIXEL = 8
_FORMATS = {
    "jpeg": (headers.JPEG, headers.PNG),
    "png": (headers.JPEG, headers.PNG),
    "webp": (headers.WEBP,),
    "any": (headers.JPEG, headers.PNG, headers.BMP),
}


def status_of(encoded: tf.Tensor, config: PreprocessingConfig, max_pixels: int) -> tf.Tensor:
    """Returns what is wrong with an encoded image, a key of `MEANINGS`, by its header: int32 [].

    `GOOD` may still turn out to be damaged when it is decoded. A GIF is of another format: it
    is refused whatever the decoder takes.

    Args:
        encoded: String scalar.
        config: Says which formats are decoded, and how images are resized.
        max_pixels: Most pixels of an image, as it is and as it is resized before its crop.

    Raises:
        tf.errors.InvalidArgumentError: When run, if the header is damaged.
    """
    kind = headers.format_of(encoded)
    length = tf.cast(tf.strings.length(encoded), tf.int64)
    formats = _FORMATS[config.decoder]
    if config.decoder == "any" and webp_available():
        formats = (*formats, headers.WEBP)
    wanted = tf.reduce_any(tf.equal(kind, formats))

    def by_size() -> tf.Tensor:
        size = headers.size_of(encoded, kind)
        moves = headers.is_animated(encoded, kind)
        large = tf.logical_not(_fits(size, config, max_pixels))
        return tf.where(large, TOO_LARGE, tf.where(moves, ANIMATED, GOOD))

    return tf.case(
        [
            (tf.equal(length, 0), lambda: tf.constant(EMPTY)),
            (length > _BYTES_PER_PIXEL * max_pixels, lambda: tf.constant(TOO_LARGE)),
            (wanted, by_size),
        ],
        default=lambda: tf.constant(OTHER_FORMAT),
    )


def _fits(size: tf.Tensor, config: PreprocessingConfig, max_pixels: int) -> tf.Tensor:
    """Whether an image of height and width, int64 [2], is no larger than allowed, bool []."""
    # No decoder takes longer sides, and products of these overflow nothing.
    size = tf.minimum(size, 2**31)
    fits = tf.reduce_prod(size) <= max_pixels
    if config.family == "imagenet":
        # The shorter side becomes `eval_shorter_side`, the longer one grows or shrinks with it.
        resized = tf.reduce_max(size) * config.eval_shorter_side**2
        fits = tf.logical_and(fits, resized <= max_pixels * tf.reduce_min(size))
    return fits
