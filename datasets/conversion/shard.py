"""Writes one shard: the unit of parallel work and of going on after an interruption."""

import collections
import concurrent.futures
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from datasets import disk
from datasets.conversion import image_repair, teacher_logits
from datasets.conversion.image_check import BadImageError, CheckedImage, check_image
from datasets.conversion.tasks import STAGES, ShardResult, ShardTask
from datasets.errors import DatasetError
from datasets.records.schema import encode_example
from datasets.sources.items import Box, Item, Skip

# Files that are read while an image is decoded, and images that wait for that in memory.
_READERS = 4
_READ_AHEAD = 16

_Read = concurrent.futures.Future[bytes]


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

    Args:
        task: What to write and where.
        on_image: Called after each image; what it raises stops the work.

    Returns:
        Counts and checksum.

    Raises:
        DatasetError: A bad image where none may be, no disk space, or no permission.
    """
    temporary = disk.temporary_name(task.path)
    watch = _Stopwatch()
    with disk.removed_on_failure(temporary):
        try:
            label_counts, skipped, repaired = _write_records(task, temporary, on_image, watch)
            size, checksum = disk.summarise(temporary)
            disk.publish(temporary, task.path)
            watch.end("writing")
        except OSError as error:
            raise disk.write_error(error, task.path) from error
        except tf.errors.OpError as error:
            raise _writer_error(error, task.path) from error
    return ShardResult(
        name=os.path.basename(task.path),
        bytes=size,
        images=sum(label_counts.values()),
        sha256=checksum,
        label_counts=dict(sorted(label_counts.items())),
        skipped=tuple(skipped),
        repaired=tuple(repaired),
        digest=task.digest,
        seconds=tuple(watch.seconds[stage] for stage in STAGES),
    )


def _write_records(
    task: ShardTask, temporary: str, on_image: Callable[[], None], watch: _Stopwatch
) -> tuple[collections.Counter, list[Skip], list[Skip]]:
    label_counts: collections.Counter = collections.Counter()
    skipped: list[Skip] = []
    repaired: list[Skip] = []
    reads = contextlib.closing(_read_ahead(task.items))
    with tf.io.TFRecordWriter(temporary) as writer, reads as ahead:
        for item, read in ahead:
            try:
                record = _make_record(item, read, task, repaired, watch)
            except BadImageError as error:
                if task.fail_on_bad_image:
                    raise DatasetError(
                        f"{item.name}: {error}. Repair or remove it, or pass --on_bad_record=skip"
                    ) from error
                skipped.append(Skip(item.name, str(error)))
            else:
                watch.end("decoding")
                writer.write(record)
                label_counts[item.label] += 1
            on_image()
            watch.end("writing")
    return label_counts, skipped, repaired


def _read_ahead(items: Sequence[Item]) -> Iterator[tuple[Item, _Read]]:
    """Yields items in order with their bytes to come: the disk works while the decoder does."""
    jobs: queue.SimpleQueue = queue.SimpleQueue()
    for _ in range(_READERS):
        # No pool: its threads would be waited for at the end, also where a network drive hangs.
        threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    waiting: collections.deque[tuple[Item, _Read]] = collections.deque()
    try:
        for item in items:
            read: _Read = concurrent.futures.Future()
            jobs.put((item.source, read))
            waiting.append((item, read))
            if len(waiting) > _READ_AHEAD:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, read in waiting:
            read.cancel()
        for _ in range(_READERS):
            jobs.put(None)


def _read_jobs(jobs: queue.SimpleQueue) -> None:
    """Reads one source after the other until there are no more."""
    while (job := jobs.get()) is not None:
        source, read = job
        if read.set_running_or_notify_cancel():
            try:
                read.set_result(source.read())
            except Exception as error:  # Whoever waits for the bytes meets it.
                read.set_exception(error)


def _make_record(
    item: Item, read: _Read, task: ShardTask, repaired: list[Skip], watch: _Stopwatch
) -> bytes:
    """The serialised record; what had to be changed is added to `repaired`."""
    data = _bytes(read)
    watch.end("reading")
    image = check_image(data)
    change = f"{image.original_format}, now a PNG" if image.original_format else ""
    if task.as_rgb_jpeg:
        image, change = image_repair.to_rgb_jpeg(image)
    if change:
        repaired.append(Skip(item.name, change))
    logits = None
    if item.logits is not None:
        logits = teacher_logits.read(item.logits, task.num_logits)
    if item.pixel_boxes and task.crop_to_boxes:
        image = image_repair.crop_to_box(image, item.pixel_boxes[0])
        return _record(item, image, (), logits)
    boxes = (
        *image_repair.fractions(item.boxes, 1, 1),
        *image_repair.fractions(item.pixel_boxes, image.height, image.width),
    )
    lost = len(item.boxes) + len(item.pixel_boxes) - len(boxes)
    if lost:
        repaired.append(Skip(item.name, f"{lost} bounding boxes of no area in the image left out"))
    return _record(item, image, boxes, logits)


def _bytes(read: _Read) -> bytes:
    try:
        return read.result()
    except OSError as error:
        raise BadImageError(f"cannot be read: {error.strerror or error}") from error


def _record(
    item: Item, image: CheckedImage, boxes: tuple[Box, ...], logits: list[float] | None
) -> bytes:
    return encode_example(
        encoded=image.encoded,
        height=image.height,
        width=image.width,
        label=item.label,
        image_format=image.image_format,
        filename=item.name,
        boxes=boxes,
        logits=logits,
        synset=item.synset,
        text=item.text,
    )


def _writer_error(error: tf.errors.OpError, path: str) -> DatasetError:
    """TensorFlow's writer maps errno to its own classes; this maps them to words."""
    # "PATH; No space left on device"
    detail = (error.message or str(error)).split("\n")[0].rsplit("; ", 1)[-1]
    # EFBIG, a file over the size limit, arrives as OutOfRange.
    if isinstance(error, tf.errors.ResourceExhaustedError | tf.errors.OutOfRangeError):
        return disk.disk_full_error(path, detail)
    return DatasetError(f"{path} cannot be written: {detail}")
