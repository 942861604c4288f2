"""The EXIF orientation of a photo, read and applied inside a graph, as a served model needs it.

A phone stores a photo as its sensor saw it, and in EXIF's tag 274 how it is to be turned. None of
TensorFlow's decoders looks at that. Here it is read with string operations of TensorFlow alone, so
that a SavedModel does it wherever it is served. Of PNG, WebP and GIF files nothing is read.
"""

import tensorflow as tf

_ORIENTATION = 274
_SHORT = 3
# Segments before the pixels of a JPEG that are looked at.
_MOST_SEGMENTS = 64
_EXIF = b"Exif\0\0"
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9


def of_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the EXIF orientation of an image file, int32 [], 1 to 8.

    1, upright, is also that of files that are no JPEG, have no such tag, or a broken one.
    """
    start, size = _find_exif(encoded)
    found = start > 0
    return tf.cond(
        found, lambda: _of_exif(tf.strings.substr(encoded, start, size)), lambda: tf.constant(1)
    )


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Returns an image [H, W, C] turned as an orientation says; [W, H, C] for 5 to 8."""
    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    mirrored = _among(orientation, 2, 3, 6, 7)
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    overturned = _among(orientation, 3, 4, 7, 8)
    return tf.cond(overturned, lambda: tf.reverse(image, [0]), lambda: image)


def _among(value: tf.Tensor, *values: int) -> tf.Tensor:
    """Whether a number is one of several, bool []."""
    return tf.reduce_any(tf.equal(value, values))


def _numbers(text: tf.Tensor, start: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    """Returns bytes of a text as int32."""
    return tf.cast(tf.io.decode_raw(tf.strings.substr(text, start, count), tf.uint8), tf.int32)


def _find_exif(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns where the EXIF data of a JPEG begins, and its length; 0 where it has none."""
    length = tf.strings.length(encoded)
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")

    def going_on(place: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        return tf.logical_and(start == 0, place + 10 <= length)

    def next_segment(place: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tuple:
        head = _numbers(encoded, place, 4)
        marker, bytes_in_it = head[1], head[2] * 256 + head[3]
        is_exif = tf.logical_and(
            tf.equal(marker, _APP1), tf.equal(tf.strings.substr(encoded, place + 4, 6), _EXIF)
        )
        last = tf.logical_or(_among(marker, _SCAN, _END), tf.not_equal(head[0], 0xFF))
        # A marker may have any number of 0xFF before it.
        step = tf.where(tf.equal(marker, 0xFF), 1, bytes_in_it + 2)
        following = tf.where(last, length, place + step)
        where = tf.where(is_exif, place + 10, 0), tf.where(is_exif, bytes_in_it - 8, 0)
        return following, *where

    first = tf.where(is_jpeg, 2, length)
    _, start, size = tf.while_loop(
        going_on, next_segment, (first, 0, 0), maximum_iterations=_MOST_SEGMENTS
    )
    size = tf.minimum(size, length - start)
    return tf.where(size >= 14, start, 0), size


def _of_exif(exif: tf.Tensor) -> tf.Tensor:
    """Returns the orientation that EXIF data says, int32 []; 1 where it says nothing sensible."""
    length = tf.strings.length(exif)
    little = tf.equal(tf.strings.substr(exif, 0, 2), b"II")

    def number(digits: tf.Tensor) -> tf.Tensor:
        """Of bytes [..., n] the number [...] that they write; not above what int32 holds."""
        digits = tf.where(little, tf.reverse(digits, [-1]), digits)
        value = tf.zeros(tf.shape(digits)[:-1], tf.int64)
        for digit in tf.unstack(tf.cast(digits, tf.int64), axis=-1):
            value = value * 256 + digit
        return tf.cast(tf.minimum(value, tf.int32.max), tf.int32)

    place = tf.minimum(number(tf.reshape(_numbers(exif, 4, 4), [4])), length - 2)
    count = number(tf.reshape(_numbers(exif, place, 2), [2]))
    count = tf.minimum(count, (length - place - 2) // 12)
    entries = tf.reshape(_numbers(exif, place + 2, 12 * count), [-1, 12])
    head = tf.stack([number(entries[:, :2]), number(entries[:, 2:4]), number(entries[:, 4:8])], 1)
    is_it = tf.reduce_all(tf.equal(head, [_ORIENTATION, _SHORT, 1]), axis=1)
    values = tf.boolean_mask(number(entries[:, 8:10]), is_it)
    value = tf.concat([values, [1]], axis=0)[0]
    return tf.where(tf.logical_and(value >= 1, value <= 8), value, 1)
