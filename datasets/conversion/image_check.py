"""Is this an image that training can decode? Looks at the bytes, not at the name.

JPEG and PNG files pass byte for byte. Other formats that can be decoded (BMP, GIF of
one frame, WebP) are stored as PNG: that is lossless, so training sees the pixels of the
file, and one decoder less is needed there. A JPEG would be smaller but lossy twice.
"""

import contextlib
import dataclasses
import io
import os
import struct
import warnings
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from datasets.sources import pictures

# Decoding more pixels takes gigabytes of memory; photos have a tenth of it at most.
MAX_PIXELS = 2**27

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GIF_EXTENSION, _GIF_FRAME = b"!", b","


class BadImageError(ValueError):
    """The bytes are no image that training can use; the message is the reason."""


@dataclasses.dataclass(frozen=True)
class CheckedImage:
    """An image that decodes: bytes for the record, "JPEG" or "PNG", height and width in pixels.

    `original_format`, such as "GIF", is that of the file that a PNG was made of, if any.
    """

    encoded: bytes
    image_format: str
    height: int
    width: int
    original_format: str = ""


def check_image(data: bytes) -> CheckedImage:
    """Decodes an image file as training will; JPEG and PNG are unchanged, others become PNG.

    Raises:
        BadImageError: Empty, no image, truncated, animated, 16 bits deep, or too large.
    """
    if not data:
        raise BadImageError("empty file")
    if data.startswith(b"\xff\xd8\xff"):
        return _check_jpeg(data)
    if data.startswith(_PNG_SIGNATURE):
        return _check_png(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _as_png(_decode_gif(data), "GIF")
    if data.startswith(b"BM"):
        return _as_png(_decode_with_pillow(data, "BMP"), "BMP")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _as_png(_decode_with_pillow(data, "WebP"), "WebP")
    kind = pictures.kind(data[: pictures.HEADER_BYTES])
    if kind and kind not in pictures.USABLE:
        raise BadImageError(pictures.refusal(kind))
    raise BadImageError(f"not an image (starts with {data[:8]!r})")


def _decode(decoder: Any, data: bytes, what: str, **options: Any) -> tf.Tensor:
    """Runs a TensorFlow decoder; its refusal becomes a reason of one line."""
    try:
        return decoder(data, **options)
    except tf.errors.OpError as error:
        raise BadImageError(f"truncated or damaged {what}: {_first_line(error)}") from error


def _first_line(error: tf.errors.OpError) -> str:
    message = (error.message or "").split("\n")[0]
    # TensorFlow puts "{{function_node ...}} " before and " [Op:DecodeJpeg] ..." behind.
    return message.rsplit("}} ", 1)[-1].split(" [Op:")[0].strip()


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise BadImageError(f"{height} x {width} pixels: at least 1 x 1 is needed")
    if height * width > MAX_PIXELS:
        raise BadImageError(f"{height} x {width} pixels: more than {MAX_PIXELS}")


def _check_jpeg(data: bytes) -> CheckedImage:
    with _silenced():
        # The header first: a forged size must not make the decoder reserve gigabytes.
        shape = _decode(tf.io.extract_jpeg_shape, data, "JPEG").numpy()
        height, width = int(shape[0]), int(shape[1])
        _check_size(height, width)
        # At an eighth of the size: every bit is still parsed, and a third of the time is saved.
        _decode(tf.io.decode_jpeg, data, "JPEG", channels=3, ratio=8)
    return CheckedImage(data, "JPEG", height, width)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keeps what the JPEG library writes about damaged data from the terminal.

    It writes to file descriptor 2 itself, past every log level, and names no file.
    """
    try:
        terminal = os.dup(2)
    except OSError:
        # The process was started without a stderr.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


def _check_png(data: bytes) -> CheckedImage:
    if len(data) < 26 or data[12:16] != b"IHDR":
        raise BadImageError("truncated or damaged PNG: no header")
    width, height, depth = struct.unpack(">IIB", data[16:25])
    _check_size(height, width)
    if depth == 16:
        raise BadImageError("16-bit PNG: training reads 8 bits per channel; convert it first")
    if b"acTL" in data[: data.find(b"IDAT") + 1]:
        raise BadImageError("animated PNG: a single image is needed")
    _decode(tf.io.decode_png, data, "PNG", channels=3)
    return CheckedImage(data, "PNG", height, width)


def _decode_gif(data: bytes) -> tf.Tensor:
    if len(data) < 13:
        raise BadImageError("truncated or damaged GIF: no header")
    width, height = struct.unpack("<HH", data[6:10])
    _check_size(height, width)
    # Before decoding, which holds all frames in memory.
    sizes = _gif_frames(data)
    if len(sizes) > 1:
        raise BadImageError(f"animated GIF ({len(sizes)} frames): a single image is needed")
    for size in sizes:
        _check_size(*size)
    return _decode(tf.io.decode_gif, data, "GIF")[0]


def _gif_frames(data: bytes) -> list[tuple[int, int]]:
    """Height and width of each frame of a GIF up to where it ends or is damaged.

    Nothing is decoded: the file is a chain of blocks, each with its length.
    """
    sizes = []
    position = 13 + _palette_bytes(data[10])
    while True:
        block = data[position : position + 1]
        if block == _GIF_EXTENSION:
            position += 2
        elif block == _GIF_FRAME and position + 10 <= len(data):
            width, height, flags = struct.unpack_from("<HHB", data, position + 5)
            sizes.append((height, width))
            # Behind its header and colour table one byte says how the pixels are packed.
            position += 10 + _palette_bytes(flags) + 1
        else:
            return sizes
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1


def _palette_bytes(flags: int) -> int:
    """Bytes of the colour table that a header with these flags announces."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _decode_with_pillow(data: bytes, what: str) -> tf.Tensor:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
            # The size is checked here; Pillow's own warning would go to the terminal.
            warnings.simplefilter("ignore")
            _check_size(image.height, image.width)
            if getattr(image, "n_frames", 1) != 1:
                raise BadImageError(
                    f"animated {what} ({image.n_frames} frames): a single image is needed"
                )
            rgb = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, BadImageError):
            raise
        # Its words name a place in memory, which differs from run to run.
        reason = "no header" if isinstance(error, UnidentifiedImageError) else error
        raise BadImageError(f"truncated or damaged {what}: {reason}") from error
    flat = tf.io.decode_raw(rgb.tobytes(), tf.uint8)
    return tf.reshape(flat, [rgb.height, rgb.width, 3])


def _as_png(image: tf.Tensor, original_format: str) -> CheckedImage:
    height, width = int(image.shape[0]), int(image.shape[1])
    _check_size(height, width)
    return CheckedImage(tf.io.encode_png(image).numpy(), "PNG", height, width, original_format)
