"""One encoded picture to one model input, for training and for evaluation."""

import tensorflow as tf

from preprocessing import auto_augment, crop, decode, inception, reid, resize, seeds
from preprocessing.config import PreprocessingConfig


def train_image(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Decodes and augments one training picture.

    The same (encoded, bbox, seed, config) gives the same pixels, whatever the number of threads.

    Args:
        encoded: String scalar.
        bbox: float32 [n, 4], ymin, xmin, ymax, xmax in shares of the sides; n may be 0.
        seed: int32 or int64 [2], see `example_seed`.
        config: What to do.

    Returns:
        float32 tensor of shape [train_size, train_size, 3]: grey levels minus the mean, or values
        in [0, 1] for the inception types.
    """
    # One draw for every number the picture needs but the crop's.
    draws = seeds.uniform(seeds.other_seed(seed), 1 + auto_augment.DRAWS)
    flip = draws[0] < 0.5
    if config.family == "inception":
        image = _train_inception(encoded, bbox, seed, flip, draws[1:], config)
    elif config.family == "reid":
        image = _train_reid(encoded, seed, flip, draws[1:], config)
    else:
        image = _train_imagenet(encoded, bbox, seed, flip, draws[1:], config)
    image.set_shape([config.train_size, config.train_size, 3])
    return image


def eval_image(encoded: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Decodes one picture for evaluation or serving.

    Args:
        encoded: String scalar.
        config: What to do.

    Returns:
        float32 tensor of shape [eval_size, eval_size, 3]: grey levels minus the mean, or values in
        [0, 1] for the inception types.
    """
    size = config.eval_size
    image = decode.decode_image(encoded, config.decoder, config.decode_dct_method)
    if config.family == "inception":
        image = inception.eval_square(image, size)
    elif config.family == "reid":
        image = resize.tf1_bilinear_resize(image, size, size)
        image.set_shape([size, size, 3])
        image = resize.subtract_mean(image)
    else:
        image = resize.resize_shorter_side(image, config.eval_shorter_side)
        image = resize.central_crop(image, size, size)
        image = resize.subtract_mean(image)
    image.set_shape([size, size, 3])
    return image


def _train_imagenet(
    encoded: tf.Tensor,
    bbox: tf.Tensor,
    seed: tf.Tensor,
    flip: tf.Tensor,
    draws: tf.Tensor,
    config: PreprocessingConfig,
) -> tf.Tensor:
    """Distorted crop, flip, resize, AutoAugment, mean."""
    image = crop.distorted_crop(
        encoded,
        bbox,
        seed,
        config.training_random_crop,
        config.decoder,
        config.decode_dct_method,
    )
    # TF1 sampling is not symmetric, so the flip comes before the resizing as in the original.
    image = crop.flip_if(image, flip)
    image = resize.tf1_bilinear_resize(image, config.train_size, config.train_size)
    image.set_shape([config.train_size, config.train_size, 3])
    image = _augment(image, draws, config)
    return resize.subtract_mean(image)


def _train_reid(
    encoded: tf.Tensor,
    seed: tf.Tensor,
    flip: tf.Tensor,
    draws: tf.Tensor,
    config: PreprocessingConfig,
) -> tf.Tensor:
    """Square with or without crop, flip, AutoAugment, mean."""
    image = decode.decode_image(encoded, config.decoder, config.decode_dct_method)
    image = reid.train_square(image, config.train_size, seed)
    image.set_shape([config.train_size, config.train_size, 3])
    image = crop.flip_if(image, flip)
    image = _augment(image, draws, config)
    return resize.subtract_mean(image)


def _train_inception(
    encoded: tf.Tensor,
    bbox: tf.Tensor,
    seed: tf.Tensor,
    flip: tf.Tensor,
    draws: tf.Tensor,
    config: PreprocessingConfig,
) -> tf.Tensor:
    """Distorted crop, values in [0, 1], resize, flip, colour shifts."""
    chooser = crop.window_chooser(
        bbox,
        seed,
        area_range=inception.AREA_RANGE,
        aspect_ratio_range=inception.ASPECT_RATIO_RANGE,
    )
    image = decode.decode_and_crop(encoded, chooser, config.decoder, config.decode_dct_method)
    image = inception.to_unit_range(image)
    image = resize.tf1_bilinear_resize(image, config.train_size, config.train_size)
    image = crop.flip_if(image, flip)
    return inception.shift_colours(image, draws[:3])


def _augment(image: tf.Tensor, draws: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Applies AutoAugment, if chosen, to grey levels truncated to uint8."""
    if not config.autoaugment_type:
        return image
    # Interpolated grey levels lie in 0 ... 255 but for rounding, which truncation absorbs.
    choices = auto_augment.choices_from_draws(config.autoaugment_type, draws)
    return auto_augment.apply_policy(tf.cast(image, tf.uint8), config.autoaugment_type, choices)
