"""What a configuration leaves open comes from the data, or is refused before anything is built."""

import shutil

import pytest

from nets import ModelConfig
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train.resolve import resolve
from preprocessing import PreprocessingConfig


def config_of(folder, **recipe):
    return RunConfig(
        ModelConfig(resnet_size=18, num_filters=8, num_classes=4),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=8, **recipe),
        DataConfig(str(folder)),
    )


def test_names_of_classes_and_the_conversion_are_part_of_a_run(records):
    data = resolve(config_of(records)).config.data
    assert data.class_names == ("blue", "green", "red", "white")
    assert (data.num_classes, data.num_images) == (4, 40)
    # The photos of a folder are turned upright when they are converted.
    assert data.upright


def test_distillation_without_a_teacher_says_what_is_missing(records):
    with pytest.raises(RunError) as caught:
        resolve(config_of(records, kd_temp=2.0))
    message = str(caught.value)
    assert message.startswith("--kd_temp=2 (distillation) needs a teacher's logits")
    assert "--logits_file_path=DIR" in message and "num_classes" not in message


def test_a_class_cannot_have_the_name_of_another(records, tmp_path):
    shutil.copytree(records, tmp_path / "data")
    (tmp_path / "data/labels.txt").write_text("blue\ngreen\nblue\nwhite\n")
    with pytest.raises(RunError, match="class 'blue' twice, in the lines 1 and 3"):
        resolve(config_of(tmp_path / "data"))
