"""What the header of an image file is taken to say, before anything is decoded."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from preprocessing import PreprocessingConfig, checks, headers
from preprocessing.decode import webp_available

MEGAPIXELS = 50_000_000
NUMBERS = {"jpeg": headers.JPEG, "png": headers.PNG, "webp": headers.WEBP, "bmp": headers.BMP}


def saved(kind, height=37, width=50, **options):
    """An encoded image of noise."""
    pixels = np.random.RandomState(0).randint(0, 255, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width, height, before=b""):
    """A PNG of 79 bytes or so that claims a size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(9)))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + chunk(b"IEND", b"")


def moving(kind):
    frames = [PIL.Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.fixture(scope="module")
def read():
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def function(encoded):
        kind = headers.format_of(encoded)
        return kind, headers.size_of(encoded, kind)

    return lambda encoded: [value.numpy().tolist() for value in function(tf.constant(encoded))]


@pytest.fixture(scope="module")
def status():
    """Status by decoder: a function of bytes."""

    def of(encoded, decoder="any", max_pixels=MEGAPIXELS, **options):
        config = PreprocessingConfig(image_size=32, decoder=decoder, **options)
        function = tf.function(lambda text: checks.status_of(text, config, max_pixels))
        return int(function(tf.constant(encoded)))

    return of


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("jpeg", {}), ("jpeg", {"progressive": True}), ("png", {}), ("bmp", {}), ("webp", {}),
        ("webp", {"lossless": True}), ("webp", {"exif": b"Exif\0\0" + bytes(20)}),
    ],
)  # fmt: skip
def test_sizes_are_those_that_were_written(read, kind, options):
    """The last one has a canvas of its own (VP8X)."""
    assert read(saved(kind, 37, 50, **options)) == [NUMBERS[kind], [37, 50]]
    assert read(saved(kind, 301, 16, **options)) == [NUMBERS[kind], [301, 16]]


def test_a_bmp_may_begin_at_the_top(read):
    upside_down = bytearray(saved("bmp", 37, 50))
    upside_down[22:26] = struct.pack("<i", -37)
    assert read(bytes(upside_down)) == [headers.BMP, [37, 50]]


def test_a_claim_is_enough_to_be_refused(status):
    assert status(bomb(10_000, 10_000)) == checks.TOO_LARGE
    assert status(bomb(5_000, 10_000)) == checks.GOOD
    assert status(bomb(5_000, 10_001)) == checks.TOO_LARGE
    # Products that would overflow 64 bits.
    assert status(bomb(2**31 - 1, 2**31 - 1)) == checks.TOO_LARGE
    assert status(bomb(2**32 - 1, 2**32 - 1)) == checks.TOO_LARGE
    assert status(saved("jpeg"), max_pixels=37 * 50 - 1) == checks.TOO_LARGE
    assert status(saved("webp", 64, 64, lossless=True), "webp", 4095) == checks.TOO_LARGE
    # 60,000 pixels of which resizing to a shorter side of 36 would make 36 x 2,160,000.
    assert status(bomb(1, 60_000)) == checks.TOO_LARGE
    assert status(bomb(1, 30_000)) == checks.GOOD
    # The reid types squeeze it.
    assert status(bomb(1, 60_000), preprocessing_type="reid") == checks.GOOD
    assert status(saved("png") + bytes(20_000), max_pixels=2_000) == checks.TOO_LARGE


def test_what_moves_is_refused(status):
    assert status(moving("png")) == checks.ANIMATED
    assert status(moving("webp"), "webp") == checks.ANIMATED
    assert status(moving("gif")) == status(saved("gif")) == checks.OTHER_FORMAT
    # The letters elsewhere are no chunk.
    assert status(bomb(40, 30, chunk(b"tEXt", b"acTL\0acTL"))) == checks.GOOD
    assert status(bomb(40, 30, chunk(b"tEXt", b"a\0b") + chunk(b"acTL", bytes(8)))) == (
        checks.ANIMATED
    )


def test_formats_are_those_of_the_decoder(status):
    webp = checks.GOOD if webp_available() else checks.OTHER_FORMAT
    assert [status(saved(kind)) for kind in NUMBERS] == [0, 0, webp, 0]
    assert [status(saved(kind), "jpeg") for kind in NUMBERS] == [0, 0, 2, 2]
    assert [status(saved(kind), "webp") for kind in NUMBERS] == [2, 2, 0, 2]
    assert status(b"") == checks.EMPTY
    for text in (b"x", b"%PDF-1.7", b"II*\0" + bytes(50), b"\xff\xd8", b"RIFF1234WAVE"):
        assert status(text) == checks.OTHER_FORMAT


def test_a_header_that_is_cut_off_is_an_error(status):
    """Nothing else: the caller makes it `DAMAGED`."""
    for text in (b"BM", saved("jpeg")[:20], saved("webp")[:22]):
        # TensorFlow quotes bytes in an error as if they were text.
        with pytest.raises((tf.errors.OpError, UnicodeDecodeError)):
            status(text, "webp" if text[:4] == b"RIFF" else "any")
