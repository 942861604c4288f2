"""The same seed feeds the same pixels; every record is scored once; wrong labels stop the run."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets.records import reader, schema
from nets import ModelConfig
from official.input import mixing, pipeline
from official.input.examples import TrainingExample
from official.run.configuration import DataConfig, RunConfig
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig


@pytest.fixture(scope="module")
def textured(tmp_path_factory):
    """40 images in 5 shards of which no two places are alike: every crop and flip shows."""
    folder = tmp_path_factory.mktemp("textured")
    random = np.random.default_rng(4)
    for shard in range(5):
        with tf.io.TFRecordWriter(str(folder / f"train-{shard:05d}-of-00005")) as writer:
            for number in range(8):
                pixels = random.integers(0, 256, (48, 40, 3), dtype=np.uint8)
                record = schema.encode_example(
                    encoded=tf.io.encode_jpeg(pixels, quality=95).numpy(),
                    height=48,
                    width=40,
                    label=number % 4,
                    image_format="JPEG",
                    filename=f"{shard}/{number}",
                )
                writer.write(record)
    return folder


def config(records, **recipe) -> RunConfig:
    threads = recipe.pop("private_threads", 0)
    return RunConfig(
        model=ModelConfig(resnet_size=18, num_classes=4),
        preprocessing=PreprocessingConfig(image_size=32, autoaugment_type="imagenet"),
        recipe=RecipeConfig(batch_size=8, seed=5, **recipe),
        data=DataConfig(
            data_dir=str(records),
            num_classes=4,
            num_images=40,
            shuffle_buffer=16,
            val_batch_size=16,
            private_threads=threads,
        ),
    )


def batches(run, records, steps, start_step=0):
    split = reader.find_split(str(records), "train-*")
    found = []
    for images, targets in pipeline.training_dataset(run, split, start_step).take(steps):
        if run.recipe.mixing.active:
            # As the training step does.
            images, targets = mixing.mix_batch(images, targets, run.recipe, one_by_one=True)
        found.append((images.numpy(), targets["labels"].numpy()))
    return found


@pytest.mark.parametrize(
    "recipe", [{}, {"mixup_type": 1}, {"mixup_type": 2}, {"cutmix_alpha": 1.0}], ids=str
)
def test_batches_are_the_same_with_any_threads_and_after_a_restart(textured, recipe):
    records = textured
    first = batches(config(records, **recipe, private_threads=1), records, 7)
    second = batches(config(records, **recipe, private_threads=8), records, 7)
    # In the middle of the first or, with type 1, of the second pass.
    resumed = batches(config(records, **recipe), records, 3, start_step=4)
    for (images, labels), (images_2, labels_2) in zip(first, second, strict=True):
        np.testing.assert_array_equal(images, images_2)
        np.testing.assert_array_equal(labels, labels_2)
    for (images, labels), (images_2, labels_2) in zip(first[4:], resumed, strict=True):
        np.testing.assert_array_equal(images, images_2)
        np.testing.assert_array_equal(labels, labels_2)
    images, labels = first[0]
    assert images.shape == (8, 32, 32, 3) and images.dtype == np.float32
    assert labels.shape == (8, 4)
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, rtol=1e-6)
    mixed = ((labels > 0) & (labels < 1)).any()
    assert mixed == bool(recipe)


@pytest.mark.parametrize(
    "augmentation",
    [
        {"autoaugment_type": "imagenet"},
        {"randaugment_num_layers": 2, "randaugment_magnitude": 6.0},
        {"augmix_severity": 3.0},
    ],
    ids=lambda augmentation: next(iter(augmentation)),
)
def test_a_picture_is_the_same_in_any_order_of_reading(textured, augmentation):
    """As two hosts read: files one by one or in turn, another buffer, other threads."""
    preprocessing = PreprocessingConfig(image_size=32, **augmentation)
    run = dataclasses.replace(config(textured), preprocessing=preprocessing)
    split = reader.find_split(str(textured), "train-*")

    def pictures(stream, threads):
        def prepare(record):
            return record["epoch"], record["index"], TrainingExample(run)(record)

        found = stream.take(80).map(prepare, num_parallel_calls=threads, deterministic=False)
        return {(int(e), int(i)): image.numpy() for e, i, (image, _) in found}

    one = pictures(reader.training_stream(split, seed=5, shuffle_buffer=16), 1)
    shared = reader.shared_stream(split, seed=8, shuffle_buffer=3, passes=2, cycle_length=1)
    other = pictures(shared, 4)
    assert sorted(one) == sorted(other) == [(e, i) for e in range(2) for i in range(40)]
    for place, image in one.items():
        np.testing.assert_array_equal(image, other[place], err_msg=str(place))
    # Small images are all grey after some translations.
    assert sum(np.array_equal(one[0, i], one[1, i]) for i in range(40)) < 10


def test_another_seed_feeds_other_pixels(records):
    run = config(records)
    other = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, seed=6))
    assert np.abs(batches(run, records, 1)[0][0] - batches(other, records, 1)[0][0]).max() > 1


def test_an_epoch_without_mixup_holds_every_label_once(records):
    labels = np.concatenate([labels for _, labels in batches(config(records), records, 5)])
    np.testing.assert_array_equal(labels.sum(axis=0), [10, 10, 10, 10])


def test_evaluation_scores_every_picture_once(records):
    split = reader.find_split(str(records), "validation-*")
    dataset = pipeline.evaluation_dataset(config(records), split)
    sizes, labels = zip(*[(len(i), y.numpy()) for i, y in dataset], strict=True)
    assert sizes == (16, 4)
    np.testing.assert_array_equal(np.bincount(np.concatenate(labels)), [5, 5, 5, 5])


def test_a_label_out_of_range_is_named(records):
    run = config(records)
    run = dataclasses.replace(run, data=dataclasses.replace(run.data, num_classes=3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="label out of range.*3.*white"):
        batches(run, records, 6)
