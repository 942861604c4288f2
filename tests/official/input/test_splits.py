"""The shuffle buffer is bounded by bytes; files that vanish do not stop the reading for ever."""

from datasets import granted
from datasets.records import reader, salvage
from official.input.splits import record_bytes, shuffle_buffer


def split_of(path, size, records):
    """A shard of that size and so many records; nobody reads it, so that it takes no room."""
    with open(path, "wb") as shard:
        shard.truncate(size)
    return reader.Split("train", "train-*", (str(path),), (records,))


def test_large_photos_have_a_small_buffer(tmp_path):
    # 1,000 photos of 9 MB.
    photos = split_of(tmp_path / "train-0", 9_000_000_000, 1000)
    assert record_bytes(photos) == 9_000_000
    allowed = min(2 * 2**30, granted.memory_bytes() // 8)
    assert shuffle_buffer("", 0, photos) == allowed // 9_000_000 <= 238
    # What is wanted is not changed, and small records are not concerned.
    assert shuffle_buffer("", 5000, photos) == 5000
    assert shuffle_buffer("", 0, split_of(tmp_path / "train-1", 1_000_000, 1000)) == 10_000


def test_a_file_that_is_gone_has_no_readable_record(tmp_path):
    records = salvage.read_or(str(tmp_path / "gone"), b"unreadable").take(3)
    assert list(records.as_numpy_iterator()) == [b"unreadable"] * 3
