"""CutMix (Yun et al., arXiv 1905.04899): a rectangle of each image comes from another one.

Labels are mixed by the area that the rectangle really covers. The partner of an image is the next
one of its batch, that of the last the first. Batches are shuffled, so the pairs are random.
"""

import tensorflow as tf

from preprocessing import seeds
from preprocessing.mixing import mixup


def sample_boxes(
    seed: tf.Tensor, count: int | tf.Tensor, height: int, width: int, alpha: float
) -> tf.Tensor:
    """Draws rectangles of 1 - lambda of the area about uniform centres, cut off at the edges.

    lambda is from Beta(alpha, alpha); the paper uses 1.

    Returns:
        int32 [count, 4]: top, left, bottom, right, the latter two exclusive.
    """
    share_seed, centre_seed = seeds.split_seed(seed, 2)
    side = tf.sqrt(1.0 - mixup.sample_lambdas(share_seed, count, alpha))[:, tf.newaxis]
    centres = tf.random.stateless_uniform([count, 2], centre_seed, alg=seeds.ALGORITHM)
    sides = tf.constant([height, width], tf.float32)
    half = tf.cast(side * sides, tf.int32) // 2
    centres = tf.cast(centres * sides, tf.int32)
    first = tf.maximum(centres - half, 0)
    last = tf.minimum(centres + half, [height, width])
    return tf.concat([first, last], axis=1)


def cutmix(
    images: tf.Tensor,
    labels: tf.Tensor,
    boxes: tf.Tensor,
    teacher: tf.Tensor | None = None,
    one_by_one: bool = False,
) -> mixup.Mixed:
    """Pastes a rectangle of each image's successor into it.

    Args:
        images: [B, H, W, C] of any dtype, static H and W.
        labels: Floating tensor of shape [B, K].
        boxes: int32 [B, 4], see `sample_boxes`.
        teacher: Optional floating tensor of shape [B, K] with a teacher's labels.
        one_by_one: As in `mixup.mixup`.

    Returns:
        Images [B, H, W, C], labels [B, K] and teacher labels [B, K] or None, dtypes as given.
    """
    images, boxes = tf.convert_to_tensor(images), tf.convert_to_tensor(boxes)
    partners = tf.roll(tf.range(tf.shape(images)[0]), -1, axis=0)
    mixed = (_paste_one_by_one if one_by_one else _paste)(images, partners, boxes)
    height, width = images.shape[1:3]
    top, left, bottom, right = tf.unstack(boxes, axis=1)
    area = tf.cast((bottom - top) * (right - left), tf.float32) / float(height * width)

    def mix(values: tf.Tensor | None) -> tf.Tensor | None:
        if values is None:
            return None
        values = tf.convert_to_tensor(values)
        share = tf.cast(area, values.dtype)[:, tf.newaxis]
        return (1.0 - share) * values + share * tf.gather(values, partners)

    return tf.ensure_shape(mixed, images.shape), mix(labels), mix(teacher)


def _paste(images: tf.Tensor, partners: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Pastes into all images at once, with a mask."""
    height, width = images.shape[1:3]
    boxes = boxes[:, :, tf.newaxis]
    rows, columns = tf.range(height), tf.range(width)
    in_rows = tf.logical_and(rows >= boxes[:, 0], rows < boxes[:, 2])
    in_columns = tf.logical_and(columns >= boxes[:, 1], columns < boxes[:, 3])
    mask = tf.logical_and(in_rows[:, :, tf.newaxis], in_columns[:, tf.newaxis, :])
    return tf.where(mask[..., tf.newaxis], tf.gather(images, partners), images)


def _paste_one_by_one(images: tf.Tensor, partners: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Pastes into one image after another, by copying slices."""

    def paste(index: tf.Tensor) -> tf.Tensor:
        image, other = images[index], images[partners[index]]
        top, left, bottom, right = tf.unstack(boxes[index], num=4)
        band = [image[top:bottom, :left], other[top:bottom, left:right], image[top:bottom, right:]]
        parts = [image[:top], tf.concat(band, axis=1), image[bottom:]]
        return tf.ensure_shape(tf.concat(parts, axis=0), images.shape[1:])

    spec = tf.TensorSpec(images.shape[1:], images.dtype)
    return tf.map_fn(paste, tf.range(tf.shape(images)[0]), fn_output_signature=spec)
