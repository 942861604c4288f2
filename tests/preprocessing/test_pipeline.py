import dataclasses
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from preprocessing import (
    PreprocessingConfig,
    decode,
    eval_image,
    example_seed,
    train_image,
    train_views,
)
from preprocessing.crops import crop
from preprocessing.crops.resize import subtract_mean, tf1_bilinear_resize

TYPES = [
    "imagenet",
    "imagenet_160",
    "imagenet_224_256",
    "imagenet_224_256a",
    "imagenet_331",
    "imagenet_331a",
    "reid",
    "reid_224",
    "inception_331",
    "inception_600",
]
NO_BOXES = np.zeros([0, 4], np.float32)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("letter", ["a", "b", "e"])
def test_evaluation_equals_the_original(reference, name, letter):
    expected = reference.values("preprocessing")
    config = PreprocessingConfig(preprocessing_type=name)
    image = eval_image(reference.jpeg(letter), config).numpy()
    assert image.shape == (config.eval_size, config.eval_size, 3)
    parts = {"grid": image[::7, ::7], "corner": image[:12, :12], "end": image[-12:, -12:]}
    for part, values in parts.items():
        np.testing.assert_allclose(values, expected[f"{name}|{letter}|{part}"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("window", [(10, 20, 300, 400), (0, 0, 100, 90)])
def test_training_crop_equals_the_original(reference, window):
    expected = reference.values("preprocessing")
    key = "traincrop_" + "_".join(map(str, window))
    pixels = tf.io.decode_and_crop_jpeg(
        reference.jpeg("a"), window, channels=3, dct_method="INTEGER_ACCURATE"
    )
    resized = tf1_bilinear_resize(pixels, 224, 224)
    np.testing.assert_allclose(resized[::7, ::7], expected[f"{key}|float"], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(tf.cast(resized, tf.uint8)[::7, ::7], expected[f"{key}|uint8"])


def test_train_image_is_crop_flip_resize_mean(reference):
    config = PreprocessingConfig(image_size=64)
    data = reference.jpeg("b")
    flipped = 0
    for index in range(8):
        seed = example_seed(1, 0, index)
        pixels = decode.decode_and_crop(data, crop.window_chooser(NO_BOXES, seed))
        plain = subtract_mean(tf1_bilinear_resize(pixels, 64, 64)).numpy()
        mirrored = subtract_mean(tf1_bilinear_resize(pixels[:, ::-1], 64, 64)).numpy()
        image = train_image(data, NO_BOXES, seed, config).numpy()
        assert np.array_equal(image, plain) or np.array_equal(image, mirrored)
        flipped += np.array_equal(image, mirrored)
    assert 0 < flipped < 8


def test_boxes_matter_only_where_they_are_asked_for(reference):
    corner = np.float32([[0.9, 0.0, 1.0, 0.1]])
    data, seeds = reference.jpeg("b"), [example_seed(1, 0, index) for index in range(8)]
    for preprocessing_type in ("imagenet", "inception_331"):
        config = PreprocessingConfig(preprocessing_type=preprocessing_type, image_size=64)
        heeding = dataclasses.replace(config, use_bounding_boxes=True)
        free, boxed, unboxed = (
            [train_image(data, boxes, seed, chosen).numpy() for seed in seeds]
            for boxes, chosen in ((corner, config), (corner, heeding), (NO_BOXES, heeding))
        )
        np.testing.assert_array_equal(free, unboxed)
        assert sum(not np.array_equal(a, b) for a, b in zip(free, boxed, strict=True)) > 3


@pytest.mark.parametrize(
    "options",
    [
        {"preprocessing_type": "imagenet"},
        {"preprocessing_type": "imagenet", "autoaugment_type": "imagenet"},
        {"preprocessing_type": "reid", "autoaugment_type": "imagenet"},
        {"preprocessing_type": "inception_331"},
        {"randaugment_num_layers": 2, "randaugment_magnitude": 1.0},
        {"augmix_severity": 3.0},
        {"scale_augmentation": (64, 120), "rotation_degrees": 5.0},
        {"color_augmentation": 0.1},
    ],
    ids=str,
)
def test_same_seed_same_pixels_for_any_number_of_threads(reference, options):
    config = PreprocessingConfig(image_size=64, **options)
    pictures = tf.constant([reference.jpeg(letter) for letter in "abe"])

    def prepare(index):
        return train_image(pictures[index % 3], NO_BOXES, example_seed(9, 1, index), config)

    results = []
    for threads in (1, 8):
        dataset = tf.data.Dataset.range(6).map(prepare, num_parallel_calls=threads)
        assert dataset.element_spec.shape == (config.train_size, config.train_size, 3)
        results.append(np.stack(list(dataset)))
    np.testing.assert_array_equal(results[0], results[1])
    assert len({image.tobytes() for image in results[0]}) == 6
    eager = [prepare(tf.constant(index, tf.int64)) for index in (4, 5)]
    # AugMix is computed in floating point, where a graph may round another way.
    np.testing.assert_allclose(eager, results[0][4:], atol=1e-4 if config.augmix_severity else 0)


def windows(boxes, count, **options):
    shape = tf.constant([375, 500, 3])

    def choose(index):
        return crop.window_chooser(tf.constant(boxes), example_seed(5, 0, index), **options)(shape)

    return next(iter(tf.data.Dataset.range(count).map(choose).batch(count))).numpy()


def test_crop_keeps_area_and_aspect_in_bounds():
    top, left, height, width = windows(NO_BOXES, 400).T
    assert (top >= 0).all() and (top + height <= 375).all()
    assert (left >= 0).all() and (left + width <= 500).all()
    area = height * width / (375 * 500)
    aspect = width / height
    # One pixel of rounding on sides of at least 70.
    assert area.min() > 0.048 and area.max() <= 1
    assert aspect.min() > 0.74 and aspect.max() < 1.35
    assert area.min() < 0.11 and area.max() > 0.85
    assert aspect.min() < 0.80 and aspect.max() > 1.27


def test_crop_without_randomness_of_the_object_holds_the_whole_box():
    box = np.float32([[0.3, 0.4, 0.6, 0.7]])
    chosen = windows(box, 60, random_crop=False)
    inside = (
        (chosen[:, 0] <= 0.3 * 375 + 1)
        & (chosen[:, 1] <= 0.4 * 500 + 1)
        & (chosen[:, 0] + chosen[:, 2] >= 0.6 * 375 - 1)
        & (chosen[:, 1] + chosen[:, 3] >= 0.7 * 500 - 1)
    )
    assert inside.all()
    # With it, most windows cut the box.
    chosen = windows(box, 60)
    assert (chosen[:, 2] < 0.3 * 375).sum() > 0 or (chosen[:, 3] < 0.3 * 500).sum() > 0


def test_boxes_slightly_outside_are_clipped():
    assert windows(np.float32([[-0.01, 0.1, 1.02, 0.9]]), 3).shape == (3, 4)


def test_several_boxes_and_both_seed_types(reference):
    boxes = np.float32([[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]])
    config = PreprocessingConfig(image_size=32)
    short = train_image(reference.jpeg("a"), boxes, tf.constant([1, 2], tf.int32), config)
    long = train_image(reference.jpeg("a"), boxes, tf.constant([1, 2], tf.int64), config)
    assert short.shape == (32, 32, 3)
    np.testing.assert_array_equal(short, long)


def test_png_and_jpeg_in_one_pipeline(reference):
    pixels = tf.io.decode_jpeg(reference.jpeg("a"), dct_method="INTEGER_ACCURATE")
    png = tf.io.encode_png(pixels)
    config = PreprocessingConfig(image_size=64, autoaugment_type="v0")
    data = tf.data.Dataset.from_tensor_slices([png.numpy(), reference.jpeg("a")])
    images = list(data.map(lambda item: train_image(item, NO_BOXES, [1, 2], config)))
    # A window decoded alone lacks the chroma of its neighbours, so a few edge pixels differ.
    assert images[0].shape == (64, 64, 3)
    close = np.isclose(images[0], images[1], atol=2.0).mean()
    assert close > 0.95
    evaluated = list(data.map(lambda item: eval_image(item, config)))
    np.testing.assert_array_equal(evaluated[0], evaluated[1])


def test_grey_and_cmyk_photographs(reference):
    stream = io.BytesIO()
    Image.open(io.BytesIO(reference.jpeg("b"))).convert("CMYK").save(stream, "JPEG")
    config = PreprocessingConfig(image_size=32, autoaugment_type="imagenet")
    for data in (reference.jpeg("e"), stream.getvalue()):
        assert train_image(data, NO_BOXES, [1, 2], config).shape == (32, 32, 3)
        assert eval_image(data, config).shape == (32, 32, 3)


def test_evaluation_inside_a_saved_model(reference, tmp_path):
    config = PreprocessingConfig(preprocessing_type="imagenet_224_256", eval_image_size=64)

    class Server(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, image_bytes):
            return tf.map_fn(
                lambda item: eval_image(item, config), image_bytes, fn_output_signature=tf.float32
            )

    tf.saved_model.save(Server(), str(tmp_path))
    served = tf.saved_model.load(str(tmp_path)).serve(
        tf.constant([reference.jpeg("a"), reference.jpeg("e")])
    )
    np.testing.assert_array_equal(served[1], eval_image(reference.jpeg("e"), config))


def test_training_without_colour_change_has_the_range_of_the_mean(reference):
    image = train_image(reference.jpeg("a"), NO_BOXES, [4, 4], PreprocessingConfig())
    assert tf.reduce_min(image) >= -123.69 and tf.reduce_max(image) <= 255 - 103.94
    config = PreprocessingConfig(preprocessing_type="inception_331")
    image = train_image(reference.jpeg("a"), NO_BOXES, [4, 4], config)
    assert tf.reduce_min(image) >= 0 and tf.reduce_max(image) <= 1


def test_reid_training_takes_both_ways(reference):
    config = PreprocessingConfig(preprocessing_type="reid", image_size=64)
    data = reference.jpeg("a")
    pixels = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")
    squeezed = subtract_mean(tf1_bilinear_resize(pixels, 64, 64)).numpy()
    images = [train_image(data, NO_BOXES, [1, index], config).numpy() for index in range(16)]
    whole = sum(
        np.array_equal(image, squeezed) or np.array_equal(image, squeezed[:, ::-1])
        for image in images
    )
    assert 0 < whole < 16


def test_configurations_are_hashable_and_replaceable():
    config = dataclasses.replace(PreprocessingConfig(), autoaugment_type="good")
    assert len({config, PreprocessingConfig()}) == 2


def test_three_views_of_one_crop(reference):
    encoded, none = tf.constant(reference.jpeg("a")), tf.zeros([0, 4])
    config = PreprocessingConfig(image_size=32, augmix_severity=3.0)
    seed = example_seed(1, 2, 3)
    views = train_views(encoded, none, seed, config).numpy()
    assert views.shape == (3, 32, 32, 3) and views.dtype == np.float32
    # The first is the crop itself; where it lies does not depend on AugMix.
    plain = PreprocessingConfig(image_size=32)
    alone = train_image(encoded, none, seed, plain).numpy()
    np.testing.assert_allclose(views[0], alone, atol=1.0)
    differences = [np.abs(views[i] - views[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert min(differences) > 0.3
    again = train_views(encoded, none, seed, config).numpy()
    np.testing.assert_array_equal(views, again)
    with pytest.raises(ValueError, match="made by AugMix. Received: augmix_severity=0"):
        train_views(encoded, none, seed, plain)
