"""The record of one item: its image checked, repaired where need be, and serialised.

ImageNet holds one PNG file under a JPEG's name and 22 JPEGs of four colours (CMYK). As in the
original, they become RGB JPEGs of quality 100. Cutting an image to its bounding box, which the
original offers for some data sets, is here, too.
"""

import tensorflow as tf

from datasets.conversion import upright
from datasets.conversion.image_check import BadImageError, CheckedImage, check_image
from datasets.conversion.options import RecordOptions
from datasets.records.schema import encode_example
from datasets.sources.items import Box, Item

_QUALITY = 100
_CMYK_CHANNELS = 4

# What may happen to many images and is counted.
TURNED = "turned upright by their EXIF orientation"
NOT_TURNED = "left as stored in spite of their EXIF orientation"
REDUCED = "reduced to max_side"


def make_record(
    item: Item, data: bytes, options: RecordOptions
) -> tuple[bytes, list[str], list[str]]:
    """Makes the record of an item, `data` being its image file.

    Returns:
        A serialised `tf.train.Example`; what had to be repaired, in words; and what was done that
        is only counted.

    Raises:
        BadImageError: No image that training can use, or no such logits.
    """
    image = check_image(data)
    changes = []
    if options.as_rgb_jpeg:
        image, change = to_rgb_jpeg(image)
        changes += [change] if change else []
    elif image.original_format:
        changes.append(f"{image.original_format}, now a PNG")
    boxes = ()
    if item.pixel_boxes and options.crop_to_boxes:
        image = crop_to_box(image, item.pixel_boxes[0])
    else:
        boxes = (
            *fractions(item.boxes, 1, 1),
            *fractions(item.pixel_boxes, image.height, image.width),
        )
        lost = len(item.boxes) + len(item.pixel_boxes) - len(boxes)
        if lost:
            changes.append(f"{lost} bounding boxes of no area in the image left out")
    how = upright.orientation(data)
    counted = [] if how == upright.UPRIGHT else [TURNED if options.upright else NOT_TURNED]
    before = max(image.height, image.width)
    image = upright.adjusted(image, how if options.upright else upright.UPRIGHT, options.max_side)
    counted += [REDUCED] if max(image.height, image.width) < before else []
    record = encode_example(
        encoded=image.encoded,
        height=image.height,
        width=image.width,
        label=item.label,
        image_format=image.image_format,
        filename=item.name,
        boxes=boxes,
        logits=_read_logits(item, options.num_logits),
        synset=item.synset,
        text=item.text,
    )
    return record, changes, counted


def _read_logits(item: Item, count: int) -> list[float] | None:
    """The teacher's numbers for an item; None where it has none."""
    if item.logits is None:
        return None
    words = item.logits.read().split(b",")
    if len(words) != count:
        raise BadImageError(f"{len(words)} teacher logits, not {count}")
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise BadImageError(f"teacher logits that are no numbers: {error}") from error


def to_rgb_jpeg(image: CheckedImage) -> tuple[CheckedImage, str]:
    """Makes an RGB JPEG of a PNG, or what became one, or of a JPEG of four colours.

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

    The box is (ymin, xmin, ymax, xmax) in pixels; fractions are cut off, and what exceeds the
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
