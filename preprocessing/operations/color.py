"""AutoAugment's colour operations on uint8 images, each computed exactly in the fastest way found.

An image of 224 x 224 x 3 has rows of 672 bytes. Operations whose constants differ by channel
repeat them over a row (`_per_row`): broadcasting over an inner axis of 3 is four times slower in
TensorFlow. `tf.where` on bytes is avoided for the same reason.

Sums of three and more terms are written as differences of negated terms, which round the same way.
TensorFlow's graph optimiser would merge plain sums into one operation that adds in another order.

All images are uint8 [H, W, 3] with static H and W; arguments are scalar tensors.
"""

import numpy as np
import tensorflow as tf

# TensorFlow's weights for `rgb_to_grayscale`, applied in this order to be equal to the last bit.
_GREY_WEIGHTS = (0.2989, 0.5870, 0.1140)
_OUTER_WEIGHT = 1.0 / 13.0
_INNER_WEIGHT = 5.0 / 13.0


def invert(image: tf.Tensor) -> tf.Tensor:
    """Returns 255 - image."""
    return tf.bitwise.invert(image)


def posterize(image: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Keeps the highest `bits` bits, 0 to 8, at least one."""
    shift = tf.cast(8 - tf.maximum(tf.cast(bits, tf.int32), 1), tf.uint8)
    mask = tf.bitwise.left_shift(tf.constant(255, tf.uint8), shift)
    return tf.bitwise.bitwise_and(image, mask)


def solarize(image: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """Inverts the values from `threshold` on; 256 counts as 0, since it is taken as a byte."""
    threshold = tf.cast(tf.cast(threshold, tf.int32) % 256, tf.uint8)
    above = tf.cast(image >= threshold, tf.uint8)
    return tf.bitwise.bitwise_xor(image, above * 255)


def solarize_add(image: tf.Tensor, addition: tf.Tensor) -> tf.Tensor:
    """Adds 0 to 128 to the values below 128, so that no sum passes 255."""
    addition = tf.cast(addition, tf.uint8)
    bright = tf.bitwise.right_shift(image, tf.constant(7, tf.uint8))
    return image + (addition - bright * addition)


def brightness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends black with the image: `factor` 0 is black, 1 the image."""
    return _to_bytes(tf.cast(image, tf.float32) * factor)


def contrast(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends one grey with the image: `factor` 0 is the grey, 1 the image.

    The grey is height * width / 256, at most 255 (the original adds up a histogram where it means
    to average the image).
    """
    height, width, _ = image.shape
    grey = float(int(min(height * width / 256.0, 255.0)))
    return _blend(grey, tf.cast(image, tf.float32), factor)


def color(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends the grey image with the image: `factor` 0 is grey, 1 the image."""
    planes = tf.cast(tf.transpose(image, [2, 0, 1]), tf.float32)
    # Scaled before the channels are separated: the graph optimiser would merge two products in a
    # row into one, which rounds differently.
    red, green, blue = tf.unstack(planes * (1.0 / 255.0), axis=0)
    weights = _GREY_WEIGHTS
    grey = red * weights[0] - green * -weights[1] - blue * -weights[2]
    grey = tf.floor(grey * 255.5)
    blended = _blend(_three_of_each(grey), tf.cast(tf.reshape(image, [-1]), tf.float32), factor)
    return tf.reshape(blended, image.shape)


def _three_of_each(plane: tf.Tensor) -> tf.Tensor:
    """Repeats each number three times, exactly: float32 [H, W] to [H * W * 3].

    As a product of matrices, which takes a quarter of the time of `tf.repeat` or broadcasting.
    """
    group = next(size for size in (8, 4, 2, 1) if plane.shape.num_elements() % size == 0)
    repeat = np.kron(np.eye(group), np.ones([1, 3])).astype(np.float32)
    return tf.reshape(tf.matmul(tf.reshape(plane, [-1, group]), repeat), [-1])


def sharpness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends the smoothed image with the image; the outermost pixels stay.

    The smoothing is a 3 x 3 window, 5 / 13 in the middle and 1 / 13 around it. Its nine products
    are added in reading order, as TensorFlow 1 did: where the sum is close to a whole number, the
    order decides how it is rounded (a convolution differs on 1 % of the pixels).
    """
    height, width, _ = image.shape
    if height < 3 or width < 3:
        return tf.identity(image)
    smooth, centre = _smooth_run(image)
    row = width * 3
    flat = tf.reshape(image, [-1])
    run = _blend(tf.floor(smooth), centre, factor)
    # The run begins at pixel (1, 1) and ends at the last but one of the last but one row.
    rows = tf.concat([flat[: row + 3], run, flat[-row - 3 :]], axis=0)
    rows = tf.reshape(rows, [height, row])
    image_rows = tf.reshape(image, [height, row])
    rows = tf.concat([image_rows[:, :3], rows[:, 3:-3], image_rows[:, -3:]], axis=1)
    return tf.reshape(rows, image.shape)


def _smooth_run(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Smooths an image as one flat run of numbers: a neighbour is then a slice at an offset.

    Gives the smoothed values of all pixels from (1, 1) to the last but one of the last but one row,
    and the values themselves, float32 [(H * W - 2 * W - 2) * 3]. What is smoothed across the left
    and right edge has no meaning.
    """
    height, width, _ = image.shape
    row = width * 3
    length = height * row - 2 * row - 6
    values = tf.cast(tf.reshape(image, [-1]), tf.float32)
    total = values[:length] * _OUTER_WEIGHT
    minus_outer = values * -_OUTER_WEIGHT
    minus_inner = values * -_INNER_WEIGHT
    for offset in (3, 6, row, row + 3, row + 6, 2 * row, 2 * row + 3, 2 * row + 6):
        source = minus_inner if offset == row + 3 else minus_outer
        total -= source[offset : offset + length]
    return total, values[row + 3 : row + 3 + length]


def autocontrast(image: tf.Tensor) -> tf.Tensor:
    """Stretches each channel to 0 ... 255; a channel of one value stays."""
    height, width, _ = image.shape
    rows = tf.cast(tf.reshape(image, [height, width * 3]), tf.float32)
    low = tf.reduce_min(tf.reshape(tf.reduce_min(rows, axis=0), [width, 3]), axis=0)
    high = tf.reduce_max(tf.reshape(tf.reduce_max(rows, axis=0), [width, 3]), axis=0)
    flat = tf.equal(low, high)
    scale = 255.0 / tf.where(flat, 255.0, high - low)
    offset = tf.where(flat, 0.0, -low * scale)
    stretched = rows * _per_row(scale, width) + _per_row(offset, width)
    return tf.reshape(tf.cast(stretched, tf.uint8), image.shape)


def equalize(image: tf.Tensor, times: int = 1) -> tf.Tensor:
    """Flattens the histogram of each channel with the tables that PIL uses.

    Twice in a row (`times` 2) is not the same as once. The second histogram is computed from the
    first, so that twice costs no more than once.
    """
    height, width, _ = image.shape
    channel_starts = _per_row(tf.constant([0, 256, 512]), width)
    index = tf.cast(tf.reshape(image, [height, width * 3]), tf.int32)
    index = tf.nn.bias_add(index, channel_starts)
    # Adding up in float64, exact here, takes 0.7 times as long as in int32.
    histogram = tf.raw_ops.Bincount(
        arr=tf.reshape(index, [-1]), size=768, weights=tf.zeros([0], tf.float64)
    )
    histogram = tf.cast(tf.reshape(histogram, [3, 256]), tf.int32)
    tables = _equalizing_tables(histogram, height * width)
    if times == 2:
        starts = tf.constant([[0], [256], [512]])
        moved = tf.math.unsorted_segment_sum(histogram, tables + starts, 768)
        second = _equalizing_tables(tf.reshape(moved, [3, 256]), height * width)
        tables = tf.gather(second, tables, batch_dims=1)
    if image.shape.num_elements() % 6 == 0:
        return _look_up_pairs(image, tables)
    flat = tf.cast(tf.reshape(tables, [-1]), tf.uint8)
    return tf.reshape(tf.gather_nd(flat, index[..., tf.newaxis]), image.shape)


def _equalizing_tables(histogram: tf.Tensor, pixels: int) -> tf.Tensor:
    """Computes PIL's table for each channel: int32 [3, 256] counts to int32 [3, 256] values."""
    values = tf.range(256)
    last = tf.reduce_max(tf.where(histogram > 0, values, 0), axis=1, keepdims=True)
    last_count = tf.gather(histogram, last, batch_dims=1)
    step = (pixels - last_count) // 255
    below = tf.cumsum(histogram, axis=1, exclusive=True)
    # The first entry is 0 in any case: PIL shifts the finished table by one.
    table = (below + step // 2) // tf.maximum(step, 1)
    table = tf.minimum(tf.where(values > 0, table, 0), 255)
    return tf.where(step > 0, table, values)


def _look_up_pairs(image: tf.Tensor, tables: tf.Tensor) -> tf.Tensor:
    """Sends each byte through its channel's table, two bytes at a time.

    A look-up of two bytes costs as much as a look-up of one. Neighbouring bytes are the channels
    (R, G), (B, R) or (G, B), so three tables of 65,536 pairs halve the number of look-ups. Needs
    H * W * 3 to be a multiple of 6.
    """
    pairs = tf.bitcast(tf.reshape(image, [-1, 2]), tf.uint16)
    starts = _per_row(tf.constant([0, 65536, 131072]), pairs.shape[0] // 3)
    index = tf.cast(pairs, tf.int32) + starts
    # Little-endian: the first byte of a pair is the low one. The sums of every high and every low
    # value are a product of matrices, exact in float32; broadcasting takes seven times as long.
    tables = tf.cast(tables, tf.float32)
    ones = tf.ones([3, 256])
    high = tf.stack([256.0 * tf.gather(tables, [1, 0, 2]), ones], axis=2)
    low = tf.stack([ones, tf.gather(tables, [0, 2, 1])], axis=1)
    pair_tables = tf.reshape(tf.cast(tf.matmul(high, low), tf.uint16), [-1])
    looked_up = tf.gather_nd(pair_tables, index[:, tf.newaxis])
    return tf.reshape(tf.bitcast(looked_up, tf.uint8), image.shape)


def _blend(background: tf.Tensor | float, pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns background + factor * (pixels - background) of floats, as bytes."""
    return _to_bytes(background + factor * (pixels - background))


def _to_bytes(values: tf.Tensor) -> tf.Tensor:
    """Clips floats to 0 ... 255 and truncates them."""
    # One pass over the pixels; tf.clip_by_value makes two.
    clipped = tf.raw_ops.ClipByValue(t=values, clip_value_min=0.0, clip_value_max=255.0)
    return tf.cast(clipped, tf.uint8)


def _per_row(per_channel: tf.Tensor, repeats: int) -> tf.Tensor:
    """Repeats three numbers, [3], along a row, [3 * repeats]."""
    return tf.tile(per_channel, [repeats])
