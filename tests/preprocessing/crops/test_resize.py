import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from preprocessing.crops.resize import (
    central_crop,
    resize,
    resize_shorter_side,
    sides_for_shorter,
    subtract_mean,
    tf1_bilinear_resize,
)


def test_no_half_pixel_centres():
    # Sampling points 0, 0.5, 1, 1.5: the last is clamped to the last pixel.
    row = tf.constant([[[10.0], [20.0]]])
    assert tf1_bilinear_resize(row, 1, 4)[0, :, 0].numpy().tolist() == [10.0, 15.0, 20.0, 20.0]
    # Shrinking skips pixels without averaging.
    row = tf.constant([[[10.0], [20.0], [30.0], [40.0]]])
    assert tf1_bilinear_resize(row, 1, 2)[0, :, 0].numpy().tolist() == [10.0, 30.0]


def test_float32_truncation_makes_a_side_short():
    # 107 * (256 / 107) is 255.99998 in float32.
    assert [int(side) for side in sides_for_shorter(107, 214, 256)] == [255, 511]
    assert [int(side) for side in sides_for_shorter(375, 500, 256)] == [256, 341]
    assert resize_shorter_side(tf.zeros([107, 120, 3]), 256).shape[0] == 255


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("height, width", [(37, 50), (90, 20), (200, 300)])
def test_others_resize_as_pillow(interpolation, height, width):
    """Smaller with averaging, larger, and both at once; sums of floats may round otherwise."""
    picture = np.random.RandomState(5).randint(0, 256, (100, 150, 3)).astype(np.uint8)
    kind = {"bilinear": PIL.Image.BILINEAR, "bicubic": PIL.Image.BICUBIC}[interpolation]
    wanted = np.asarray(PIL.Image.fromarray(picture).resize((width, height), kind), np.float32)
    found = resize(tf.constant(picture), height, width, interpolation).numpy()
    assert np.abs(found - wanted).max() <= 1 and np.abs(found - wanted).mean() < 0.05


def test_whole_numbers_make_no_side_short():
    """Where TensorFlow 1's way loses a pixel; torchvision: int(256 * 214 / 107)."""
    assert [int(side) for side in sides_for_shorter(107, 214, 256, "bilinear")] == [256, 512]
    assert [int(side) for side in sides_for_shorter(500, 375, 235, "bicubic")] == [313, 235]


def test_a_line_is_no_picture():
    assert resize_shorter_side(tf.zeros([5000, 3, 3], tf.uint8), 4).shape == (6666, 4, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too long and thin"):
        resize_shorter_side(tf.zeros([1, 60000, 3], tf.uint8), 256)


def test_central_crop_with_odd_margins():
    image = tf.reshape(tf.range(5 * 6), [5, 6, 1])
    cropped = central_crop(image, 2, 3)
    # Margins 3 and 3: one line above, one column on the left.
    assert cropped[0, 0, 0] == 6 + 1
    assert cropped.shape == (2, 3, 1)


def test_mean_subtraction():
    image = np.zeros([2, 5, 3], np.uint8) + np.uint8([200, 100, 50])
    expected = np.broadcast_to(
        np.float32([200, 100, 50]) - np.float32([123.68, 116.78, 103.94]), [2, 5, 3]
    )
    np.testing.assert_array_equal(subtract_mean(tf.constant(image)), expected)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
    def unknown_size(image):
        return subtract_mean(image)

    np.testing.assert_array_equal(unknown_size(image), expected)
