"""Encoded bytes to uint8 images of three channels: JPEG, PNG, WebP and others."""

from collections.abc import Callable

import tensorflow as tf

from preprocessing import orientation

# From TensorFlow 2.20 on; before it tensorflow-io decodes WebP.
WEBP_BUILT_IN = hasattr(tf.io, "decode_webp")
# A WebP of one pixel.
_SMALLEST_WEBP = (
    b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0e\x00\x00\x00/\x00\x00\x00\x00\x07\x10\x11\xfd\x0fDD\xff\x03"
)
_WEBP_HINT = (
    "TensorFlow 2.15 has no WebP decoder: pip install tensorflow-io==0.36.0, or convert the "
    "images to JPEG or PNG"
)


def is_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """Returns a bool scalar: whether a string scalar begins as a JPEG does."""
    return tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")


def decode_image(
    encoded: tf.Tensor,
    decoder: str = "jpeg",
    dct_method: str = "INTEGER_ACCURATE",
    upright: bool = False,
) -> tf.Tensor:
    """Decodes an image to RGB.

    Grey, palette, 16-bit and CMYK images become three channels of 8 bits; transparency is
    dropped.

    Args:
        encoded: String scalar.
        decoder: `jpeg`, `png`, `webp` or `any` (see `PreprocessingConfig`).
        dct_method: `INTEGER_ACCURATE` or `INTEGER_FAST`; matters for JPEG only.
        upright: Whether a JPEG is turned as its EXIF orientation says.

    Returns:
        uint8 tensor of shape [H, W, 3].

    Raises:
        ImportError: If `decoder` is `webp` and nothing here decodes it.
        tf.errors.InvalidArgumentError: When run, if the bytes are no such image.
    """
    if decoder == "webp":
        image = _decode_webp(encoded)
    elif decoder == "any":
        image = _decode_any(encoded, dct_method)
    else:
        # TensorFlow's JPEG operation looks at the bytes and takes a PNG, too.
        image = tf.io.decode_jpeg(encoded, channels=3, dct_method=dct_method)
    # From 2.20 on it takes WebP as well, and gives [1, H, W, 3].
    image = tf.ensure_shape(image, [None, None, 3])
    if upright:
        image = orientation.upright(image, orientation.of_jpeg(encoded))
        image.set_shape([None, None, 3])
    return image


def decode_and_crop(
    encoded: tf.Tensor,
    choose_window: Callable[[tf.Tensor], tf.Tensor],
    decoder: str = "jpeg",
    dct_method: str = "INTEGER_ACCURATE",
) -> tf.Tensor:
    """Decodes one window of an image; of a JPEG only the window's own blocks are decoded.

    `choose_window` is given the image's shape, int32 [3], and returns the window, int32 [4]: top,
    left, height, width in pixels. The rest is as in `decode_image`.
    """

    def fused() -> tf.Tensor:
        window = choose_window(tf.io.extract_jpeg_shape(encoded))
        return tf.io.decode_and_crop_jpeg(encoded, window, channels=3, dct_method=dct_method)

    def in_series() -> tf.Tensor:
        image = decode_image(encoded, decoder, dct_method)
        top, left, height, width = tf.unstack(choose_window(tf.shape(image)), num=4)
        return tf.slice(image, [top, left, 0], [height, width, 3])

    if decoder == "webp":
        image = in_series()
    else:
        image = tf.cond(is_jpeg(encoded), fused, in_series)
    image.set_shape([None, None, 3])
    return image


def webp_available() -> bool:
    """Tells whether WebP is decoded here, also in a SavedModel loaded after this."""
    try:
        decode = _import_webp_decoder()
        # tensorflow-io loads its operations at their first use.
        with tf.init_scope():
            decode(tf.constant(_SMALLEST_WEBP))
    except (ImportError, NotImplementedError):
        return False
    return True


def _decode_any(encoded: tf.Tensor, dct_method: str) -> tf.Tensor:
    """Chooses the decoder by the first bytes; of a GIF it decodes the first frame."""
    gif_or_bmp = tf.logical_or(
        tf.equal(tf.strings.substr(encoded, 0, 3), b"GIF"),
        tf.equal(tf.strings.substr(encoded, 0, 2), b"BM"),
    )
    # RIFF, four bytes of length, WEBP.
    webp = tf.equal(tf.strings.substr(encoded, 8, 4), b"WEBP")

    def jpeg_or_png() -> tf.Tensor:
        return tf.io.decode_jpeg(encoded, channels=3, dct_method=dct_method)

    return tf.case(
        [
            (is_jpeg(encoded), jpeg_or_png),
            (webp, lambda: _decode_webp_or_fail(encoded)),
            (gif_or_bmp, lambda: tf.io.decode_image(encoded, 3, expand_animations=False)),
        ],
        default=jpeg_or_png,
    )


def _decode_webp(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes WebP, of an animation the first frame, to RGB; transparency is dropped."""
    return _import_webp_decoder()(encoded)[:, :, :3]


def _decode_webp_or_fail(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes WebP, or fails when such an image comes and the decoder is not there."""
    if webp_available():
        return _decode_webp(encoded)
    failure = tf.debugging.Assert(False, [f"A WebP image came. {_WEBP_HINT}."])
    with tf.control_dependencies([failure] if failure is not None else []):
        return tf.zeros([1, 1, 3], tf.uint8)


def _import_webp_decoder() -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what makes RGB or RGBA of WebP: TensorFlow, or before 2.20 tensorflow-io.

    That is imported only when WebP is asked for: it is large and optional.
    """
    if WEBP_BUILT_IN:
        return lambda encoded: tf.io.decode_webp(encoded)[0]
    try:
        import tensorflow_io
    except ImportError as error:
        raise ImportError(f"{_WEBP_HINT}.") from error
    return tensorflow_io.image.decode_webp
