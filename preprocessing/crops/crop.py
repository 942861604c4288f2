"""The distorted training crop of the imagenet and inception types, and the random flip."""

from collections.abc import Callable

import tensorflow as tf

# Szegedy et al., "Going deeper with convolutions" (2015), section 6; bounds of the original.
AREA_RANGE = (0.05, 1.0)
ASPECT_RATIO_RANGE = (0.75, 1.33)
MIN_OBJECT_COVERED = 0.1
MAX_ATTEMPTS = 100


def window_chooser(
    boxes: tf.Tensor,
    seed: tf.Tensor,
    random_crop: bool = True,
    area_range: tuple[float, float] = AREA_RANGE,
    aspect_ratio_range: tuple[float, float] = ASPECT_RATIO_RANGE,
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function from an image's shape to a random window of it.

    The window covers a share of the image's area from `area_range`, width / height is from
    `aspect_ratio_range`, and at least 10 % of one box is inside (all of it if `random_crop` is
    off). If 100 attempts find no such window, it is the whole image.

    Boxes are float32 [n, 4], ymin, xmin, ymax, xmax in shares of the sides, clipped to [0, 1]; n
    may be 0: then the whole image is the box.

    Returns:
        Function from int32 [3] (height, width, channels) to int32 [4] (top, left, height, width).
    """
    boxes = tf.clip_by_value(tf.reshape(boxes, [1, -1, 4]), 0.0, 1.0)

    def choose(shape: tf.Tensor) -> tf.Tensor:
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            shape,
            bounding_boxes=boxes,
            seed=seed,
            min_object_covered=MIN_OBJECT_COVERED if random_crop else 1.0,
            aspect_ratio_range=aspect_ratio_range,
            area_range=area_range,
            max_attempts=MAX_ATTEMPTS,
            use_image_if_no_bounding_boxes=True,
        )
        return tf.concat([begin[:2], size[:2]], axis=0)

    return choose


def flip_if(image: tf.Tensor, flip: tf.Tensor) -> tf.Tensor:
    """Mirrors [H, W, C] left to right if the bool scalar `flip` is true."""
    return tf.cond(flip, lambda: tf.reverse(image, axis=[1]), lambda: image)
