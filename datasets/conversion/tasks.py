"""What goes to a worker and what comes back; free of TensorFlow, so cheap to import."""

import dataclasses
from collections.abc import Callable, Sequence

from datasets.sources.items import Item, Skip

# What writing a shard waits for: files that are read ahead, checking and repairing, and the shard
# itself with its checksum.
STAGES = ("reading", "decoding", "writing")


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """One shard to be written.

    Attributes:
        path: Final path.
        items: Its images, in order.
        fail_on_bad_image: Whether the first bad image is an error.
        as_rgb_jpeg: Whether PNG files and CMYK JPEGs become RGB JPEGs.
        crop_to_boxes: Whether an image with boxes is cut to the first one.
        num_logits: Number of a teacher's logits, where items have them.
        digest: Of all that decides about the shard's bytes.
    """

    path: str
    items: Sequence[Item]
    fail_on_bad_image: bool = False
    as_rgb_jpeg: bool = False
    crop_to_boxes: bool = False
    num_logits: int = 0
    digest: str = ""

    def run(self, on_image: Callable[[], None]) -> "ShardResult":
        """Writes the shard; see `shard.write_shard`."""
        # Here, so that the main process never needs TensorFlow when workers do the work.
        from datasets.conversion.shard import write_shard

        return write_shard(self, on_image)


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """What a finished shard holds.

    Attributes:
        name: File name.
        bytes: Size of the file.
        images: Number of records.
        sha256: Checksum of the file.
        label_counts: Number of records by label.
        skipped: Images left out.
        repaired: What was changed in images that were kept.
        digest: That of the task.
        seconds: How long each of `STAGES` took, on the clock of the process that did it.
    """

    name: str
    bytes: int
    images: int
    sha256: str
    label_counts: dict[int, int]
    skipped: tuple[Skip, ...]
    repaired: tuple[Skip, ...] = ()
    digest: str = ""
    seconds: tuple[float, ...] = dataclasses.field(default=(0.0, 0.0, 0.0), compare=False)
