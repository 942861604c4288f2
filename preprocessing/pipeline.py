"""One encoded image to one model input, for training and for evaluation."""

import tensorflow as tf

from preprocessing import decode, seeds
from preprocessing.config import PreprocessingConfig, shorter_side_before_crop
from preprocessing.crops import crop, evaluation_crops, inception, reid, resize, scale_augmentation
from preprocessing.mixing import batches
from preprocessing.operations import color_augmentation, rotation
from preprocessing.policies import aug_mix, auto_augment, rand_augment


def train_image(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Decodes and augments one training image.

    The same (encoded, bbox, seed, config) gives the same pixels, whatever the number of threads.

    Args:
        encoded: String scalar.
        bbox: float32 [n, 4], ymin, xmin, ymax, xmax in shares of the sides; n may be 0. Without
            effect unless `config.use_bounding_boxes`.
        seed: int32 or int64 [2], see `example_seed`.
        config: What to do.

    Returns:
        float32 tensor of shape [train_size, train_size, 3]: grey levels minus the mean, or values
        in [0, 1] for the inception types.
    """
    return batches.to_input(train_pixels(encoded, bbox, seed, config), config.channel_means)


def train_pixels(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Does what `train_image` does, but leaves uint8 grey levels if `config.augments_bytes`.

    A batch of bytes needs a quarter of the memory and of the traffic to the device. `mix` or
    `to_input` makes the network's input of it.
    """
    image, draws = _training_square(encoded, bbox, seed, config)
    if config.family != "inception":
        image = _augment(image, seed, draws, config)
    image.set_shape([config.train_size, config.train_size, 3])
    return image


def train_views(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Makes the three views of AugMix's consistency loss; takes what `train_image` takes.

    Returns:
        float32 [3, train_size, train_size, 3], grey levels minus the mean: one crop as it is, and
        two mixtures of it (arXiv 1912.02781, section 3).

    Raises:
        ValueError: Without AugMix.
    """
    if not config.augmix_severity:
        raise ValueError("Views are made by AugMix. Received: augmix_severity=0")
    image, draws = _training_square(encoded, bbox, seed, config)
    image = tf.cast(_shifted(_rotated(image, draws, config), seed, config), tf.uint8)
    mixed = [_augmix(image, part, config) for part in seeds.split_seed(seeds.other_seed(seed), 2)]
    views = tf.stack([tf.cast(image, tf.float32), *mixed])
    views.set_shape([3, config.train_size, config.train_size, 3])
    return resize.subtract_mean(views, config.channel_means)


def eval_image(encoded: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Decodes one image, a string scalar, for evaluation or serving.

    float32 [eval_size, eval_size, 3]: grey levels minus the mean, or values in [0, 1] for the
    inception types.
    """
    size = config.eval_size
    image = _whole(encoded, config)
    if config.family == "inception":
        return inception.eval_square(image, size)
    if config.family == "reid":
        image = resize.tf1_bilinear_resize(image, size, size)
        image.set_shape([size, size, 3])
    else:
        image = resize.resize_shorter_side(image, config.eval_shorter_side, config.interpolation)
        image = resize.central_crop(image, size, size)
    return resize.subtract_mean(image, config.channel_means)


def pixels_of(image: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Returns what a network's input looks like: of float32 [H, W, 3] the uint8 [H, W, 3]."""
    if config.family == "inception":
        image = image * 255.0
    else:
        image = image + tf.constant(config.channel_means, tf.float32)
    return tf.saturate_cast(tf.round(image), tf.uint8)


def ten_crop_image(encoded: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Decodes one image and cuts ten crops out of it, see `evaluation_crops.ten_crop`.

    float32 [10, eval_size, eval_size, 3], grey levels minus the mean. The shorter side becomes
    size / 0.875 for all types: 256 for crops of 224, as the original has it.

    Raises:
        ValueError: For an inception type.
    """
    _refuse_inception("Ten-crop evaluation", config)
    image = whole_image(encoded, config, shorter_side_before_crop(config.eval_size))
    return evaluation_crops.ten_crop(image, config.eval_size)


def whole_image(encoded: tf.Tensor, config: PreprocessingConfig, shorter: int) -> tf.Tensor:
    """Decodes one image and resizes all of it, for a fully-convolutional test at some scale.

    float32 [height, width, 3], grey levels minus the mean, `shorter` pixels on the shorter side.

    Raises:
        ValueError: For an inception type.
    """
    _refuse_inception("A test of whole images", config)
    image = resize.resize_shorter_side(_whole(encoded, config), shorter, config.interpolation)
    return resize.subtract_mean(image, config.channel_means)


def stored_image(
    encoded: tf.Tensor, config: PreprocessingConfig, size: int, resized: bool = False
) -> tf.Tensor:
    """Decodes one image that has the network's size already, such as one of ImageNet-C.

    Args:
        encoded: String scalar.
        config: Of it the decoder and the range of values count.
        size: Side in pixels that the image must have.
        resized: Whether another image is squeezed to that size; else it is refused.

    Returns:
        float32 [size, size, 3]: grey levels minus the mean, or values in [0, 1] for the inception
        types.

    Raises:
        tf.errors.InvalidArgumentError: When run, for an image of another size.
    """
    image = _whole(encoded, config)
    if resized:
        image = resize.resize(image, size, size, config.interpolation)
    else:
        sides = tf.shape(image)[:2]
        fits = tf.debugging.Assert(
            tf.reduce_all(sides == size),
            ["an image has another size than the", size, "pixels wanted: height and width", sides],
        )
        with tf.control_dependencies([] if fits is None else [fits]):
            image = tf.identity(image)
    return pixels_to_input(tf.ensure_shape(image, [size, size, 3]), config)


def pixels_to_input(image: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Returns the network's input of grey levels [H, W, 3] as they are; see `pixels_of`.

    float32 [H, W, 3]: grey levels minus the mean, or values in [0, 1] for the inception types.
    """
    if config.family == "inception":
        return tf.cast(image, tf.float32) / 255.0
    return resize.subtract_mean(image, config.channel_means)


def _whole(encoded: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Decodes one image for evaluation or serving, uint8 [height, width, 3]."""
    method, upright = config.decode_dct_method, config.exif_orientation
    return decode.decode_image(encoded, config.decoder, method, upright)


def _refuse_inception(what: str, config: PreprocessingConfig) -> None:
    """Raises ValueError for the types that keep no aspect and subtract no mean."""
    if config.family == "inception":
        raise ValueError(
            f"{what} is there for the imagenet and reid types. Received: "
            f"preprocessing_type={config.preprocessing_type!r}"
        )


def _training_square(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the training crop, float32 [S, S, 3], flipped or not, and the draws that are left."""
    if not config.use_bounding_boxes:
        bbox = tf.zeros([0, 4])
    # One draw for every number that the image needs, but for the crop's.
    layers = config.randaugment_num_layers
    count = 2 + max(auto_augment.DRAWS, rand_augment.count_draws(layers))
    draws = seeds.uniform(seeds.other_seed(seed), count)
    flip, draws = draws[0] < 0.5, draws[1:]
    size = config.train_size
    if config.family == "inception":
        image = inception.to_unit_range(_training_window(encoded, bbox, seed, config))
        image = resize.tf1_bilinear_resize(image, size, size)
        image = crop.flip_if(image, flip)
        image = inception.shift_colours(image, draws[:3])
    else:
        if config.family == "reid":
            image = decode.decode_image(encoded, config.decoder, config.decode_dct_method)
            image = crop.flip_if(reid.train_square(image, size, seed), flip)
        else:
            # TF1 sampling is not symmetric, so the flip comes before the resizing, as in the
            # original.
            image = crop.flip_if(_training_window(encoded, bbox, seed, config), flip)
            image = resize.resize(image, size, size, config.interpolation)
    image.set_shape([size, size, 3])
    return image, draws


def _training_window(
    encoded: tf.Tensor, bbox: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Decodes the random window that is trained on (imagenet and inception types)."""
    if config.scale_augmentation:
        bounds = config.scale_augmentation
        chooser = scale_augmentation.window_chooser(seed, config.train_size, bounds)
    elif config.family == "inception":
        ranges = inception.AREA_RANGE, inception.ASPECT_RATIO_RANGE
        chooser = crop.window_chooser(bbox, seed, True, *ranges)
    else:
        chooser = crop.window_chooser(bbox, seed, config.training_random_crop)
    return decode.decode_and_crop(encoded, chooser, config.decoder, config.decode_dct_method)


def _augment(
    image: tf.Tensor, seed: tf.Tensor, draws: tf.Tensor, config: PreprocessingConfig
) -> tf.Tensor:
    """Rotates float32 grey levels and augments as chosen."""
    image = _shifted(_rotated(image, draws, config), seed, config)
    if config.augmix_severity:
        image = _augmix(tf.cast(image, tf.uint8), seeds.other_seed(seed), config)
    if not config.augments_bytes:
        return resize.subtract_mean(image, config.channel_means)
    # Interpolated grey levels lie in 0 ... 255 but for rounding, which truncation absorbs.
    image = tf.cast(image, tf.uint8)
    if config.autoaugment_type:
        return auto_augment.autoaugment(image, config.autoaugment_type, draws)
    layers, magnitude = config.randaugment_num_layers, config.randaugment_magnitude
    return rand_augment.randaugment(image, layers, magnitude, draws)


def _rotated(image: tf.Tensor, draws: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Rotates float32 grey levels, if that is wanted, as the last draw says."""
    if not config.rotation_degrees:
        return image
    return rotation.rotate(image, (2.0 * draws[-1] - 1.0) * config.rotation_degrees)


def _shifted(image: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Shifts the colours of float32 grey levels, if that is wanted."""
    if not config.color_augmentation:
        return image
    image = color_augmentation.augment_colors(image, seed, config.color_augmentation)
    becomes_bytes = config.augments_bytes or config.augmix_severity
    return tf.clip_by_value(image, 0.0, 255.0) if becomes_bytes else image


def _augmix(image: tf.Tensor, seed: tf.Tensor, config: PreprocessingConfig) -> tf.Tensor:
    """Applies AugMix to uint8 [S, S, 3]; float32 grey levels."""
    width, depth, alpha = config.augmix_width, config.augmix_depth, config.augmix_alpha
    return aug_mix.augmix(image, seed, config.augmix_severity, width, depth, alpha)
