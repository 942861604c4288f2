"""Mixing in the training step, and evaluation on several views, with a network of one layer."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import preprocessing
from datasets.records import reader
from nets import ModelConfig
from official.evaluate import scorer, views
from official.input import mixing, pipeline
from official.run import configuration
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.train import step
from official.train.optimizer import make_optimizer
from preprocessing import PreprocessingConfig

CLASSES = 4


def make_config(records, augmentation=None, **recipe) -> RunConfig:
    return RunConfig(
        model=ModelConfig(num_classes=CLASSES),
        preprocessing=PreprocessingConfig(image_size=32, **(augmentation or {})),
        recipe=RecipeConfig(batch_size=6, seed=3, **recipe),
        data=DataConfig(
            str(records),
            num_classes=CLASSES,
            num_images=40,
            shuffle_buffer=8,
            val_batch_size=8,
            on_bad_record="skip",
        ),
    )


def linear_network() -> tf.keras.Model:
    """Logits from the mean colour; takes images of any size."""
    images = tf.keras.Input([None, None, 3])
    pooled = tf.keras.layers.GlobalAveragePooling2D()(images)
    logits = tf.keras.layers.Dense(CLASSES, kernel_initializer="ones")(pooled)
    network = tf.keras.Model(images, logits)
    weights = np.random.default_rng(1).normal(0, 0.02, [3, CLASSES])
    network.set_weights([weights.astype(np.float32), np.zeros(CLASSES, np.float32)])
    return network


def weights_after(config, records, steps) -> np.ndarray:
    split = reader.find_split(str(records), "train-*")
    model = step.Trainer(
        linear_network(), config.recipe, 10, multi_scale=config.preprocessing.multi_scale
    )
    model.compile(optimizer=make_optimizer(config.recipe, 40))
    dataset = pipeline.training_dataset(config, split)
    model.fit(dataset, steps_per_epoch=steps, verbose=0)
    return model.network.get_weights()[0]


def in_the_pipeline(config: RunConfig) -> RunConfig:
    return dataclasses.replace(
        config, recipe=dataclasses.replace(config.recipe, mixup_on_device=False)
    )


@pytest.mark.parametrize(
    "recipe", [{"mixup_type": 1}, {"mixup_type": 2}, {"cutmix_alpha": 1.0}], ids=str
)
def test_mixing_on_the_device_feeds_the_same_batches(records, recipe):
    config = make_config(records, {"randaugment_num_layers": 1}, **recipe)
    split = reader.find_split(str(records), "train-*")
    raw, mixed = (
        list(pipeline.training_dataset(run, split, start_step=2).take(2))
        for run in (config, in_the_pipeline(config))
    )
    for (images, targets), (expected, labels) in zip(raw, mixed, strict=True):
        assert images.dtype == tf.uint8
        # One row of everything per image: a strategy splits them alike.
        assert {len(values) for values in targets.values()} == {len(images)}
        assert expected.shape == (6, 32, 32, 3) and expected.dtype == tf.float32
        for one_by_one in (True, False):
            result = mixing.mix_batch(images, targets, config.recipe, one_by_one)
            # Weights of bytes may differ by their last bit where all go together.
            np.testing.assert_allclose(result[0], expected, atol=0 if one_by_one else 1e-4)
            assert set(result[1]) == set(labels) == {"labels", "bad_records"}
            for name, values in labels.items():
                np.testing.assert_array_equal(result[1][name], values)


def test_two_devices_mix_what_one_would(records):
    config = make_config(records, {"randaugment_num_layers": 1}, mixup_type=1)
    split = reader.find_split(str(records), "train-*")
    (images, targets), *_ = pipeline.training_dataset(config, split, replicas=2).take(1)
    parts = []
    for rows in (slice(6), slice(6, None)):
        part = {name: values[rows] for name, values in targets.items()}
        parts.append(mixing.mix_batch(images[rows], part, config.recipe, True))
    (expected, labels), *_ = pipeline.training_dataset(in_the_pipeline(config), split).take(1)
    np.testing.assert_array_equal(tf.concat([part[0] for part in parts], axis=0), expected)
    found = tf.concat([part[1]["labels"] for part in parts], axis=0)
    np.testing.assert_array_equal(found, labels["labels"])


def test_what_devices_cannot_mix_by_themselves_is_mixed_before(records):
    config = make_config(records, cutmix_alpha=1.0)
    assert mixing.mixes_on_device(config.recipe, 1)
    assert not mixing.mixes_on_device(config.recipe, 2)
    assert not mixing.mixes_on_device(RecipeConfig(), 1)
    split = reader.find_split(str(records), "train-*")
    there, here = (
        list(pipeline.training_dataset(run, split, replicas=2).take(1))
        for run in (config, in_the_pipeline(config))
    )
    assert set(there[0][1]) == {"labels", "bad_records"}
    np.testing.assert_array_equal(there[0][0], here[0][0])
    assert mixing.describe(config.recipe, 1) == "CutMix on the device"
    assert mixing.describe(config.recipe, 2) == "CutMix in the input pipeline"
    assert mixing.describe(RecipeConfig(mixup_type=2), 4) == "mixup 2 on the device"
    assert mixing.describe(RecipeConfig(), 4) == ""


@pytest.mark.parametrize("kind", [1, 2])
def test_the_training_step_mixes_as_the_pipeline_does(records, kind):
    config = make_config(records, mixup_type=kind)
    weights = weights_after(in_the_pipeline(config), records, 2)
    np.testing.assert_array_equal(weights_after(config, records, 2), weights)
    assert np.abs(weights - linear_network().get_weights()[0]).max() > 1e-3


def test_a_run_may_go_on_with_mixing_elsewhere(records):
    config = make_config(records, mixup_type=1)
    assert configuration.differences(in_the_pipeline(config), config) == []
    other = make_config(records, mixup_type=2)
    assert configuration.differences(config, other) == ["recipe.mixup_type: 1 -> 2"]


def test_bytes_train_as_floats_do(records):
    config = make_config(records)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, [6, 32, 32, 3], np.uint8))
    targets = {"labels": tf.eye(6, CLASSES)}
    changed = []
    for pictures in (images, preprocessing.to_input(images)):
        model = step.Trainer(linear_network(), config.recipe, 10)
        model.compile(optimizer=make_optimizer(config.recipe, 40))
        model.fit(tf.data.Dataset.from_tensors((pictures, targets)), verbose=0)
        changed.append(model.network.get_weights()[0])
    np.testing.assert_allclose(changed[0], changed[1], rtol=1e-5)
    assert np.abs(changed[0] - linear_network().get_weights()[0]).max() > 1e-3


def test_multi_scale_resizes_each_batch(records):
    plain = make_config(records)
    scaled = make_config(records, {"multi_scale": (16, 24)})
    # The mean colour hardly depends on the size, but it does.
    weights = weights_after(plain, records, 2)
    other = weights_after(scaled, records, 2)
    np.testing.assert_allclose(other, weights, atol=0.2)
    assert np.abs(other - weights).max() > 1e-6


def test_refused_recipes():
    with pytest.raises(ValueError, match="exclude each other"):
        RecipeConfig(mixup_type=1, cutmix_alpha=1.0)
    with pytest.raises(ValueError, match="--cutmix_alpha.*Received: -1"):
        RecipeConfig(cutmix_alpha=-1)
    with pytest.raises(ValueError, match="--batch_size must be at least 2 where"):
        RecipeConfig(batch_size=1, mixup_type=2)


def test_probabilities_are_averaged():
    table = np.float32([[[0, 0], [np.log(3), 0]], [[0, 50], [0, 0]]])

    def network(images, training):
        return images[:, 0, 0, :2]

    images = tf.constant(table)[:, :, tf.newaxis, tf.newaxis, :]
    # Means of (1/2, 1/2) and (3/4, 1/4); of (0, 1) and (1/2, 1/2).
    expected = [[0.625, 0.375], [0.25, 0.75]]
    together = tf.nn.softmax(views.logits(network, images))
    np.testing.assert_allclose(together, expected, atol=1e-6)
    apart = views.logits(network, (images[:, 0], images[:, 1]))
    np.testing.assert_allclose(tf.exp(apart), expected, atol=1e-6)
    np.testing.assert_array_equal(views.logits(network, images[:, 1]), table[:, 1])


@pytest.mark.parametrize("options", [{"ten_crop": True}, {"test_scales": (32, 48)}], ids=str)
def test_scores_over_views(records, options):
    config = make_config(records)
    if "test_scales" in options:
        data = dataclasses.replace(config.data, val_batch_size=1)
        config = dataclasses.replace(config, data=data)
    split = reader.find_split(str(records), "validation-*")
    prepare = views.choose(config.preprocessing, **options)
    network = linear_network()
    model = step.Trainer(network, config.recipe, 1)
    model.compile()
    dataset = pipeline.evaluation_dataset(config, split, prepare)
    scores = scorer.summarise(model.evaluate(dataset, verbose=0, return_dict=True))
    entropy, right = [], 0
    for images, labels in dataset.unbatch():
        several = images if isinstance(images, tuple) else tf.unstack(images)
        assert len(several) == (10 if "ten_crop" in options else 2)
        logits = tf.concat([network(view[tf.newaxis]) for view in several], axis=0)
        mean = tf.nn.softmax(logits).numpy().mean(0)
        entropy.append(-np.log(mean[int(labels)]))
        right += int(mean.argmax() == int(labels))
    assert scores["images"] == len(entropy) == 20
    assert scores["correct_top1"] == right
    np.testing.assert_allclose(scores["cross_entropy"], np.mean(entropy), rtol=1e-4)


def test_refused_views():
    config = PreprocessingConfig()
    with pytest.raises(RunError, match="exclude each other.*224,256"):
        views.choose(config, ten_crop=True, test_scales=(224, 256))
    with pytest.raises(RunError, match="inception_331"):
        views.choose(PreprocessingConfig(preprocessing_type="inception_331"), ten_crop=True)
    for values in (["224", "x"], ["8"]):
        with pytest.raises(RunError, match=f"--test_scales.*Received: {','.join(values)}"):
            views.scales(values)
    assert views.scales(["224", "256"]) == (224, 256)
