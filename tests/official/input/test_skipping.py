"""What is skipped is counted exactly, and a stream of which nothing is good ends."""

import numpy as np
import pytest
import tensorflow as tf

from official.input import skipping


def fails_on(*bad):
    def function(number):
        good = tf.debugging.Assert(tf.reduce_all(tf.not_equal(number, bad)), [number])
        with tf.control_dependencies([good]):
            return {"number": tf.identity(number)}

    return function


SIGNATURE = {"number": tf.TensorSpec([], tf.int64)}


def skip(numbers, function, batch_size=4, give_up_after=1000):
    dataset = tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64)).repeat()
    examples = skipping.prepare(dataset, function, SIGNATURE)
    return skipping.batch_and_count(examples, batch_size, give_up_after)


@pytest.mark.parametrize("threads", [1, 7])
def test_gaps_are_counted_where_they_are(threads):
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    dataset = skip(range(10), fails_on(0, 3, 4, 9)).with_options(options)
    found = [(list(b["number"].numpy()), list(s.numpy())) for b, s in dataset.take(3)]
    # Good: 1 2 5 6 | 7 8 (9 0) 1 2 | 5 6 7 8
    assert found == [
        ([1, 2, 5, 6], [1, 0, 2, 0]),
        ([7, 8, 1, 2], [0, 0, 2, 0]),
        ([5, 6, 7, 8], [2, 0, 0, 0]),
    ]


def test_a_long_stream_with_many_markers_loses_nothing():
    dataset = skip(range(1000), fails_on(*range(0, 1000, 7)), batch_size=50)
    good = skipped = 0
    for batch, count in dataset.take(100):
        good += len(batch["number"])
        skipped += int(count.numpy().sum())
        assert (batch["number"].numpy() % 7 != 0).all()
    # 5000 good ones: 5 whole passes of 857 good and 143 bad, and 715 good of the sixth; the last
    # of those is number 834, and 0, 7, ..., 833 are 120 bad ones before it.
    assert (good, skipped) == (5000, 5 * 143 + 120)


def test_it_ends_where_nothing_is_good():
    with pytest.raises(tf.errors.InvalidArgumentError, match="almost no record can be used.*256"):
        next(iter(skip(range(10), fails_on(*range(10)), give_up_after=200)))
    # One good record in 100 is enough if it may take that long.
    batch, skipped = next(iter(skip(range(100), fails_on(*range(1, 100)), give_up_after=600)))
    assert list(batch["number"].numpy()) == [0] * 4 and list(skipped.numpy()) == [0, 99, 99, 99]
