"""EXIF's orientation: read out of the bytes in a graph, and applied as Pillow applies it."""

import io

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tensorflow as tf

import preprocessing
from preprocessing import orientation

PIXELS = np.random.RandomState(0).randint(0, 255, (5, 9, 3), np.uint8)


def jpeg(value=None, order="<", form="jpeg"):
    """An image file with that orientation, in that byte order, behind another tag."""
    exif = PIL.Image.Exif()
    exif.endian = order
    exif[271] = "Maker"
    if value is not None:
        exif[274] = value
    buffer = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(buffer, form, exif=exif.tobytes(), quality=95)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def read():
    return tf.function(orientation.of_jpeg, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_orientation_as_pillow_turns_it(read, order):
    for value in range(1, 9):
        data = jpeg(value, order)
        assert int(read(data)) == value
        wanted = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data))))
        stored = np.asarray(PIL.Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(orientation.upright(tf.constant(stored), value), wanted)
        assert wanted.shape == ((9, 5, 3) if value >= 5 else (5, 9, 3))


def test_what_says_nothing_is_upright(read):
    head = b"\xff\xd8\xff\xe1\xff\xffExif\0\0"
    for data in (
        jpeg(), jpeg(0), jpeg(9), jpeg(6, form="png"), b"", b"\xff", b"\xff\xd8\xff", head,
        head + b"II*\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ):  # fmt: skip
        assert int(read(data)) == 1, data[:40]


def test_broken_bytes_are_never_an_error(read):
    random = np.random.RandomState(3)
    whole = [jpeg(6), jpeg(8, ">")]
    for number in range(400):
        data = bytearray(whole[number % 2])
        for place in random.randint(0, 110, 3):
            data[place] = random.randint(256)
        assert 1 <= int(read(bytes(data[: random.randint(len(data))]))) <= 8


def test_evaluation_turns_where_it_is_told_to():
    """A picture that lies on its side: dark above, bright below, once it is turned."""
    lying = np.zeros((32, 32, 3), np.uint8)
    lying[:, :16] = 250
    buffer = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[274] = 8  # A quarter turn to the left: what is on the left comes below.
    PIL.Image.fromarray(lying).save(buffer, "jpeg", exif=exif.tobytes(), quality=95)
    config = preprocessing.PreprocessingConfig(image_size=32, exif_orientation=True)
    turned = preprocessing.eval_image(tf.constant(buffer.getvalue()), config)
    assert float(turned[2, 16, 0]) < -100 and float(turned[29, 16, 0]) > 100
    config = preprocessing.PreprocessingConfig(image_size=32)
    stored = preprocessing.eval_image(tf.constant(buffer.getvalue()), config)
    assert float(stored[16, 2, 0]) > 100 and float(stored[16, 29, 0]) < -100
