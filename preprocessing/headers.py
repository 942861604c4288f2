"""What the header of an image file says, read by string operations before anything is decoded.

A served model meets files of which a few kilobytes claim gigabytes of pixels. Format, size and
animation are read here as the decoders read them, inside a graph, so that a SavedModel does it
wherever it is served. Nothing is allocated but the bytes that are looked at.
"""

import tensorflow as tf

# Formats, as `format_of` numbers them.
NONE, JPEG, PNG, WEBP, BMP, GIF = range(6)
# Chunks of a PNG before its pixels that are looked at.
_MOST_CHUNKS = 64
# Flags of an extended WebP: an animation.
_ANIMATION = 2


def format_of(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the format of an encoded image by its first bytes, int32 []; `NONE` for others."""

    def begins(start: bytes, place: int = 0) -> tf.Tensor:
        # A file that is shorter has nothing there.
        held = tf.strings.length(encoded) >= place + len(start)
        return tf.logical_and(held, tf.equal(_cut(encoded, place, len(start)), start))

    webp = tf.logical_and(begins(b"RIFF"), begins(b"WEBP", 8))
    found = tf.stack(
        [
            begins(b"\xff\xd8\xff"),
            begins(b"\x89PNG\r\n\x1a\n"),
            webp,
            begins(b"BM"),
            begins(b"GIF8"),
        ]
    )
    numbers = tf.constant([JPEG, PNG, WEBP, BMP, GIF])
    return tf.reduce_sum(tf.where(found, numbers, NONE))


def size_of(encoded: tf.Tensor, kind: tf.Tensor) -> tf.Tensor:
    """Returns height and width that the header of a file of that format claims, int64 [2].

    Both are 0 of a GIF, and of what is no image.

    Raises:
        tf.errors.InvalidArgumentError: When run, if the header is cut off or broken.
    """
    readers = [_no_size, _jpeg_size, _png_size, _webp_size, _bmp_size, _no_size]
    return tf.switch_case(kind, [lambda read=read: read(encoded) for read in readers])


def is_animated(encoded: tf.Tensor, kind: tf.Tensor) -> tf.Tensor:
    """Returns whether a PNG or WebP says that it is an animation, bool []; False for others."""
    return tf.case(
        [
            (tf.equal(kind, PNG), lambda: _png_moves(encoded)),
            (tf.equal(kind, WEBP), lambda: _webp_moves(encoded)),
        ],
        default=lambda: tf.constant(False),
    )


def _cut(text: tf.Tensor, place: tf.Tensor | int, count: int) -> tf.Tensor:
    """Returns `count` bytes of a text; fewer, or none, where it ends before."""
    place = tf.minimum(place, tf.strings.length(text))
    return tf.strings.substr(text, place, count)


def _number(text: tf.Tensor, place: tf.Tensor | int, count: int, little: bool = False) -> tf.Tensor:
    """Returns the number that 1 to 4 bytes of a text write, int64 [].

    Raises:
        tf.errors.InvalidArgumentError: When run, if the text ends before.
    """
    digits = tf.cast(tf.io.decode_raw(tf.strings.substr(text, place, count), tf.uint8), tf.int64)
    powers = range(count) if little else reversed(range(count))
    weights = tf.constant([256**power for power in powers], tf.int64)
    # Of too few digits this is no sum of products: an error.
    return tf.reduce_sum(tf.ensure_shape(digits, [count]) * weights)


def _no_size(encoded: tf.Tensor) -> tf.Tensor:
    """Of what has no header that is read."""
    return tf.zeros([2], tf.int64)


def _jpeg_size(encoded: tf.Tensor) -> tf.Tensor:
    """By the decoder's own reader of headers."""
    return tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.int64)


def _png_size(encoded: tf.Tensor) -> tf.Tensor:
    """The first chunk has the width, then the height."""
    return tf.stack([_number(encoded, 20, 4), _number(encoded, 16, 4)])


def _bmp_size(encoded: tf.Tensor) -> tf.Tensor:
    """Width, then height, which is negative where the rows go from top to bottom."""

    def signed(place: int) -> tf.Tensor:
        number = _number(encoded, place, 4, little=True)
        return tf.where(number >= 2**31, 2**32 - number, number)

    return tf.stack([signed(22), signed(18)])


def _webp_size(encoded: tf.Tensor) -> tf.Tensor:
    """Of the canvas (VP8X), the lossless stream (VP8L) or the first frame (VP8)."""

    def number(place: int, count: int) -> tf.Tensor:
        return _number(encoded, place, count, little=True)

    def canvas() -> tf.Tensor:
        return tf.stack([number(27, 3) + 1, number(24, 3) + 1])

    def lossless() -> tf.Tensor:
        bits = number(21, 4)
        return tf.stack([bits // 2**14 % 2**14 + 1, bits % 2**14 + 1])

    def lossy() -> tf.Tensor:
        return tf.stack([number(28, 2) % 2**14, number(26, 2) % 2**14])

    kind = _cut(encoded, 12, 4)
    chunks = [(tf.equal(kind, b"VP8X"), canvas), (tf.equal(kind, b"VP8L"), lossless)]
    return tf.case(chunks, default=lossy)


def _webp_moves(encoded: tf.Tensor) -> tf.Tensor:
    """By a flag of the extended format."""

    def flagged() -> tf.Tensor:
        return _number(encoded, 20, 1) // _ANIMATION % 2 > 0

    extended = tf.equal(_cut(encoded, 12, 4), b"VP8X")
    return tf.cond(extended, flagged, lambda: tf.constant(False))


def _png_moves(encoded: tf.Tensor) -> tf.Tensor:
    """By a chunk `acTL` before the first one of pixels."""
    length = tf.cast(tf.strings.length(encoded), tf.int64)

    def going_on(place: tf.Tensor, moves: tf.Tensor) -> tf.Tensor:
        return tf.logical_and(place + 8 <= length, tf.logical_not(moves))

    def next_chunk(place: tf.Tensor, moves: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        name = _cut(encoded, tf.cast(place + 4, tf.int32), 4)
        # Length and name before the chunk, a checksum behind it.
        following = place + 12 + _number(encoded, tf.cast(place, tf.int32), 4)
        return tf.where(tf.equal(name, b"IDAT"), length, following), tf.equal(name, b"acTL")

    start = (tf.constant(8, tf.int64), tf.constant(False))
    return tf.while_loop(going_on, next_chunk, start, maximum_iterations=_MOST_CHUNKS)[1]
