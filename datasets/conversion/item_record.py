"""The record of one item: its image checked, repaired where need be, and serialised."""

from datasets.conversion import image_repair
from datasets.conversion.image_check import BadImageError, check_image
from datasets.records.schema import encode_example
from datasets.sources.items import Item


def make_record(
    item: Item, data: bytes, as_rgb_jpeg: bool, crop_to_boxes: bool, num_logits: int
) -> tuple[bytes, list[str]]:
    """Makes the record of an item.

    Args:
        item: What is known of the image.
        data: The bytes of its file.
        as_rgb_jpeg: Whether PNG files and CMYK JPEGs become RGB JPEGs.
        crop_to_boxes: Whether an image with boxes is cut to the first one.
        num_logits: Number of a teacher's logits, where the item has them.

    Returns:
        A serialised `tf.train.Example`, and what had to be changed, in words.

    Raises:
        BadImageError: No image that training can use, or no such logits.
    """
    image = check_image(data)
    changes = []
    if as_rgb_jpeg:
        image, change = image_repair.to_rgb_jpeg(image)
        changes += [change] if change else []
    elif image.original_format:
        changes.append(f"{image.original_format}, now a PNG")
    boxes = ()
    if item.pixel_boxes and crop_to_boxes:
        image = image_repair.crop_to_box(image, item.pixel_boxes[0])
    else:
        boxes = (
            *image_repair.fractions(item.boxes, 1, 1),
            *image_repair.fractions(item.pixel_boxes, image.height, image.width),
        )
        lost = len(item.boxes) + len(item.pixel_boxes) - len(boxes)
        if lost:
            changes.append(f"{lost} bounding boxes of no area in the image left out")
    record = encode_example(
        encoded=image.encoded,
        height=image.height,
        width=image.width,
        label=item.label,
        image_format=image.image_format,
        filename=item.name,
        boxes=boxes,
        logits=_read_logits(item, num_logits),
        synset=item.synset,
        text=item.text,
    )
    return record, changes


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
