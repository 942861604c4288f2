"""One shard: the unit of parallel work and of going on after an interruption.

What goes to a worker and what comes back is cheap to import; TensorFlow is imported by the work.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from datasets import disk
from datasets.conversion.options import RecordOptions
from datasets.conversion.read_ahead import read_ahead
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Item, Skip

# What writing a shard waits for: files that are read ahead, checking and repairing, and the shard
# itself with its checksum.
STAGES = ("reading", "decoding", "writing")

# Of each image's SHA-256, to tell equal ones in two splits.
PRINT_BYTES = 8


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """One shard to be written.

    Attributes:
        path: Final path.
        items: Its images, in order.
        fail_on_bad_image: Whether the first bad image is an error.
        options: What is done to each image.
        digest: Of all that decides about the shard's bytes.
    """

    path: str
    items: Sequence[Item]
    fail_on_bad_image: bool = False
    options: RecordOptions = RecordOptions()
    digest: str = ""


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """What a finished shard holds: size and checksum of the file, and its number of images.

    `skipped` are images left out, `repaired` says what was changed in images that were kept,
    `counted` how many were changed in a way that is only counted, `prints` are the first bytes of
    each image file's SHA-256 as digits, `digest` is that of the task, and `seconds` how long each
    of `STAGES` took in its process.
    """

    name: str
    bytes: int
    images: int
    sha256: str
    label_counts: dict[int, int]
    skipped: tuple[Skip, ...]
    repaired: tuple[Skip, ...] = ()
    digest: str = ""
    counted: dict[str, int] = dataclasses.field(default_factory=dict)
    prints: str = ""
    seconds: tuple[float, ...] = dataclasses.field(default=(0.0, 0.0, 0.0), compare=False)

    def encode(self) -> bytes:
        """The result as JSON, without what is a fact about the machine."""
        values = dataclasses.asdict(self)
        del values["seconds"]
        return json.dumps(values, indent=1).encode("ascii")

    @classmethod
    def decode(cls, data: bytes) -> "ShardResult | None":
        """What `encode` made `data` of; None where it was something else."""
        try:
            values: dict[str, Any] = json.loads(data)
            counts = {int(label): count for label, count in values.pop("label_counts").items()}
            skipped, repaired = (
                tuple(Skip(**skip) for skip in values.pop(key)) for key in ("skipped", "repaired")
            )
            return cls(**values, label_counts=counts, skipped=skipped, repaired=repaired)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


class _Stopwatch:
    """Seconds by stage: each moment belongs to the stage that ends next."""

    def __init__(self):
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now


def write_shard(task: ShardTask, on_image: Callable[[], None]) -> ShardResult:
    """Writes the shard of `task`; its final name appears when it is whole and on disk.

    `on_image` is called after each image; what it raises stops the work.

    Raises:
        DatasetError: A bad image where none may be, no disk space, or no permission.
    """
    import tensorflow as tf

    temporary = disk.temporary_name(task.path)
    folder, name = os.path.split(task.path)
    watch = _Stopwatch()
    with disk.removed_on_failure(temporary):
        try:
            written = _write_records(task, temporary, on_image, watch)
            size, sha256 = disk.summarise(temporary)
            result = ShardResult(
                name=name,
                bytes=size,
                images=sum(written.labels.values()),
                sha256=sha256,
                label_counts=dict(sorted(written.labels.items())),
                skipped=tuple(written.skipped),
                repaired=tuple(written.repaired),
                digest=task.digest,
                counted=dict(sorted(written.counted.items())),
                prints=written.prints.hex(),
            )
            # First: a reader must never see a shard and not that it is one of an unfinished set.
            done = os.path.join(folder, manifest_lib.done_name(name))
            disk.write_atomically(done, result.encode())
            disk.publish(temporary, task.path)
            watch.end("writing")
        except OSError as error:
            raise disk.write_error(error, task.path) from error
        except tf.errors.OpError as error:
            raise _writer_error(error, task.path) from error
    return dataclasses.replace(result, seconds=tuple(watch.seconds[stage] for stage in STAGES))


@dataclasses.dataclass
class _Written:
    """What has been written of a shard, and left out of it."""

    labels: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    skipped: list[Skip] = dataclasses.field(default_factory=list)
    repaired: list[Skip] = dataclasses.field(default_factory=list)
    counted: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    prints: bytearray = dataclasses.field(default_factory=bytearray)


def _write_records(
    task: ShardTask, temporary: str, on_image: Callable[[], None], watch: _Stopwatch
) -> _Written:
    import tensorflow as tf

    from datasets.conversion.image_check import BadImageError
    from datasets.conversion.item_record import make_record

    written = _Written()
    reads = contextlib.closing(read_ahead(task.items))
    with tf.io.TFRecordWriter(disk.for_tensorflow(temporary)) as writer, reads as ahead:
        for item, read in ahead:
            try:
                try:
                    data = read.result()
                except OSError as error:
                    reason = f"cannot be read: {error.strerror or error}"
                    raise BadImageError(reason) from error
                watch.end("reading")
                record, changes, counted = make_record(item, data, task.options)
            except BadImageError as error:
                if task.fail_on_bad_image:
                    raise DatasetError(
                        f"{item.name}: {error}. Repair or remove it, or pass --on_bad_record=skip"
                    ) from error
                written.skipped.append(Skip(item.name, str(error)))
            else:
                watch.end("decoding")
                written.repaired += [Skip(item.name, change) for change in changes]
                written.counted.update(counted)
                written.prints += hashlib.sha256(data).digest()[:PRINT_BYTES]
                writer.write(record)
                written.labels[item.label] += 1
            on_image()
            watch.end("writing")
    return written


def _writer_error(error: Any, path: str) -> DatasetError:
    """TensorFlow's writer maps errno to its own classes; this maps them to words."""
    import tensorflow as tf

    # "PATH; No space left on device"
    detail = (error.message or str(error)).split("\n")[0].rsplit("; ", 1)[-1]
    # EFBIG, a file over the size limit, arrives as OutOfRange.
    if isinstance(error, tf.errors.ResourceExhaustedError | tf.errors.OutOfRangeError):
        return disk.disk_full_error(path, detail)
    return DatasetError(f"{path} cannot be written: {detail}")
