"""Teachers are fed as they want it, and speak of the student's classes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import official.train
import preprocessing
from datasets.errors import DatasetError
from datasets.inspection.verification import verify
from datasets.records import reader, schema
from nets import ModelConfig
from official import distill, teachers
from official.evaluate import evaluation
from official.export import exporter
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.teachers.loading import of_network
from official.teachers.teacher import Teacher, in_columns
from official.train import teaching
from official.train.resolve import resolve
from preprocessing import PreprocessingConfig

PREPARED = PreprocessingConfig(image_size=32)


@pytest.fixture(scope="module")
def run(records, tmp_path_factory):
    """A run of two steps: a teacher that knows next to nothing, but always the same."""
    folder = tmp_path_factory.mktemp("teacher [1]") / "run"
    config = RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4, bn_momentum=0.8),
        PreprocessingConfig(image_size=40),
        RecipeConfig(batch_size=20, train_epochs=1, base_learning_rate=0.05),
        DataConfig(data_dir=str(records)),
    )
    official.train.run(config, RunOptions(str(folder), keep_freed_memory=False))
    return folder


def teacher_of(num_classes, names=()):
    return Teacher("t", PREPARED, lambda images: images, num_classes, names)


def test_classes_by_name_or_number():
    named = teacher_of(4, ("background", "ant", "bee", "cat"))
    assert named.columns(("cat", "bee"), 2) == (3, 2)
    assert named.columns(("ant", "bee", "cat"), 3) == (1, 2, 3)
    with pytest.raises(RunError, match="other classes than the data: .*only in the data: 'dog'"):
        named.columns(("ant", "dog", "bee", "cat"), 4)
    # ImageNet with and without a background class, of which nobody knows the names.
    assert teacher_of(1000).columns((), 1001)[:3] == (-1, 0, 1)
    assert teacher_of(1001).columns(("a", "b"), 1000)[:3] == (1, 2, 3)
    assert teacher_of(4).columns((), 3, label_offset=1) == (1, 2, 3)
    with pytest.raises(RunError, match="has 4 classes, the data 4 .--teacher_label_offset=1."):
        teacher_of(4).columns((), 4, label_offset=1)
    with pytest.raises(RunError, match="has 10 classes, the data 4; they must be the same, but"):
        teacher_of(10).columns((), 4)


def test_a_class_that_the_teacher_has_not_is_the_least_likely():
    logits = tf.constant([[1.0, -2.0, 5.0]])
    assert in_columns(logits, (0, 1, 2)) is logits
    np.testing.assert_array_equal(in_columns(logits, (-1, 0, 1, 2)), [[-2, 1, -2, 5]])
    np.testing.assert_array_equal(in_columns(logits, (2, 0)), [[5, 1]])


def logits_in(folder, split="validation"):
    """Logits and labels of the records of a split, in order."""
    shards = reader.find_split(str(folder), f"{split}-*")
    rows = [
        schema.parse_example(record["serialized"], num_logits=4)
        for record in reader.read_records(shards)
    ]
    encoded = [row["encoded"].numpy() for row in rows]
    return np.array([row["logits"] for row in rows]), [int(r["label"]) for r in rows], encoded


def test_records_get_logits_and_a_run_goes_on_by_shard(
    run, records, tmp_path, call_command, capsys
):
    out = tmp_path / "with logits [1]"
    arguments = (f"--teacher={run}", f"--data_dir={records}", f"--output_dir={out}")
    call_command(distill, *arguments, "--batch_size=7")
    printed = capsys.readouterr().out
    score = evaluation.evaluate(str(run))["top1"]
    assert f"validation: the teacher's top-1 is {100 * score:.2f} %" in printed
    report = verify(str(out), num_workers=1)
    assert not report.findings
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in records.iterdir()
    )

    logits, labels, encoded = logits_in(out)
    teacher = teachers.load(str(run))
    pictures = [preprocessing.eval_image(image, teacher.preprocessing) for image in encoded]
    assert pictures[0].shape == (40, 40, 3)
    np.testing.assert_allclose(teacher.network(tf.stack(pictures)), logits, rtol=1e-4, atol=1e-5)
    assert np.mean(logits.argmax(-1) == labels) == pytest.approx(score)

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    call_command(distill, *arguments)
    assert "has the logits of this teacher already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "manifest.json").unlink()
    with pytest.raises(RunError, match="holds train-00000-of-00002.* of other data, of another"):
        call_command(distill, *arguments)


def test_a_run_goes_on_with_the_shards_that_are_missing(run, records, tmp_path, call_command):
    """A damaged image ends it; repaired, the shards before it stay as they are."""
    data, out, whole = tmp_path / "data", tmp_path / "out", tmp_path / "whole"
    shutil.copytree(records, data)
    shard = data / "train-00001-of-00002"
    good = shard.read_bytes()
    examples = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(shard))]
    examples[3].features.feature["image/encoded"].bytes_list.value[0] = b"\xff\xd8\xff no image"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    (data / "manifest.json").unlink()

    arguments = (f"--teacher={run}", "--batch_size=7", f"--data_dir={data}")
    with pytest.raises(RunError, match="record 3 of .*/train-00001-of-00002: .*run the same comm"):
        call_command(distill, *arguments, f"--output_dir={out}")
    with pytest.raises(DatasetError, match="has not finished"):
        reader.find_split(str(out), "train-*")
    kept = (out / "train-00000-of-00002").stat().st_mtime_ns
    shard.write_bytes(good)
    shutil.copy(records / "manifest.json", data)
    call_command(distill, *arguments, f"--output_dir={out}")
    assert (out / "train-00000-of-00002").stat().st_mtime_ns == kept
    call_command(distill, *arguments, f"--output_dir={whole}")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in whole.iterdir()
    }


def test_an_exported_model_teaches_the_same_and_one_that_runs_along_too(run, records, tmp_path):
    folder = tmp_path / "export"
    exporter.export(str(run), str(folder), verify=False)
    prepared = [
        preprocessing.eval_image(encoded, PreprocessingConfig(image_size=40))
        for encoded in logits_of_photos(records)
    ]
    images = tf.stack(prepared)
    wanted = teachers.load(str(run)).network(images)
    exported = teachers.load(str(folder))
    np.testing.assert_allclose(exported.network(images), wanted, rtol=1e-4, atol=1e-4)
    assert exported.class_names == ("blue", "green", "red", "white")
    with pytest.raises(RunError, match="was exported for 40 pixels, and takes no others"):
        teachers.load(str(folder), image_size=64)

    # The student sees the same pixels, less another mean.
    config = RunConfig(
        ModelConfig(resnet_size=18, num_filters=4, num_classes=4),
        PreprocessingConfig(image_size=40, channel_means=(100.0, 90.0, 80.0)),
        RecipeConfig(batch_size=4, kd_temp=2.0, teacher=str(run)),
        DataConfig(str(records)),
    )
    says = teaching.beside(resolve(config).config)
    shift = tf.constant(preprocessing.CHANNEL_MEANS) - tf.constant([100.0, 90.0, 80.0])
    np.testing.assert_allclose(says(images + shift), tf.nn.softmax(wanted / 2.0), atol=1e-5)
    smaller = says(tf.image.resize(images + shift, (20, 20), antialias=True))
    assert smaller.shape == (4, 4)


def logits_of_photos(records):
    shards = reader.find_split(str(records), "validation-*")
    return [
        schema.parse_example(record["serialized"])["encoded"]
        for record in reader.read_records(shards).take(4)
    ]


def test_a_saved_model_of_another_program(tmp_path):
    """It wants colours of -1 to 1, and gives probabilities."""

    class Other(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.float32)])
        def __call__(self, pictures):
            return {"scores": tf.nn.softmax(tf.reduce_mean(pictures, axis=(1, 2)))}

    other = Other()
    folder = str(tmp_path / "other")
    tf.saved_model.save(other, folder, signatures=other.__call__)
    with pytest.raises(RunError, match="give --teacher_normalization, one of raw, caffe, tf"):
        teachers.load(folder)
    teacher = teachers.load(folder, normalization="tf")
    assert (teacher.num_classes, teacher.preprocessing.eval_size) == (3, 16)
    pixels = tf.constant([255.0, 127.5, 0.0]) * tf.ones([2, 20, 20, 3])
    found = tf.nn.softmax(teacher.network(teacher.prepare(pixels)))
    np.testing.assert_allclose(found[0], tf.nn.softmax([1.0, 0.0, -1.0]), rtol=1e-5)


def test_a_network_of_keras_brings_its_own_preprocessing(tmp_path):
    make = tf.keras.applications.MobileNetV2
    network = make(weights=None, classifier_activation=None)
    weights = str(tmp_path / "mobile.h5")
    network.save_weights(weights)
    teacher = teachers.load("keras:mobilenetv2", weights)
    assert (teacher.num_classes, teacher.preprocessing.eval_size) == (1000, 224)
    pixels = tf.random.stateless_uniform([1, 224, 224, 3], [1, 2]) * 255.0
    wanted = network(tf.keras.applications.mobilenet_v2.preprocess_input(pixels))
    np.testing.assert_allclose(teacher.network(teacher.prepare(pixels)), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("nobody", {}, "--teacher=nobody is no MODEL_DIR, no SavedModel and no network by name"),
        ("keras:ResNet51", {}, "tf.keras.applications has no ResNet51; it has .*ResNet50,"),
        ("resnet50", {"normalization": "tf"}, "says itself what it wants to see"),
    ],
)
def test_what_is_no_teacher(name, settings, message):
    with pytest.raises(RunError, match=message):
        teachers.load(name, **settings)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"teacher": "x"}, "--teacher must be given with --kd_temp, such as --kd_temp=1"),
        ({"kd_alpha": 0.1}, "--kd_alpha must be given with --kd_temp"),
        ({"kd_temp": 1.0, "kd_alpha": 1.1}, "--kd_alpha must be from 0 to 1. Received: 1.1"),
        ({"teacher_image_size": 64}, "--teacher_image_size must be given with --teacher"),
    ],
)
def test_recipes_of_distillation_that_say_half(settings, message):
    with pytest.raises(ValueError, match=message):
        RecipeConfig(**settings)


def test_a_training_with_a_teacher_beside_it(run, records, tmp_path):
    """A real process: mixed images, the weights of the CUB recipe, gone on with by MODEL_DIR."""
    command = [sys.executable, "-m", "official.train", f"--model_dir={tmp_path / 'run'}"]
    flags = [
        f"--data_dir={records}", f"--teacher={run}", "--kd_temp=10", "--kd_alpha=0.1",
        "--label_smoothing=0.1", "--mixup_type=1", "--resnet_size=18", "--num_filters=4",
        "--image_size=32", "--batch_size=8", "--train_epochs=2", "--max_train_steps=3",
    ]  # fmt: skip
    subprocess.run([*command, *flags], check=True, capture_output=True)
    shutil.copytree(run, tmp_path / "moved")
    done = subprocess.run(
        [*command, f"--teacher={tmp_path / 'moved'}"], capture_output=True, text=True
    )
    assert done.returncode == 1 and "recipe.teacher: " in done.stderr
    subprocess.run([*command, "--max_train_steps=0"], check=True, capture_output=True)
    line = json.loads((tmp_path / "run/training.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 10 and line["kl_kd"] >= 0
    total = 0.1 * line["cross_entropy"] + 0.9 * line["kl_kd"] + line["l2_loss"]
    assert line["loss"] == pytest.approx(total, rel=1e-5)


def test_weights_are_told_apart():
    network = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(2)])
    network.build([None, 2, 2, 3])
    first = of_network("t", network, PREPARED).digest
    network.trainable_variables[1].assign([0.0, 1.0])
    assert of_network("t", network, PREPARED).digest != first
