import dataclasses
import threading

import pytest

from datasets.conversion.read_ahead import read_ahead
from datasets.sources.items import Item


class Counter:
    """What has been read so far, in bytes."""

    def __init__(self):
        self.bytes = 0
        self.lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Scan:
    counter: Counter
    number: int

    def read(self):
        if self.number == 7:
            raise OSError("gone")
        with self.counter.lock:
            self.counter.bytes += 1000
        return bytes([self.number]) * 1000


@pytest.mark.parametrize("most", [1, 2500, 10**9])
def test_items_come_in_order_and_few_bytes_wait(most):
    counter = Counter()
    items = [Item(str(number), Scan(counter, number), 0) for number in range(60)]
    used = 0
    for place, (item, read) in enumerate(read_ahead(items, most)):
        assert item is items[place]
        if place == 7:
            with pytest.raises(OSError, match="gone"):
                read.result()
            continue
        assert read.result() == bytes([place]) * 1000
        # Four readers may each be at one when the limit is reached; one is in use.
        assert counter.bytes - used <= min(most, 10**6) + 5 * 1000
        used += 1000
    assert used == counter.bytes == 59_000


def test_it_may_be_left_early():
    counter = Counter()
    items = [Item(str(number), Scan(counter, 1), 0) for number in range(60)]
    before = threading.active_count()
    reads = read_ahead(items, 1)
    next(reads)[1].result()
    reads.close()
    for thread in threading.enumerate()[before:]:
        thread.join(10)
        assert not thread.is_alive()
