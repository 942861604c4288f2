"""What a configuration leaves open comes from the data, or is refused before anything is built."""

import dataclasses
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


def test_the_momentum_of_batch_norm_follows_from_steps_or_epochs(records):
    """40 images in batches of 2 and 1 are 20 and 40 steps an epoch; 20 epochs are 400 of 2."""
    for batch, auto, wanted in ((2, False, 1 - 10 / 400), (2, True, 0.9), (1, True, 1 - 10 / 40)):
        config = config_of(records, train_epochs=20, auto_bn_momentum=auto)
        recipe = dataclasses.replace(config.recipe, batch_size=batch)
        model = dataclasses.replace(config.model, bn_momentum=0.0)
        found = resolve(dataclasses.replace(config, recipe=recipe, model=model))
        assert found.config.model.bn_momentum == pytest.approx(max(0.9, wanted), abs=1e-4)


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
