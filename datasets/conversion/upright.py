"""Photos as people look at them: turned by their EXIF orientation, and no larger than wanted.

A phone stores what its sensor saw, and beside it (EXIF, tag 274) how the picture is to be turned:
1 not at all, 2 mirrored, 3 by half a turn, 4 mirrored and turned so, 5 to 8 with rows and columns
changed. TensorFlow's decoders do not look at it. In a record nothing is left to be turned, so that
training, evaluation and export need not ask.
"""

import io
import warnings

import numpy as np
import tensorflow as tf

from datasets.conversion.image_check import CheckedImage

_TAG = 274
UPRIGHT = 1
# What comes before EXIF data in JPEG, PNG and WebP files.
_MARKERS = (b"Exif\0\0", b"eXIf", b"EXIF")
# High enough for a picture to lose nothing that can be seen; a phone's own files have about 90 to
# 95. Colours keep their full resolution, which would suffer twice otherwise.
_QUALITY = 95


def orientation(data: bytes) -> int:
    """EXIF orientation of an image file, 1 to 8; 1 where it says none or nothing sensible."""
    # Most pictures of data sets have none, and Pillow takes longer to say so.
    if not any(marker in data for marker in _MARKERS):
        return UPRIGHT
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
            warnings.simplefilter("ignore")
            exif = Image.Exif()
            exif.load(image.info["exif"])
            value = exif.get(_TAG)
    except Exception:  # of many kinds, by what is broken; the picture itself may be whole
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def adjusted(image: CheckedImage, how: int, max_side: int) -> CheckedImage:
    """The image turned as the EXIF orientation `how` says, with no side above `max_side` pixels.

    A `max_side` of 0 is none. Where nothing has to be done the bytes stay as they are, else a JPEG
    becomes a JPEG and a PNG a PNG.
    """
    largest = max(image.height, image.width)
    scale = max_side / largest if 0 < max_side < largest else 1.0
    if how == UPRIGHT and scale == 1.0:
        return image
    pixels = turned(_decode(image), how)
    if scale < 1.0:
        from PIL import Image

        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        small = Image.fromarray(np.ascontiguousarray(pixels))
        pixels = np.asarray(small.resize(size, Image.Resampling.LANCZOS))
    return _encode(pixels, image)


def turned(pixels: np.ndarray, how: int) -> np.ndarray:
    """Pixels [H, W, C] turned as the EXIF orientation `how` says, [W, H, C] for 5 to 8."""
    if how >= 5:
        pixels = pixels.transpose(1, 0, 2)
    # Which axes run backwards then.
    rows = -1 if how in (3, 4, 7, 8) else 1
    columns = -1 if how in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]


def _decode(image: CheckedImage) -> np.ndarray:
    """Pixels of an image, uint8 [H, W, 3]."""
    if image.image_format == "PNG":
        return tf.io.decode_png(image.encoded, channels=3).numpy()
    return tf.io.decode_jpeg(image.encoded, channels=3, dct_method="INTEGER_ACCURATE").numpy()


def _encode(pixels: np.ndarray, like: CheckedImage) -> CheckedImage:
    """An image of `pixels`, uint8 [H, W, 3], in the format of another."""
    height, width = pixels.shape[:2]
    if like.image_format == "PNG":
        data = tf.io.encode_png(pixels)
    else:
        data = tf.io.encode_jpeg(pixels, format="rgb", quality=_QUALITY, chroma_downsampling=False)
    return CheckedImage(data.numpy(), like.image_format, height, width, like.original_format)
