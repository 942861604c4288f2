import numpy as np
import PIL.Image
import tensorflow as tf

from preprocessing import draw_size, resize_batch
from preprocessing.crops import scale_augmentation
from preprocessing.operations.rotation import rotate


def windows(shape, shorter_range, count=600):
    def choose(index):
        chooser = scale_augmentation.window_chooser(tf.stack([5, index]), 224, shorter_range)
        return chooser(tf.constant(shape))

    return next(iter(tf.data.Dataset.range(count).map(choose).batch(count))).numpy()


def test_windows_of_the_shorter_sides():
    top, left, height, width = windows([375, 500, 3], (256, 480)).T
    assert (height == width).all()
    # 375 * 224 / 480 = 175 and 375 * 224 / 256 = 328.125.
    assert height.min() >= 175 and height.max() <= 328
    assert height.min() < 178 and height.max() > 322
    # The shorter side itself is uniform: half of the windows belong to 368 or less.
    assert abs((height >= 375 * 224 / 368).mean() - 0.5) < 0.07
    assert top.min() >= 0 and (top + height).max() == 375 or (top + height).max() == 374
    assert left.min() >= 0 and (left + width).max() <= 500
    assert left.min() < 10 and (left + width).max() > 490


def test_one_scale_and_a_picture_smaller_than_the_square():
    # 300 * 224 / 256 = 262.5, to even; 100 * 224 / 224: all of the shorter side.
    assert set(windows([400, 300, 3], (256, 256), 20)[:, 2]) == {262}
    chosen = windows([100, 130, 3], (224, 224), 60)
    assert set(chosen[:, 0]) == {0} and set(chosen[:, 2]) == {100}
    assert chosen[:, 1].min() == 0 and chosen[:, 1].max() == 30


def test_rotation_equals_pil():
    rows, columns = np.mgrid[0:41, 0:60]
    smooth = np.stack([rows * 3 + columns, 2 * columns, 200 - rows], -1).astype(np.uint8)
    for degrees in (4.5, -4.5):
        expected = PIL.Image.fromarray(smooth).rotate(
            degrees, PIL.Image.Resampling.BILINEAR, fillcolor=(128,) * 3
        )
        result = rotate(tf.cast(smooth, tf.float32), tf.constant(degrees)).numpy()
        assert np.abs(result - np.asarray(expected))[5:-5, 5:-5].max() < 1.01
        assert np.abs(result - smooth)[5:-5, 5:-5].max() > 3
        # A corner comes from outside.
        assert 128.0 in (result[0, 0, 0], result[-1, 0, 0])


def test_no_rotation_changes_nothing():
    picture = tf.random.stateless_uniform([7, 9, 3], [1, 2])
    np.testing.assert_allclose(rotate(picture, tf.constant(0.0)), picture, atol=1e-6)


def test_sizes_are_drawn_evenly_and_follow_the_step():
    draw = tf.data.Dataset.range(1500).map(lambda step: draw_size(4, step, (192, 224, 256)))
    drawn = next(iter(draw.batch(1500))).numpy()
    assert set(drawn) == {192, 224, 256}
    assert np.bincount(drawn)[[192, 224, 256]].min() > 440
    assert draw_size(4, 11, (192, 224, 256)) == drawn[11]


def test_batches_are_resized_at_half_pixel_centres():
    images = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    # Half the size: the mean of 2 x 2 pixels.
    assert resize_batch(images, 2)[0, ..., 0].numpy().tolist() == [[2.5, 4.5], [10.5, 12.5]]
    np.testing.assert_array_equal(resize_batch(images, tf.constant(4)), images)
