"""What a network answers: its best classes of each image."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from official.evaluate import views
from official.run import checkpoints, devices
from official.run.configuration import RunConfig
from official.run.network import input_shape, network_for_inference

# As many answers as top-5 needs.
BEST = 5


class Ranker(tf.keras.Model):
    """Gives the five best classes of images, the very best first: int32 [N, 5].

    Of equal logits the lower class comes first. Logits that are not finite give -1, no class.
    """

    def __init__(self, network: tf.keras.Model):
        """Takes the network, from images [N, H, W, 3] to logits [N, C]; in a strategy's scope."""
        super().__init__(name="ranker")
        self.network = network

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Returns int32 [N, 5]; fewer than 5 of a network with fewer classes."""
        logits = views.logits(self.network, images)
        best = tf.math.top_k(logits, min(BEST, logits.shape[-1])).indices
        finite = tf.reduce_all(tf.math.is_finite(logits), axis=-1, keepdims=True)
        return tf.where(finite, best, -1)


def load(config: RunConfig, model_dir: str, checkpoint: str, num_gpus: int) -> tuple[Ranker, str]:
    """Returns the ranker of a run's checkpoint (see `checkpoints.choose`), and its prefix."""
    with devices.strategy(num_gpus).scope():
        network = network_for_inference(config.model, input_shape(config))
        ranker = Ranker(network)
        ranker.compile()
    return ranker, checkpoints.restore_network(network, model_dir, checkpoint or None)


def answers(
    ranker: Ranker,
    encoded: Iterable[bytes],
    prepare: Callable[[tf.Tensor], tf.Tensor],
    batch_size: int,
) -> np.ndarray:
    """Returns what the network answers to encoded images, in their order: int32 [N, 5].

    Args:
      ranker: the network.
      encoded: the images; they are taken in another thread.
      prepare: makes float32 [S, S, 3] of one.
      batch_size: images at a time.

    Raises:
      whatever `encoded` raises, and tf.errors.OpError where an image cannot be decoded.
    """
    failures: list[BaseException] = []

    def guarded() -> Iterator[bytes]:
        # tf.data would make an error with a trace as its text of it.
        try:
            yield from encoded
        except GeneratorExit:
            raise
        except BaseException as error:
            failures.append(error)

    images = tf.data.Dataset.from_generator(guarded, output_signature=tf.TensorSpec([], tf.string))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    images = images.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    images = images.batch(batch_size).prefetch(2).with_options(options)
    try:
        return ranker.predict(images, verbose=0)
    finally:
        if failures:
            raise failures[0]


def right(best: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """Returns how many of the labels, integer [N], are the best answer, and among the five best."""
    hits = best == labels[:, np.newaxis]
    return int(hits[:, 0].sum()), int(hits.any(axis=1).sum())
