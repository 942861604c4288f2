"""Balanced sampling: in every pass over the data each class comes equally often."""

import numpy as np
import tensorflow as tf


class Repeats:
    """How often each record comes in a pass: a function of (seed, number of the pass).

    A pass has as many examples as there are records. They are divided evenly among the classes
    that have records (where that leaves a rest, among the first ones); a class's share is divided
    evenly among its records, and whose turn it is to come once more is drawn for each pass. So a
    record of a large class may not come at all in one pass, and does in others. A record without a
    class comes once.
    """

    def __init__(self, classes: np.ndarray):
        """Takes the class of each record, int64 [records], -1 where there is none."""
        known = classes >= 0
        present, self._class, sizes = np.unique(
            classes[known], return_inverse=True, return_counts=True
        )
        examples, number = int(known.sum()), max(1, len(present))
        shares = np.full(len(present), examples // number, np.int64)
        shares[: examples % number] += 1
        self._where = np.flatnonzero(known)
        self._records = len(classes)
        self._sizes, self._shares = sizes[self._class], shares[self._class]
        # Sorted by class, the first place of each record's class.
        self._starts = (np.cumsum(sizes) - sizes)[self._class]

    def __call__(self, seed: tf.Tensor) -> tf.Tensor:
        """Returns the counts of the pass that `seed`, int64 [2], decides: int64 [records].

        Their sum is the number of records.
        """
        # Another seed than that of the files' order.
        seed = seed + tf.constant([0, 2**40], tf.int64)
        draws = tf.random.stateless_uniform([len(self._where)], seed, dtype=tf.float64)
        # Halved, so that no rounding takes a record out of its class.
        order = tf.argsort(tf.constant(self._class, tf.float64) + draws / 2, stable=True)
        places = tf.math.invert_permutation(order)
        rank = tf.cast(places, tf.int64) - self._starts
        counts = (rank + 1) * self._shares // self._sizes - rank * self._shares // self._sizes
        return tf.tensor_scatter_nd_update(
            tf.ones([self._records], tf.int64), self._where[:, None], counts
        )
