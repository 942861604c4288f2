"""Does a JPEG go on to its end marker? Asked in a graph, without decoding it.

Phones append a video or a second picture behind the end of a photo, so that its last bytes say
nothing. The end marker is looked for behind the header: a preview picture inside it has one of its
own, while the image data holds none.
"""

import tensorflow as tf

_END = b"\xff\xd9"
_START_OF_DATA = 0xDA
# A header has a few dozen segments at most.
_MOST_SEGMENTS = 1000


def has_end(encoded: tf.Tensor) -> tf.Tensor:
    """Returns a bool scalar: whether the JPEG `encoded` (string []) has its end marker."""
    ends_in_it = tf.equal(tf.strings.substr(encoded, -2, 2), _END)
    return ends_in_it | tf.cond(ends_in_it, lambda: True, lambda: _has_end_inside(encoded))


def _has_end_inside(encoded: tf.Tensor) -> tf.Tensor:
    """Whether there is an end marker behind the header."""
    octets = tf.io.decode_raw(encoded, tf.uint8)
    size = tf.size(octets)

    def at(place: tf.Tensor) -> tf.Tensor:
        return tf.cast(octets[tf.minimum(place, size - 1)], tf.int32)

    def in_header(place: tf.Tensor) -> tf.Tensor:
        marker = tf.equal(at(place), 0xFF) & tf.not_equal(at(place + 1), _START_OF_DATA)
        return marker & (place + 4 < size)

    def behind(place: tf.Tensor) -> tf.Tensor:
        # A marker of two bytes, and a length that counts its own two bytes.
        return place + 2 + at(place + 2) * 256 + at(place + 3)

    # Behind the two bytes that every JPEG begins with.
    loop = tf.while_loop(
        in_header, lambda place: [behind(place)], [2], maximum_iterations=_MOST_SEGMENTS
    )
    data = octets[tf.minimum(loop[0], size) :]
    return tf.reduce_any(tf.equal(data[:-1], 0xFF) & tf.equal(data[1:], _END[1]))
