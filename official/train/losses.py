"""The loss of the paper: classification, distillation and weight decay (section 3.2)."""

import math
from collections.abc import Iterable, Sequence

import tensorflow as tf

from official.run.recipe_choices import LOSS_TYPES


def classification_loss(
    logits: tf.Tensor,
    labels: tf.Tensor,
    label_smoothing: float = 0.0,
    loss_type: str = "softmax",
    class_weights: Sequence[float] = (),
) -> tf.Tensor:
    """Returns the loss against hard or mixed labels, averaged over the batch, float32 scalar.

    Args:
      logits: float32 [N, C].
      labels: float32 [N, C], one-hot or a mixture of two.
      label_smoothing: share of the label that is spread evenly over all classes; softmax only.
      loss_type: `softmax` for cross entropy; `sigmoid` for binary cross entropy summed over
        classes and divided by the number of positives, which the original does not smooth.
      class_weights: [C], by which the loss of an image is multiplied (of a mixture: mixed as its
        label is); empty: all 1.
    """
    if class_weights:
        weight = tf.linalg.matvec(labels, list(class_weights))
    if loss_type == "softmax":
        classes = tf.cast(tf.shape(labels)[-1], tf.float32)
        targets = labels * (1.0 - label_smoothing) + label_smoothing / classes
        entropy = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        return tf.reduce_mean(entropy * weight if class_weights else entropy)
    if loss_type == "sigmoid":
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        if class_weights:
            entropy *= weight[:, tf.newaxis]
        return tf.reduce_sum(entropy) / tf.reduce_sum(labels)
    raise ValueError(f"--cls_loss_type must be one of {LOSS_TYPES}. Received: {loss_type!r}")


def with_margin(logits: tf.Tensor, labels: tf.Tensor, margin: float, scale: float) -> tf.Tensor:
    """Returns logits in which the angle to the true class is larger by a margin (1801.07698).

    Where angle + margin would pass pi, the cosine becomes cos - margin * sin(margin) instead, so
    that it goes on falling. Of a mixture of labels each class has its share of the margin.

    Args:
      logits: `scale` times cosines, float32 [N, C], as `CosineClassifier` gives them.
      labels: float32 [N, C].
      margin: in radians.
      scale: what the cosines were multiplied by.
    """
    cosine = tf.clip_by_value(logits / scale, -1.0, 1.0)
    # Above 0, since a square root has no gradient there.
    sine = tf.sqrt(tf.maximum(1.0 - tf.square(cosine), 1e-12))
    beyond = cosine <= -math.cos(margin)
    moved = cosine * math.cos(margin) - sine * math.sin(margin)
    target = tf.where(beyond, cosine - margin * math.sin(margin), moved)
    return scale * (cosine + labels * (target - cosine))


def distillation_loss(
    logits: tf.Tensor,
    teacher_probabilities: tf.Tensor,
    temperature: float,
    divergence: bool = False,
) -> tf.Tensor:
    """Returns `T^2` times the cross entropy against the teacher (Hinton et al., 1503.02531).

    Of the student's `logits`, float32 [N, C], and `softmax(teacher logits / T)`, never smoothed;
    averaged over the batch, float32 scalar. With `divergence` it is the Kullback-Leibler divergence
    from the teacher, which is less by the teacher's own entropy and has the same gradient.
    """
    entropy = tf.nn.softmax_cross_entropy_with_logits(teacher_probabilities, logits / temperature)
    if divergence:
        own = tf.math.multiply_no_nan(tf.math.log(teacher_probabilities), teacher_probabilities)
        entropy += tf.reduce_sum(own, axis=-1)
    return temperature**2 * tf.reduce_mean(entropy)


def jensen_shannon(views: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the Jensen-Shannon divergence of what is said of several views, float32 scalar.

    The mean over the views of the Kullback-Leibler divergence of softmax(view) from the mean of
    all (AugMix, 1912.02781, equation 1); `views` are logits [N, C] each; averaged over the batch.
    """
    logs = [tf.nn.log_softmax(tf.cast(view, tf.float32)) for view in views]
    mixture = tf.reduce_logsumexp(tf.stack(logs), axis=0) - math.log(len(views))
    divergences = [tf.reduce_sum(tf.exp(log) * (log - mixture), axis=-1) for log in logs]
    return tf.reduce_mean(tf.add_n(divergences) / len(views))


def weight_decay_loss(variables: Iterable[tf.Variable], weight_decay: float) -> tf.Tensor:
    """Returns `weight_decay * sum(w^2) / 2` over `variables`, float32 scalar."""
    return weight_decay * tf.add_n([tf.nn.l2_loss(tf.cast(v, tf.float32)) for v in variables])
