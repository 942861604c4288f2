"""Multi-scale training: each batch is resized to a side that is drawn for it from a list.

As in YOLO9000 (Redmon and Farhadi, arXiv 1612.08242, section 3, "Multi-Scale Training"), where the
network sees another size every ten batches; here every batch draws anew. The network must take
images of any size.
"""

from collections.abc import Sequence

import tensorflow as tf

from preprocessing import seeds

# Stands for the epoch in the seed, so that images and mixing have other random numbers.
_STREAM = -2


def draw_size(run_seed: int, step: int | tf.Tensor, sizes: Sequence[int]) -> tf.Tensor:
    """Draws one of `sizes`, all equally likely, for the batch of that number in the whole run."""
    seed = seeds.example_seed(run_seed, _STREAM, step)
    place = tf.cast(seeds.uniform(seed, 1)[0] * len(sizes), tf.int32)
    return tf.gather(tf.constant(sizes, tf.int32), place)


def resize_batch(images: tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    """Resizes a batch bilinearly, pixel centres at halves; the same size leaves it as it is.

    float32 [N, H, W, C] to float32 [N, size, size, C].
    """
    return tf.image.resize(images, tf.stack([size, size]), method="bilinear")
