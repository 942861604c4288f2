"""Mixing in the training step, and evaluation on several views, with a network of one layer."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import preprocessing
from datasets import reader
from nets import ModelConfig
from official import input_pipeline, trainer, views
from official.configuration import DataConfig, RecipeConfig, RunConfig, RunError
from preprocessing import PreprocessingConfig

CLASSES = 4


def make_config(records, augmentation=None, **recipe) -> RunConfig:
    return RunConfig(
        model=ModelConfig(num_classes=CLASSES),
        preprocessing=PreprocessingConfig(image_size=32, **(augmentation or {})),
        recipe=RecipeConfig(batch_size=6, seed=3, **recipe),
        data=DataConfig(
            str(records), num_classes=CLASSES, num_images=40, shuffle_buffer=8, val_batch_size=8
        ),
    )


def linear_network() -> tf.keras.Model:
    """Logits from the mean colour; takes pictures of any size."""
    images = tf.keras.Input([None, None, 3])
    pooled = tf.keras.layers.GlobalAveragePooling2D()(images)
    logits = tf.keras.layers.Dense(CLASSES, kernel_initializer="ones")(pooled)
    network = tf.keras.Model(images, logits)
    weights = np.random.default_rng(1).normal(0, 0.02, [3, CLASSES])
    network.set_weights([weights.astype(np.float32), np.zeros(CLASSES, np.float32)])
    return network


def weights_after(config, records, steps) -> np.ndarray:
    split = reader.find_split(str(records), "train-*")
    model = trainer.Trainer(
        linear_network(), config.recipe, 10, multi_scale=config.preprocessing.multi_scale
    )
    model.compile(optimizer=trainer.make_optimizer(config.recipe, 40))
    dataset = input_pipeline.training_dataset(config, split)
    model.fit(dataset, steps_per_epoch=steps, verbose=0)
    return model.network.get_weights()[0]


@pytest.mark.parametrize(
    "recipe", [{"mixup_type": 1}, {"mixup_type": 2}, {"cutmix_alpha": 1.0}], ids=str
)
def test_mixing_on_the_device_feeds_the_same_batches(records, recipe):
    config = make_config(records, {"randaugment_num_layers": 1}, **recipe)
    there = dataclasses.replace(config.recipe, mixup_on_device=True)
    there = dataclasses.replace(config, recipe=there)
    split = reader.find_split(str(records), "train-*")
    raw, mixed = (
        list(input_pipeline.training_dataset(run, split, start_step=2).take(2))
        for run in (there, config)
    )
    for step, ((images, targets), (expected, labels)) in enumerate(
        zip(raw, mixed, strict=True), start=2
    ):
        assert images.dtype == tf.uint8
        result = preprocessing.mix(
            images, targets["labels"], None, preprocessing.step_seed(3, step), config.recipe.mixing
        )
        assert expected.shape == (6, 32, 32, 3)
        assert expected.dtype == tf.float32
        np.testing.assert_allclose(preprocessing.to_input(result[0]), expected, atol=1e-4)
        np.testing.assert_array_equal(result[1], labels["labels"])


def test_the_training_step_mixes_as_the_pipeline_does(records):
    config = make_config(records, mixup_type=1)
    there = dataclasses.replace(config.recipe, mixup_on_device=True)
    there = dataclasses.replace(config, recipe=there)
    weights = weights_after(config, records, 2)
    np.testing.assert_allclose(weights_after(there, records, 2), weights, rtol=1e-4)
    assert np.abs(weights - linear_network().get_weights()[0]).max() > 1e-3


def test_bytes_train_as_floats_do(records):
    config = make_config(records)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, [6, 32, 32, 3], np.uint8))
    targets = {"labels": tf.eye(6, CLASSES)}
    changed = []
    for pictures in (images, preprocessing.to_input(images)):
        model = trainer.Trainer(linear_network(), config.recipe, 10)
        model.compile(optimizer=trainer.make_optimizer(config.recipe, 40))
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
    with pytest.raises(ValueError, match="--mixup_on_device must be off.*Received: True"):
        RecipeConfig(mixup_on_device=True)
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
    model = trainer.Trainer(network, config.recipe, 1)
    model.compile()
    dataset = input_pipeline.evaluation_dataset(config, split, prepare)
    scores = trainer.summarise(model.evaluate(dataset, verbose=0, return_dict=True))
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
