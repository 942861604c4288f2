"""Evaluation on several views of each image, whose probabilities are averaged.

Ten crops (Krizhevsky et al., 2012), or the whole image at several scales, for which the network
is fully convolutional up to its global pooling (ResNet, arXiv 1512.03385, section 4.1).
"""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

import preprocessing
from official.run.errors import RunError
from preprocessing import PreprocessingConfig

_SMALLEST_SCALE = 32
# The smallest normal float32: a probability of zero would have no logarithm.
_TINY = 1.2e-38


def choose(
    config: PreprocessingConfig, ten_crop: bool = False, test_scales: Sequence[int] = ()
) -> Callable[[tf.Tensor, PreprocessingConfig], tf.Tensor | tuple[tf.Tensor, ...]]:
    """Returns the function that makes the network's input of one encoded image.

    For `ten_crop` it is [10, S, S, 3], for `test_scales` a tuple of [h, w, 3], one for each of
    these shorter sides.

    Raises:
      RunError: both are wanted, or the preprocessing type has no such thing.
    """
    if ten_crop and test_scales:
        raise RunError(
            "--ten_crop and --test_scales exclude each other. Received: "
            f"--test_scales={','.join(map(str, test_scales))}"
        )
    if not ten_crop and not test_scales:
        return preprocessing.eval_image
    if config.family == "inception":
        raise RunError(
            "--ten_crop and --test_scales are there for the imagenet and reid types. Received: "
            f"--preprocessing_type={config.preprocessing_type}"
        )
    if ten_crop:
        return preprocessing.ten_crop_image
    return functools.partial(_at_scales, test_scales=tuple(test_scales))


def describe(ten_crop: bool, test_scales: Sequence[int]) -> str:
    """Returns `one`, `ten crops` or the scales, for the record of an evaluation."""
    if test_scales:
        return "whole images at " + ", ".join(map(str, test_scales))
    return "ten crops" if ten_crop else "one"


def scales(values: Sequence[str]) -> tuple[int, ...]:
    """Returns --test_scales as numbers; raises RunError for no sensible number of pixels."""
    try:
        numbers = tuple(int(value) for value in values)
    except ValueError:
        numbers = (0,)
    if any(number < _SMALLEST_SCALE for number in numbers):
        raise RunError(
            f"--test_scales must be numbers of pixels, at least {_SMALLEST_SCALE}, separated by "
            f"commas. Received: {','.join(values)}"
        )
    return numbers


def logits(
    network: Callable[..., tf.Tensor], images: tf.Tensor | tuple[tf.Tensor, ...]
) -> tf.Tensor:
    """Returns the network's logits, or the logarithm of its mean probabilities over views.

    Args:
      network: from [N, H, W, 3] to logits [N, C].
      images: [N, H, W, 3]; [N, V, H, W, 3] for V views; or a tuple of V [N, h, w, 3].

    Returns:
      float32 [N, C]; softmax of it gives the (mean) probabilities.
    """
    if isinstance(images, tuple | list):
        views = images
    elif images.shape.rank == 5:
        views = tf.unstack(images, axis=1)
    else:
        return _logits(network, images)
    probabilities = [tf.nn.softmax(_logits(network, view)) for view in views]
    return tf.math.log(tf.maximum(tf.add_n(probabilities) / len(views), _TINY))


def _at_scales(
    encoded: tf.Tensor, config: PreprocessingConfig, test_scales: tuple[int, ...]
) -> tuple[tf.Tensor, ...]:
    """Returns the whole image at each scale."""
    return tuple(preprocessing.whole_image(encoded, config, scale) for scale in test_scales)


def _logits(network: Callable[..., tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """Returns the logits of one view, float32 [N, C].

    The last batch may leave a device without an image, on which TensorFlow's fused operations fail:
    it computes a black one, whose logits are left out.
    """
    count = tf.shape(images)[0]
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        missing = tf.maximum(1 - count, 0)
        images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
    return tf.cast(network(images, training=False)[:count], tf.float32)
