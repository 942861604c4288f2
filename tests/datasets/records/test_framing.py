import struct

import pytest
import tensorflow as tf

from datasets.records import framing

RECORDS = [b"first", b"", b"x" * 300]


@pytest.fixture
def shard(tmp_path):
    path = str(tmp_path / "shard")
    with tf.io.TFRecordWriter(path) as writer:
        for record in RECORDS:
            writer.write(record)
    return path


def test_crc32c_of_published_vectors():
    # RFC 3720, appendix B.4, and the usual check value.
    assert framing.crc32c(b"123456789") == 0xE3069283
    assert framing.crc32c(bytes(32)) == 0x8A9136AA
    assert framing.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert framing.crc32c(bytes(range(32))) == 0x46DD794E


def test_masked_crc_is_the_one_that_tensorflow_writes(shard):
    with open(shard, "rb") as file:
        data = file.read()
    length = struct.pack("<Q", 5)
    assert data[:8] == length
    assert struct.unpack("<I", data[8:12])[0] == framing.masked_crc32c(length)
    assert struct.unpack("<I", data[17:21])[0] == framing.masked_crc32c(b"first")


def test_counts(shard):
    assert framing.count_records(shard) == (3, "")


def test_counts_through_gfile(shard):
    assert framing.count_records("file://" + shard) == (3, "")
    assert framing.file_size("file://" + shard) == framing.file_size(shard)


def test_every_cut_is_found(shard, tmp_path):
    with open(shard, "rb") as file:
        data = file.read()
    edges = {0: 0, 21: 1, 37: 2, len(data): 3}
    path = tmp_path / "cut"
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        if size in edges:
            assert framing.count_records(str(path)) == (edges[size], "")
            continue
        count, damage = framing.count_records(str(path))
        assert count == sum(edge <= size for edge in edges if edge)
        assert f"cut off in the middle: it ends at byte {size}" in damage


@pytest.mark.parametrize("data", [b"this is a text file, no records", b"\x1f\x8b" + bytes(40)])
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "other"
    path.write_bytes(data)
    count, damage = framing.count_records(str(path))
    assert count == 0 and "no TFRecord record at byte 0 of" in damage
