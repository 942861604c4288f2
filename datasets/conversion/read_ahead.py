"""Files are read while images before them are decoded: the disk works while the decoder does."""

import collections
import concurrent.futures
import queue
import threading
from collections.abc import Iterator, Sequence

from datasets.sources.items import Item

_READERS = 4
# Images that wait in memory, and how many bytes of them may: photos, or scans of 50 MB each.
_MOST_IMAGES = 16
_MOST_BYTES = 1 << 28

Read = concurrent.futures.Future[bytes]


class _Waiting:
    """Counts the bytes that have been read and not been used; readers wait while they are many."""

    def __init__(self, most: int):
        self._most = most
        self._bytes = 0
        self._changed = threading.Condition()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < self._most)

    def add(self, count: int) -> None:
        with self._changed:
            self._bytes += count
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._most = float("inf")
            self._changed.notify_all()


def read_ahead(items: Sequence[Item], most_bytes: int = _MOST_BYTES) -> Iterator[tuple[Item, Read]]:
    """Yields items in order with their bytes to come; about `most_bytes` are held at most."""
    jobs: queue.SimpleQueue = queue.SimpleQueue()
    held = _Waiting(most_bytes)
    for _ in range(_READERS):
        # No pool: its threads would be waited for at the end, also where a network drive hangs.
        threading.Thread(target=_read_jobs, args=(jobs, held), daemon=True).start()
    waiting: collections.deque[tuple[Item, Read]] = collections.deque()
    try:
        for item in items:
            read: Read = concurrent.futures.Future()
            jobs.put((item.source, read))
            waiting.append((item, read))
            if len(waiting) > _MOST_IMAGES:
                yield from _used(waiting, held)
        while waiting:
            yield from _used(waiting, held)
    finally:
        for _, read in waiting:
            read.cancel()
        held.end()
        for _ in range(_READERS):
            jobs.put(None)


def _used(
    waiting: collections.deque[tuple[Item, Read]], held: _Waiting
) -> Iterator[tuple[Item, Read]]:
    """Yields the first that waits; its bytes are counted no more when the next is asked for."""
    item, read = waiting.popleft()
    yield item, read
    if read.exception() is None:
        held.add(-len(read.result()))


def _read_jobs(jobs: queue.SimpleQueue, held: _Waiting) -> None:
    """Reads one source after the other until there are no more.

    The wait comes before a job is taken. Jobs are taken in order, so what is asked for next has
    been taken, or nothing is held.
    """
    while True:
        held.wait()
        job = jobs.get()
        if job is None:
            return
        source, read = job
        if read.set_running_or_notify_cancel():
            try:
                data = source.read()
            except Exception as error:  # Whoever waits for the bytes meets it.
                read.set_exception(error)
            else:
                held.add(len(data))
                read.set_result(data)
