import json

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
    ],
)
def test_refused_values(field, value):
    with pytest.raises(ValueError, match=f"{field}.*Received: {field}={value!r}"):
        PreprocessingConfig(**{field: value})


def test_refused_combinations():
    with pytest.raises(ValueError, match="imagenet and reid types only"):
        PreprocessingConfig(preprocessing_type="inception_331", autoaugment_type="imagenet")
    with pytest.raises(ValueError, match="256.*image_size=288"):
        PreprocessingConfig(preprocessing_type="reid", image_size=288)


def test_dictionary_round_trip():
    config = PreprocessingConfig(preprocessing_type="imagenet_160", autoaugment_type="good")
    stored = json.loads(json.dumps(config.to_dict()))
    assert PreprocessingConfig.from_dict(stored) == config
    assert PreprocessingConfig.from_dict({}) == PreprocessingConfig()
    with pytest.raises(ValueError, match="autoaugment'.*autoaugment_type"):
        PreprocessingConfig.from_dict({"autoaugment": "v0"})
