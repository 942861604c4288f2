import io
import os
import random
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf

from datasets.conversion.image_check import MAX_PIXELS, BadImageError, check_image

PIXELS = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def png(array):
    return tf.io.encode_png(array).numpy()


def pillow_bytes(image_format, mode="RGB", **options):
    image_module = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image_module.fromarray(PIXELS).convert(mode).save(file, image_format, **options)
    return file.getvalue()


def assert_stored_losslessly(data, expected, original_format):
    checked = check_image(data)
    assert (checked.image_format, checked.original_format) == ("PNG", original_format)
    assert (checked.height, checked.width) == (6, 9)
    np.testing.assert_array_equal(tf.io.decode_png(checked.encoded, channels=3), expected)


def test_jpeg_and_png_pass_byte_for_byte(jpeg):
    for data, name in ((jpeg(0, 20, 30), "JPEG"), (png(np.zeros((20, 30, 3), np.uint8)), "PNG")):
        checked = check_image(data)
        assert checked.encoded == data
        assert (checked.image_format, checked.height, checked.width) == (name, 20, 30)
        assert checked.original_format == ""


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_png_with_other_channels_passes(channels):
    data = png(np.full((5, 7, channels), 9, np.uint8))
    assert check_image(data).encoded == data


def test_grey_and_cmyk_jpegs_pass():
    grey = tf.io.encode_jpeg(PIXELS[:, :, :1]).numpy()
    assert check_image(grey).encoded == grey
    cmyk = pillow_bytes("JPEG", "CMYK")
    assert check_image(cmyk).encoded == cmyk


def test_palette_png_passes():
    data = pillow_bytes("PNG", "P")
    assert check_image(data).encoded == data


def test_bmp_is_stored_as_png():
    assert_stored_losslessly(pillow_bytes("BMP"), PIXELS, "BMP")


def test_palette_bmp_keeps_its_colours():
    # Three colours; TensorFlow's decoder would give the palette's indices as grey.
    image_module = pytest.importorskip("PIL.Image")
    indices = np.arange(54, dtype=np.uint8).reshape(6, 9) % 3
    image = image_module.fromarray(indices)
    image = image.convert("P")
    palette = [255, 0, 0, 0, 255, 0, 0, 0, 255]
    image = image_module.frombytes("P", (9, 6), indices.tobytes())
    image.putpalette(palette + [0] * (768 - 9))
    file = io.BytesIO()
    image.save(file, "BMP")
    assert_stored_losslessly(file.getvalue(), np.array(palette).reshape(3, 3)[indices], "BMP")


def test_webp_is_stored_as_png():
    assert_stored_losslessly(pillow_bytes("WEBP", lossless=True), PIXELS, "WebP")


def test_gif_of_one_frame_is_stored_as_png():
    data = pillow_bytes("GIF")
    assert_stored_losslessly(data, tf.io.decode_gif(data)[0], "GIF")


def gif(*frames, tail=b";"):
    """A GIF of two pixels by hand; a frame is (width, height, colours of its own palette)."""
    data = b"GIF89a" + struct.pack("<HHBBB", 2, 1, 0x80, 0, 0) + bytes([9, 9, 9, 200, 0, 0])
    # A comment of two pieces that look like frames, extensions and the end.
    data += b"!\xfe" + b"\x05,,;;!" + b"\x01," + b"\x00"
    for width, height, colours in frames:
        flags = 0x80 | colours.bit_length() - 2 if colours else 0
        data += b"!\xf9" + b"\x04" + bytes(4) + b"\x00"
        data += b"," + struct.pack("<HHHHB", 0, 0, width, height, flags) + b",;!" * colours
        # Codes of three bits: clear (4), colour 1, colour 0, end (5).
        codes = 4 | 1 << 3 | 0 << 6 | 5 << 9
        data += b"\x02" + b"\x02" + struct.pack("<H", codes) + b"\x00"
    return data + tail


def test_frames_of_a_gif_are_counted_before_they_are_decoded():
    np.testing.assert_array_equal(tf.io.decode_gif(gif((2, 1, 0)))[0], [[[200, 0, 0], [9, 9, 9]]])
    checked = check_image(gif((2, 1, 0), tail=b""))
    assert (checked.height, checked.width, checked.original_format) == (1, 2, "GIF")
    for colours in (0, 2, 256):
        with pytest.raises(BadImageError, match="animated GIF .3 frames.: a single image"):
            check_image(gif((2, 1, colours), (2, 1, 2), (2, 1, 0)))
    # Decoded, these would take 4 GB each.
    with pytest.raises(BadImageError, match="animated GIF .2 frames."):
        check_image(gif((65535, 65535, 0), (65535, 65535, 0)))
    with pytest.raises(BadImageError, match=f"65535 x 60000 pixels: more than {MAX_PIXELS}"):
        check_image(gif((60000, 65535, 0)))


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_animations_are_refused(image_format):
    image_module = pytest.importorskip("PIL.Image")
    frames = [image_module.fromarray(PIXELS), image_module.fromarray(255 - PIXELS)]
    file = io.BytesIO()
    frames[0].save(file, image_format, save_all=True, append_images=frames[1:])
    with pytest.raises(BadImageError, match="animated"):
        check_image(file.getvalue())


def test_16_bit_png_is_refused():
    with pytest.raises(BadImageError, match="16-bit PNG"):
        check_image(png(np.zeros((4, 4, 3), np.uint16)))


@pytest.mark.parametrize("keep", [4, 30, 0.5, 0.98])
def test_truncated_jpeg_is_refused(jpeg, keep):
    data = jpeg(0, 40, 40)
    size = keep if isinstance(keep, int) else int(len(data) * keep)
    with pytest.raises(BadImageError, match="truncated or damaged JPEG"):
        check_image(data[:size])


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("keep", [12, 0.6])
def test_other_truncated_files_are_refused(image_format, keep):
    data = pillow_bytes(image_format)
    size = keep if isinstance(keep, int) else int(len(data) * keep)
    with pytest.raises(BadImageError, match="truncated or damaged"):
        check_image(data[:size])


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"", "empty file"),
        (b"hello, this is text", "not an image .starts with b'hello, t'"),
        (b"%PDF-1.7 ...........", "not an image"),
        (b"\xff\xd8\xff" + b"\x00" * 50, "truncated or damaged JPEG"),
    ],
)
def test_other_files_are_refused(data, reason):
    with pytest.raises(BadImageError, match=reason):
        check_image(data)


def test_a_forged_size_is_refused_before_decoding():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk)) + b"\x00" * 20
    with pytest.raises(BadImageError, match=f"60000 x 60000 pixels: more than {MAX_PIXELS}"):
        check_image(data)


def test_reasons_are_one_short_line(jpeg):
    with pytest.raises(BadImageError) as caught:
        check_image(jpeg(0, 40, 40)[:300])
    text = str(caught.value)
    assert "\n" not in text
    assert "function_node" not in text and "[Op:" not in text


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_jpeg_size_from_the_header(progressive, subsampling):
    exif = b"Exif\x00\x00" + b"\xff\xd8\xff\xda" * 50
    data = pillow_bytes("JPEG", progressive=progressive, subsampling=subsampling, exif=exif)
    checked = check_image(data)
    assert (checked.height, checked.width) == (6, 9)


def test_a_damaged_jpeg_writes_nothing_to_the_terminal(jpeg, capfd):
    data = jpeg(0, 40, 40)
    for size in range(3, len(data) - 2, 7):
        with pytest.raises(BadImageError, match="truncated or damaged JPEG"):
            check_image(data[:size])
    # It decodes, with a warning of the JPEG library.
    position = data.index(b"\xff\xdb")
    check_image(data[:position] + b"stray" + data[position:])
    os.write(2, b"still open")
    assert capfd.readouterr().err == "still open"


def test_mutated_files_pass_or_are_refused(jpeg):
    """Whatever the bytes: an image of positive size, or the one exception."""
    random = np.random.default_rng(0)
    originals = [jpeg(0), *(pillow_bytes(name) for name in ("PNG", "GIF", "BMP", "WEBP"))]
    outcomes = {"passed": 0, "refused": 0}
    for trial in range(300):
        data = bytearray(originals[trial % len(originals)])
        for _ in range(random.integers(1, 5)):
            data[random.integers(len(data))] = random.integers(256)
        if trial % 3 == 0:
            data = data[: random.integers(len(data))]
        try:
            checked = check_image(bytes(data))
        except BadImageError as error:
            assert str(error)
            outcomes["refused"] += 1
        else:
            assert min(checked.height, checked.width) > 0
            outcomes["passed"] += 1
    assert min(outcomes.values()) > 20


def test_the_verdict_is_that_of_the_whole_decoder(jpeg):
    """The check decodes at an eighth of the size; training at full size must agree."""
    data = jpeg(1, 64, 48)
    draws = random.Random(0)
    refused = 0
    for trial in range(200):
        damaged = bytearray(data)
        if trial % 4 == 0:
            del damaged[draws.randrange(20, len(damaged)) :]
        else:
            for _ in range(draws.choice((1, 3, 20))):
                damaged[draws.randrange(3, len(damaged))] = draws.randrange(256)
        verdicts = []
        for decode in (check_image, lambda data: tf.io.decode_jpeg(data, channels=3)):
            try:
                decode(bytes(damaged))
                verdicts.append(True)
            except (BadImageError, tf.errors.OpError):
                verdicts.append(False)
        assert verdicts[0] == verdicts[1]
        refused += not verdicts[0]
    assert 50 < refused < 150
