"""What goes to a worker and what comes back; free of TensorFlow, so cheap to import."""

import dataclasses
from collections.abc import Sequence

from datasets.items import Item, Skip


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """One shard to be written.

    Attributes:
        path: Final path.
        items: Its images, in order.
        fail_on_bad_image: Whether the first bad image is an error.
    """

    path: str
    items: Sequence[Item]
    fail_on_bad_image: bool = False


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
    """

    name: str
    bytes: int
    images: int
    sha256: str
    label_counts: dict[int, int]
    skipped: tuple[Skip, ...]
