import json
import re

import pytest

from preprocessing import PreprocessingConfig


@pytest.mark.parametrize(
    ("name", "train_size", "eval_size", "shorter"),
    [
        ("imagenet", 192, 192, 219),
        ("imagenet_224_256", 224, 256, 292),
        ("imagenet_224_256a", 224, 256, 257),
        ("imagenet_331", 331, 331, 378),
        ("imagenet_331a", 331, 331, 332),
        ("imagenet_96", 96, 96, 109),
        ("reid", 192, 219, None),
        ("reid_224", 192, 192, None),
        ("inception_331", 331, 331, None),
        ("inception_600", 600, 600, None),
    ],
)
def test_sizes(name, train_size, eval_size, shorter):
    config = PreprocessingConfig(preprocessing_type=name, image_size=192)
    assert config.train_size == train_size
    assert config.eval_size == eval_size
    if shorter:
        assert config.eval_shorter_side == shorter


def test_eval_image_size_overrides():
    config = PreprocessingConfig(preprocessing_type="imagenet_224_256a", eval_image_size=320)
    assert (config.train_size, config.eval_size, config.eval_shorter_side) == (224, 320, 321)


@pytest.mark.parametrize(
    ("fields", "shorter"),
    [
        # timm: floor(224 / 0.95), floor(256 / 0.95), 288 / 1.
        ({"crop_share": 0.95, "interpolation": "bicubic"}, 235),
        ({"crop_share": 0.95, "interpolation": "bicubic", "image_size": 256}, 269),
        ({"crop_share": 1.0, "interpolation": "bicubic", "eval_image_size": 288}, 288),
        # A pixel more: TensorFlow 1's arithmetic may lose one.
        ({"crop_share": 1.0}, 225),
    ],
)
def test_the_share_of_the_crop(fields, shorter):
    assert PreprocessingConfig(**fields).eval_shorter_side == shorter


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"preprocessing_type": "imagenet_224a", "crop_share": 0.9}, "crop_share must be left"),
        ({"preprocessing_type": "reid_224", "interpolation": "bicubic"}, "interpolation must be"),
        ({"preprocessing_type": "inception_331", "channel_means": (1, 2, 3)}, "channel_means must"),
    ],
)
def test_what_a_type_takes_no_notice_of_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        PreprocessingConfig(**fields)


@pytest.mark.parametrize(
    "name",
    ["imagenet_224_320", "imagenet_SIZE", "imagenet_", "imagenet_224b", "inception_299", "", "vgg"],
)
def test_refused_types(name):
    with pytest.raises(ValueError, match="imagenet_SIZEa.*inception_600.*Received") as error:
        PreprocessingConfig(preprocessing_type=name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("autoaugment_type", "np_imagenet"),
        ("dct_method", "FAST"),
        ("decoder", "tiff"),
        ("image_size", 0),
        ("image_size", 224.0),
        ("eval_image_size", -1),
        ("training_random_crop", "no"),
        ("use_bounding_boxes", 1),
        ("randaugment_num_layers", 2.0),
        ("augmix_depth", -1.0),
        ("augmix_alpha", float("inf")),
        ("randaugment_num_layers", -1),
        ("randaugment_magnitude", 10.5),
        ("augmix_severity", 0.05),
        ("augmix_width", 0),
        ("augmix_depth", 0),
        ("augmix_alpha", 0),
        ("channel_means", (0.485, 0.456)),
        ("channel_means", (300, 0, 0)),
        ("crop_share", 1.5),
        ("interpolation", "nearest"),
        ("rotation_degrees", -5),
        ("color_augmentation", -0.1),
        ("rotation_degrees", "5"),
        ("scale_augmentation", "256"),
        ("multi_scale", 224),
    ],
)
def test_refused_values(field, value):
    with pytest.raises(ValueError, match=f"{field}.*Received: {re.escape(f'{field}={value!r}')}"):
        PreprocessingConfig(**{field: value})


def test_refused_combinations():
    with pytest.raises(ValueError, match="imagenet and reid types"):
        PreprocessingConfig(preprocessing_type="inception_331", autoaugment_type="imagenet")
    with pytest.raises(ValueError, match="256.*image_size=288"):
        PreprocessingConfig(preprocessing_type="reid", image_size=288)


def test_only_one_augmentation():
    with pytest.raises(ValueError, match="autoaugment_type='v0', randaugment_num_layers=2"):
        PreprocessingConfig(autoaugment_type="v0", randaugment_num_layers=2)
    with pytest.raises(ValueError, match="imagenet and reid.*inception_600', rotation_degrees=5"):
        PreprocessingConfig(preprocessing_type="inception_600", rotation_degrees=5)
    with pytest.raises(ValueError, match="Scale augmentation.*'reid'"):
        PreprocessingConfig(preprocessing_type="reid", scale_augmentation=(256, 480))
    for bounds in ((224,), (200, 480), (480, 256)):
        with pytest.raises(ValueError, match="not below the training size of 224"):
            PreprocessingConfig(scale_augmentation=bounds)


def test_dictionary_round_trip():
    config = PreprocessingConfig(
        preprocessing_type="imagenet_160",
        autoaugment_type="good",
        scale_augmentation=(192, 256),
        multi_scale=(128, 160),
    )
    stored = json.loads(json.dumps(config.to_dict()))
    assert PreprocessingConfig.from_dict(stored) == config
    assert PreprocessingConfig.from_dict({}) == PreprocessingConfig()
    with pytest.raises(ValueError, match="autoaugment'.*autoaugment_type"):
        PreprocessingConfig.from_dict({"autoaugment": "v0"})
