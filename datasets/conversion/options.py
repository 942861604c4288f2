"""What is done to an image on its way into a record."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """How records are made.

    Attributes:
        as_rgb_jpeg: Whether PNG files and CMYK JPEGs become RGB JPEGs.
        crop_to_boxes: Whether an image with boxes is cut to the first one.
        upright: Whether images are turned by their EXIF orientation.
        max_side: Longer images are reduced to so many pixels; 0 leaves them.
        num_logits: Number of a teacher's logits, where items have them.
    """

    as_rgb_jpeg: bool = False
    crop_to_boxes: bool = False
    upright: bool = False
    max_side: int = 0
    num_logits: int = 0

    @property
    def facts(self) -> tuple[object, ...]:
        """What decides about a record beside its item; what is not used is not there."""
        used = (["upright"] if self.upright else []) + ([self.max_side] if self.max_side else [])
        return (self.as_rgb_jpeg, self.crop_to_boxes, self.num_logits, *used)
