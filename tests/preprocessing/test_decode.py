import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from preprocessing import decode


def encoded(array, form, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, [12, 17, 3], np.uint8)


@pytest.mark.parametrize("decoder", ["jpeg", "png", "any"])
def test_png_by_any_of_the_decoders_is_exact(pixels, decoder):
    np.testing.assert_array_equal(decode.decode_image(encoded(pixels, "PNG"), decoder), pixels)


@pytest.mark.parametrize("form", ["BMP", "GIF"])
def test_other_formats_with_any(pixels, form):
    pixels = pixels // 64 * 64 if form == "GIF" else pixels
    result = decode.decode_image(encoded(pixels, form), "any")
    assert result.shape == pixels.shape and result.dtype == tf.uint8
    if form == "BMP":
        np.testing.assert_array_equal(result, pixels)


def test_grey_palette_alpha_and_cmyk_have_three_channels(pixels):
    grey = Image.fromarray(pixels).convert("L")
    palette = Image.fromarray(pixels).convert("P")
    alpha = Image.fromarray(pixels).convert("RGBA")
    cmyk = Image.fromarray(pixels).convert("CMYK")
    cases = [(grey, "JPEG"), (grey, "PNG"), (palette, "PNG"), (alpha, "PNG"), (cmyk, "JPEG")]
    for image, form in cases:
        stream = io.BytesIO()
        image.save(stream, form)
        assert decode.decode_image(stream.getvalue()).shape == (12, 17, 3), (image.mode, form)


def test_the_whole_window_is_the_whole_picture(reference):
    for data in (reference.jpeg("a"), reference.jpeg("e")):
        whole = decode.decode_image(data)
        window = decode.decode_and_crop(data, lambda s: tf.stack([0, 0, s[0], s[1]]))
        np.testing.assert_array_equal(window, whole)


def test_a_window_of_a_png(pixels):
    window = decode.decode_and_crop(encoded(pixels, "PNG"), lambda _: tf.constant([2, 3, 5, 7]))
    np.testing.assert_array_equal(window, pixels[2:7, 3:10])


def test_the_way_of_decoding_matters(reference):
    accurate = decode.decode_image(reference.jpeg("a"), dct_method="INTEGER_ACCURATE")
    fast = decode.decode_image(reference.jpeg("a"), dct_method="INTEGER_FAST")
    assert not np.array_equal(accurate, fast)


def test_no_picture_is_an_error():
    for data in (b"", b"text", b"\xff\xd8\xff\xe0 cut off"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode.decode_image(data)


def test_webp(pixels):
    data = encoded(pixels, "WEBP", lossless=True)
    if decode.webp_available():
        for decoder in ("webp", "any"):
            np.testing.assert_array_equal(decode.decode_image(data, decoder), pixels)
        return
    with pytest.raises(ImportError, match="tensorflow-io==0.36.0"):
        decode.decode_image(data, "webp")
    with pytest.raises(tf.errors.InvalidArgumentError, match="tensorflow-io==0.36.0"):
        decode.decode_image(data, "any")
