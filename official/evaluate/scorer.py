"""A network with its scores, for `Model.evaluate`: every image counts once."""

import tensorflow as tf

from official.evaluate import metrics, views


class Scorer(tf.keras.Model):
    """Counts what a network gets right; `official.train.step.Trainer` adds the training to it.

    `network`, from images [N, H, W, 3] to logits float32 [N, C], stays a plain functional model: it
    is what checkpoints, exports and callers use.
    """

    def __init__(self, network: tf.keras.Model, name: str = "scorer", answers: int | None = None):
        """Wraps `network`; call inside the strategy's scope.

        With `answers`, a number of images, it keeps what the network says of each: batches are then
        numbered (see `official.input.pipeline.evaluation_dataset`).
        """
        super().__init__(name=name)
        self.network = network
        self._eval_loss = tf.keras.metrics.Mean(name="cross_entropy")
        self._images = metrics.Images()
        self._correct1 = metrics.Correct(1, name="correct_top1")
        self._correct5 = metrics.Correct(5, name="correct_top5")
        self._ece = metrics.ExpectedCalibrationError()
        # None of `scores`, whose results are computed after each batch.
        self.answers = None if answers is None else metrics.Answers(answers)

    @property
    def scored(self) -> tf.keras.Model:
        """Returns the network that is scored."""
        return self.network

    @property
    def scores(self) -> list[tf.keras.metrics.Metric]:
        """Returns the metrics of an evaluation."""
        return [self._eval_loss, self._images, self._correct1, self._correct5, self._ece]

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Returns the metrics that Keras resets at the start of each evaluation."""
        return self.scores

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the network's logits, float32 [N, C]."""
        return self.network(images, training=training)

    def test_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Scores one batch; every image counts once whatever the size of the batch."""
        images, labels = batch
        if self.answers is not None:
            labels, numbers = labels
        logits = views.logits(self.scored, images)
        probabilities = tf.nn.softmax(logits)
        predictions = tf.argmax(logits, axis=-1)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        self._eval_loss.update_state(entropy)
        self._images.update_state(labels)
        self._correct1.update_state(labels, logits)
        self._correct5.update_state(labels, logits)
        self._ece.update_state(tf.reduce_max(probabilities, axis=-1), predictions, labels)
        if self.answers is not None:
            self.answers.update_state(numbers, labels, probabilities)
        return {metric.name: metric.result() for metric in self.scores}


def validation_scores(logs: dict[str, float]) -> dict[str, float | int]:
    """Returns what `summarise` makes of the entries `val_...` of the logs of a training."""
    return summarise({k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")})


def summarise(scores: dict[str, float]) -> dict[str, float | int]:
    """Returns top-1, top-5, ECE, cross entropy and counts from what `evaluate` returned."""
    images = int(scores["images"])
    return {
        "images": images,
        "correct_top1": int(scores["correct_top1"]),
        "correct_top5": int(scores["correct_top5"]),
        "top1": int(scores["correct_top1"]) / max(1, images),
        "top5": int(scores["correct_top5"]) / max(1, images),
        "ece": float(scores["ece"]),
        "cross_entropy": float(scores["cross_entropy"]),
    }
