import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records.reader import find_split, read_records, training_stream

COUNTS = (5, 1, 7, 0, 4)
TOTAL = sum(COUNTS)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    directory = tmp_path_factory.mktemp("records")
    index = 0
    for number, count in enumerate(COUNTS):
        path = str(directory / f"train-{number:05d}-of-{len(COUNTS):05d}")
        with tf.io.TFRecordWriter(path) as writer:
            for _ in range(count):
                writer.write(b"record %d" % index)
                index += 1
    return find_split(str(directory))


def drain(dataset, count):
    """(index, epoch) of the next `count` elements; each must hold its own record."""
    found = []
    for element in dataset.take(count).as_numpy_iterator():
        assert element["serialized"] == b"record %d" % element["index"]
        found.append((int(element["index"]), int(element.get("epoch", 0))))
    return found


def stream(split, **changes):
    return training_stream(split, **{"seed": 3, "shuffle_buffer": 6, **changes})


def test_one_pass_in_order(split):
    dataset = read_records(split)
    assert [index for index, _ in drain(dataset, -1)] == list(range(TOTAL))
    assert dataset.cardinality().numpy() == TOTAL
    assert dataset.element_spec["index"].dtype == tf.int64


def test_one_shuffled_pass(split):
    dataset = read_records(split, shuffle_seed=1, shuffle_buffer=6)
    first = [index for index, _ in drain(dataset, -1)]
    assert sorted(first) == list(range(TOTAL))
    assert first != list(range(TOTAL))
    assert [index for index, _ in drain(dataset, -1)] == first
    other = read_records(split, shuffle_seed=2, shuffle_buffer=6)
    assert [index for index, _ in drain(other, -1)] != first


@pytest.mark.parametrize("shuffle_buffer", [0, 1, 6, 1000])
@pytest.mark.parametrize("cycle_length", [1, 3, 16])
def test_every_pass_holds_each_record_once(split, shuffle_buffer, cycle_length):
    found = drain(
        stream(split, shuffle_buffer=shuffle_buffer, cycle_length=cycle_length), 3 * TOTAL
    )
    for epoch in range(3):
        indices = [index for index, _ in found[epoch * TOTAL : (epoch + 1) * TOTAL]]
        assert sorted(indices) == list(range(TOTAL))
    assert [epoch for _, epoch in found] == list(np.repeat([0, 1, 2], TOTAL))


def test_passes_differ_and_seeds_differ(split):
    found = drain(stream(split), 2 * TOTAL)
    first = [index for index, _ in found[:TOTAL]]
    second = [index for index, _ in found[TOTAL:]]
    other_seed = [index for index, _ in drain(stream(split, seed=4), TOTAL)]
    assert first != second
    assert first != other_seed


@pytest.mark.parametrize("start", [0, 1, TOTAL - 1, TOTAL, TOTAL + 6, 5 * TOTAL + 2])
def test_starts_where_another_run_stopped(split, start):
    expected = drain(stream(split).skip(start), 2 * TOTAL)
    assert drain(stream(split, start_example=start), 2 * TOTAL) == expected


def test_the_same_stream_each_time(split):
    dataset = stream(split)
    first = drain(dataset, 2 * TOTAL)
    assert drain(dataset, 2 * TOTAL) == first
    assert drain(stream(split), 2 * TOTAL) == first


def test_the_global_seed_has_no_say(split):
    found = []
    # 0 is special: tf.data takes the pair of seeds (0, 0) for no seed at all.
    for seed in (None, 0, 17):
        if seed is not None:
            tf.random.set_seed(seed)
        found.append(drain(stream(split), 2 * TOTAL))
    assert found[0] == found[1] == found[2]
    tf.random.set_seed(5)
    draw = tf.random.uniform([]).numpy()
    tf.random.set_seed(5)
    stream(split)
    assert tf.random.uniform([]).numpy() == draw


def test_the_same_stream_inside_a_graph_and_with_other_threads(split):
    expected = drain(stream(split), TOTAL)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    assert drain(stream(split).with_options(options), TOTAL) == expected

    @tf.function
    def indices():
        first = stream(split).take(TOTAL).batch(TOTAL)
        return next(iter(first))["index"]

    assert list(indices().numpy()) == [index for index, _ in expected]


def test_the_order_for_a_seed_never_changes(split):
    # A resumed run of tomorrow must see the order of today.
    found = [index for index, _ in drain(stream(split), TOTAL)]
    assert found[:6] == [6, 1, 5, 15, 0, 16]


def test_is_endless(split):
    assert stream(split).cardinality() == tf.data.INFINITE_CARDINALITY


def test_a_large_start_is_cheap(split):
    start = TOTAL * 10**12 + 3
    assert drain(stream(split, start_example=start), 1)[0][1] == 10**12


@pytest.mark.parametrize(
    "changes", [{"start_example": -1}, {"shuffle_buffer": -1}, {"cycle_length": 0}]
)
def test_refuses(split, changes):
    (name, value), *_ = changes.items()
    with pytest.raises(DatasetError, match=f"{name}={value}; must be"):
        stream(split, **changes)
