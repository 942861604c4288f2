import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.records import schema, whole_jpeg

PIXELS = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)


def jpeg(pixels=PIXELS, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


# With a preview picture in its header, which has an end marker of its own.
PHOTO = jpeg(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + jpeg(PIXELS[:8, :8]))


@pytest.mark.parametrize("image", [jpeg(), jpeg(progressive=True), PHOTO])
def test_the_end_is_found_whatever_follows(image):
    assert b"\xff\xd9" not in image[-500:-2]
    for tail in (b"", b"\0" * 9, bytes(range(256)) * 40, image):
        assert whole_jpeg.has_end(tf.constant(image + tail))
        schema.assert_whole_image(tf.constant(image + tail), "a.jpg")
    for cut in (image[:-1], image[:-2], image[: len(image) // 2], image[:-2] + b"\0" * 300):
        assert not whole_jpeg.has_end(tf.constant(cut))
    with pytest.raises(tf.errors.InvalidArgumentError):
        schema.assert_whole_image(tf.constant(image[: len(image) // 2]), "a.jpg")


def test_what_is_no_jpeg_has_no_end():
    rng = np.random.default_rng(0)
    for size in range(60):
        data = b"\xff\xd8\xff" + rng.integers(0, 200, size, np.uint8).tobytes()
        assert not whole_jpeg.has_end(tf.constant(data))
