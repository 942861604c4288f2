import numpy as np
import pytest
import tensorflow as tf

from preprocessing import PreprocessingConfig, eval_image, ten_crop_image, whole_image
from preprocessing.crops.evaluation_crops import ten_crop


def test_corners_centre_and_mirrors_by_hand():
    image = tf.reshape(tf.range(5 * 8), [5, 8, 1])
    crops = ten_crop(image, 3)[..., 0].numpy()
    assert crops.shape == (10, 3, 3)
    # Rows of 8: the window of 3 begins at rows 0 or 2 and columns 0 or 5, in the middle at 1, 2.
    assert crops[:5, 0, 0].tolist() == [0, 5, 16, 21, 10]
    assert crops[0].tolist() == [[0, 1, 2], [8, 9, 10], [16, 17, 18]]
    np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])


@pytest.mark.parametrize("kind", ["imagenet", "imagenet_224_256", "reid_224"])
def test_of_a_photo(reference, kind):
    config = PreprocessingConfig(preprocessing_type=kind, image_size=96)
    crops = ten_crop_image(reference.jpeg("b"), config)
    size = config.eval_size
    assert crops.shape == (10, size, size, 3)
    whole = whole_image(reference.jpeg("b"), config, int(size / 0.875))
    assert whole.shape[1] == int(size / 0.875)
    np.testing.assert_array_equal(crops[3], whole[-size:, -size:])
    np.testing.assert_array_equal(crops[6], whole[:size, -size:][:, ::-1])
    if kind.startswith("imagenet"):
        # The fifth is what evaluation takes.
        np.testing.assert_array_equal(crops[4], eval_image(reference.jpeg("b"), config))


def test_inception_is_refused(reference):
    config = PreprocessingConfig(preprocessing_type="inception_331")
    with pytest.raises(ValueError, match="Ten-crop.*preprocessing_type='inception_331'"):
        ten_crop_image(reference.jpeg("a"), config)
    with pytest.raises(ValueError, match="whole images.*preprocessing_type='inception_331'"):
        whole_image(reference.jpeg("a"), config, 331)
