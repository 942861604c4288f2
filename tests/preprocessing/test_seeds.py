import itertools

import numpy as np
import tensorflow as tf

from preprocessing import example_seed, seeds


def test_no_two_examples_share_a_seed():
    runs, epochs, indices = (0, 1, 2**31), (0, 1, 2, 599), (0, 1, 2, 1_281_166, 2**39)
    found = {
        tuple(example_seed(*triple).numpy()) for triple in itertools.product(runs, epochs, indices)
    }
    assert len(found) == len(runs) * len(epochs) * len(indices)


def test_form_and_determinism():
    seed = example_seed(3, 2, 5)
    assert seed.dtype == tf.int64 and seed.shape == (2,)
    in_graph = tf.data.Dataset.range(6).map(lambda index: example_seed(3, 2, index))
    np.testing.assert_array_equal(list(in_graph)[5], seed)


def test_negative_and_large_run_seeds_are_accepted():
    assert example_seed(-1, 0, 0).shape == (2,)
    assert example_seed(2**70 + 3, 0, 0).numpy().tolist() == [3, 0]


def test_neighbouring_examples_draw_independently():
    dataset = tf.data.Dataset.range(2000)
    dataset = dataset.map(lambda index: seeds.uniform(example_seed(1, 0, index), 1)[0])
    draws = next(iter(dataset.batch(2000))).numpy()
    assert abs(draws.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.07


def test_the_other_seed_gives_other_numbers():
    for seed in ([1, 2], tf.constant([1, 2], tf.int64)):
        first = seeds.uniform(tf.constant(seed), 8)
        assert not np.isclose(first, seeds.uniform(seeds.other_seed(seed), 8)).any()


def test_uniform_numbers_are_those_of_the_public_function():
    for seed in ([7, 8], tf.constant([2**40 + 1, -5], tf.int64)):
        expected = tf.random.stateless_uniform([9], seed, alg=seeds.ALGORITHM)
        np.testing.assert_array_equal(seeds.uniform(seed, 9), expected)
