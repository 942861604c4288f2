"""What is done to images that decode but are not as the records need them.

ImageNet holds one PNG file under a JPEG's name and 22 JPEGs of four colours (CMYK). As in the
original, they become RGB JPEGs of quality 100. Cutting an image to its bounding box, which the
original offers for some data sets, is here, too.
"""

import tensorflow as tf

from datasets.conversion.image_check import BadImageError, CheckedImage
from datasets.sources.items import Box

_QUALITY = 100
_CMYK_CHANNELS = 4


def to_rgb_jpeg(image: CheckedImage) -> tuple[CheckedImage, str]:
    """Makes an RGB JPEG of a PNG, or what became one, or of a JPEG of four colours.

    Args:
        image: An image that decodes.

    Returns:
        The image and what was done to it, in words; an empty text when nothing had to be done.
    """
    if image.image_format == "PNG":
        change = f"{image.original_format or 'PNG'}, now an RGB JPEG"
        return _encode(tf.io.decode_png(image.encoded, channels=3)), change
    channels = int(tf.io.extract_jpeg_shape(image.encoded)[2])
    if channels == _CMYK_CHANNELS:
        return _encode(_decode(image)), "CMYK JPEG, now an RGB JPEG"
    return image, ""


def crop_to_box(image: CheckedImage, box: Box) -> CheckedImage:
    """Cuts an image to a bounding box and stores the piece as a JPEG, as the original does.

    Args:
        image: An image that decodes.
        box: (ymin, xmin, ymax, xmax) in pixels; fractions are cut off, and what exceeds the
            image is left out.

    Raises:
        BadImageError: Nothing of the box lies inside the image.
    """
    ymin, xmin, ymax, xmax = (int(side) for side in box)
    top, left = max(ymin, 0), max(xmin, 0)
    bottom, right = min(ymax, image.height), min(xmax, image.width)
    if top >= bottom or left >= right:
        raise BadImageError(
            f"bounding box {box} (ymin, xmin, ymax, xmax) holds no pixel of the "
            f"{image.height} x {image.width} image"
        )
    return _encode(_decode(image)[top:bottom, left:right])


def fractions(boxes: tuple[Box, ...], height: int, width: int) -> tuple[Box, ...]:
    """Boxes in pixels as fractions of the sides, cut to the image; empty ones are left out."""
    kept = []
    for ymin, xmin, ymax, xmax in boxes:
        top, bottom = max(ymin / height, 0.0), min(ymax / height, 1.0)
        left, right = max(xmin / width, 0.0), min(xmax / width, 1.0)
        if top < bottom and left < right:
            kept.append((top, left, bottom, right))
    return tuple(kept)


def _decode(image: CheckedImage) -> tf.Tensor:
    if image.image_format == "PNG":
        return tf.io.decode_png(image.encoded, channels=3)
    return tf.io.decode_jpeg(image.encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _encode(pixels: tf.Tensor) -> CheckedImage:
    encoded = tf.io.encode_jpeg(pixels, format="rgb", quality=_QUALITY).numpy()
    return CheckedImage(encoded, "JPEG", int(pixels.shape[0]), int(pixels.shape[1]))
