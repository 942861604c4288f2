"""Scores of an evaluation as Keras metrics: every image counts once, on any number of devices."""

import tensorflow as tf


class Correct(tf.keras.metrics.Sum):
    """Number of images whose label is among the k highest logits; an integer, so that it is exact.

    Exactly k classes are the highest: of equal logits those of the lower labels, as argmax has it.
    (`tf.math.in_top_k` takes all that are equal, so that a dead network would be always right.) An
    image whose logits are not finite is wrong.
    """

    def __init__(self, k: int = 1, name: str = "correct"):
        """Makes the metric for the `k` best classes."""
        super().__init__(name=name, dtype=tf.int64)
        self.k = k

    def update_state(self, labels: tf.Tensor, logits: tf.Tensor) -> None:
        """Adds a batch: labels integer [N], logits float32 [N, C]."""
        logits = tf.convert_to_tensor(logits)
        best = tf.math.top_k(logits, tf.minimum(self.k, tf.shape(logits)[-1])).indices
        hits = tf.equal(tf.cast(best, tf.int64), tf.cast(labels, tf.int64)[:, tf.newaxis])
        finite = tf.reduce_all(tf.math.is_finite(logits), axis=-1)
        super().update_state(tf.reduce_any(hits, axis=-1) & finite)


class Images(tf.keras.metrics.Sum):
    """Number of images scored."""

    def __init__(self, name: str = "images"):
        """Makes the counter."""
        super().__init__(name=name, dtype=tf.int64)

    def update_state(self, labels: tf.Tensor) -> None:
        """Adds the batch of integer labels [N]."""
        super().update_state(tf.size(labels))


class Answers(tf.keras.metrics.Metric):
    """What the network says of each image: 20 bytes of each, whatever the number of classes.

    Every image has a number, under which one device writes it down; the sum over the devices is
    what all of them wrote.
    """

    def __init__(self, images: int, name: str = "answers"):
        """Makes room for that many images."""
        super().__init__(name=name, dtype=tf.float32)
        self.rows = self.add_weight(name="rows", shape=(images, 5), initializer="zeros")

    def update_state(self, numbers: tf.Tensor, labels: tf.Tensor, probabilities: tf.Tensor) -> None:
        """Adds a batch.

        Args:
          numbers: of the images, from 0, int64 [N].
          labels: true class, integer [N].
          probabilities: float32 [N, C].
        """
        places = tf.reshape(tf.cast(numbers, tf.int64), [-1, 1])
        best = tf.math.top_k(probabilities, 2 if probabilities.shape[-1] > 1 else 1)
        # Whole numbers are exact in float32 up to 16 million classes.
        columns = [labels]
        columns += [part[:, place] for part in (best.indices, best.values) for place in (0, -1)]
        rows = tf.stack([tf.cast(column, tf.float32) for column in columns], axis=-1)
        self.rows.assign_add(tf.scatter_nd(places, rows, self.rows.shape))

    def result(self) -> tf.Tensor:
        """Returns true class, answer, next best class, and the probabilities of both: [N, 5]."""
        return tf.convert_to_tensor(self.rows)


class ExpectedCalibrationError(tf.keras.metrics.Metric):
    """Expected calibration error over equal bins of confidence (Guo et al., 1706.04599, eq. 3).

    A confidence on a boundary falls into the lower bin, as in the original.
    """

    def __init__(self, num_bins: int = 10, name: str = "ece"):
        """Makes the metric with `num_bins` bins over [0, 1]."""
        super().__init__(name=name, dtype=tf.float32)
        self.num_bins = num_bins
        self.correct = self.add_weight(name="correct", shape=(num_bins,), initializer="zeros")
        self.confidence = self.add_weight(name="confidence", shape=(num_bins,), initializer="zeros")
        self.count = self.add_weight(name="count", shape=(num_bins,), initializer="zeros")

    def update_state(
        self, confidence: tf.Tensor, predictions: tf.Tensor, labels: tf.Tensor
    ) -> None:
        """Adds a batch.

        Args:
          confidence: probability of the predicted class, float32 [N].
          predictions: predicted class, integer [N].
          labels: true class, integer [N].
        """
        confidence = tf.cast(tf.reshape(confidence, [-1]), tf.float32)
        hits = tf.equal(tf.cast(predictions, tf.int64), tf.cast(labels, tf.int64))
        # The boundaries are the float32 values of k / num_bins, compared exactly.
        boundaries = tf.constant([k / self.num_bins for k in range(1, self.num_bins)], tf.float32)
        bins = tf.searchsorted(boundaries, confidence, side="left")
        member = tf.one_hot(bins, self.num_bins)
        self.count.assign_add(tf.reduce_sum(member, axis=0))
        self.confidence.assign_add(tf.linalg.matvec(member, confidence, transpose_a=True))
        hits = tf.cast(tf.reshape(hits, [-1]), tf.float32)
        self.correct.assign_add(tf.linalg.matvec(member, hits, transpose_a=True))

    def reset_state(self) -> None:
        """Empties the bins."""
        for variable in (self.correct, self.confidence, self.count):
            variable.assign(tf.zeros_like(variable))

    def result(self) -> tf.Tensor:
        """Returns the error in 0 to 1, float32 scalar; 0 if nothing was added."""
        gap = tf.abs(self.correct - self.confidence)
        return tf.math.divide_no_nan(tf.reduce_sum(gap), tf.reduce_sum(self.count))
