"""The command lines as a user types them: train, resume, evaluate, export, benchmark, predict."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import official
import preprocessing
from datasets.conversion import command
from official.evaluate import evaluation
from official.export import serving
from official.report import report
from official.run.errors import RunError

ROOT = pathlib.Path(__file__).parent.parent.parent
TINY = [
    "--resnet_size=18", "--num_filters=8", "--image_size=32", "--batch_size=8", "--seed=3",
    "--bn_momentum=0.8", "--base_learning_rate=0.05", "--learning_rate_decay_type=cosine",
    "--weight_decay=1e-4", "--label_smoothing=0.1", "--mixup_type=1",
]  # fmt: skip


def start(module, *arguments, **options):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def run(module, *arguments, status=0, **options):
    process = start(module, *arguments, **options)
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, f"{module} {arguments}\n{out}\n{err}"
    return out, err


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """A run of 6 epochs of 5 steps."""
    folder = tmp_path_factory.mktemp("run") / "model"
    _, err = run(
        "official.train", f"--data_dir={records}", f"--model_dir={folder}", *TINY,
        "--train_epochs=6", "--epochs_between_evals=2", "--train_regex=train-*",
    )  # fmt: skip
    assert "epoch 6/6" in err and "images/s" in err and "left" in err
    assert "TensorFlow Addons" not in err and "oneDNN" not in err, err
    return folder


@pytest.fixture(scope="module")
def exported(trained, records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    run("official.evaluate", f"--model_dir={trained}")
    out, _ = run("official.export", f"--model_dir={trained}", f"--export_dir={folder}")
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert f"verified: {evaluation['correct_top1']} of 20 raw images right" in out
    return folder


def test_training_leaves_its_records(trained):
    lines = [json.loads(line) for line in (trained / "training.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15, 20, 25, 30]
    assert ["validation" in line for line in lines] == [False, True] * 3
    assert lines[-1]["validation"]["images"] == 20
    assert lines[-1]["cross_entropy"] < lines[0]["cross_entropy"]
    # Plain colours are easy; chance is 0.25.
    assert lines[-1]["validation"]["top1"] >= 0.5
    saved = json.loads((trained / "config.json").read_text())
    assert saved["model"]["resnet_size"] == 18 and saved["recipe"]["mixup_type"] == 1
    assert {"tensorflow", "git_revision"} <= set(saved["versions"])
    points = {"train": {}, "validation": {}}
    for path in trained.glob("logs/*/events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                place = points[path.parent.name].setdefault(value.tag, {})
                place[event.step] = float(tf.make_ndarray(value.tensor))
    # One axis, the updates, and the same tags; epochs count from 1 as everywhere.
    assert points["train"]["epoch"] == {5 * epoch: epoch for epoch in range(1, 7)}
    scored = {line["step"]: line["validation"] for line in lines if "validation" in line}
    for tag in ("top1", "top5", "cross_entropy", "ece"):
        wanted = {step: pytest.approx(scores[tag]) for step, scores in scored.items()}
        assert points["validation"][tag] == wanted
    assert points["train"]["cross_entropy"] == {
        line["step"]: pytest.approx(line["cross_entropy"]) for line in lines
    }
    rates = points["train"]["images_per_second"]
    assert set(rates) <= {5, 10, 15, 20, 25, 30} and len(rates) >= 5


def test_a_command_that_saves_nothing_ends_with_one_line(trained):
    process = start("official.evaluate", f"--model_dir={trained}")
    # It says which checkpoint it takes, and then makes a graph.
    said = process.stderr.readline()
    assert "model.ckpt-30" in said
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143 and err.splitlines()[-1] == "stopped by SIGTERM", err
    assert "Traceback" not in err and not (trained / "evaluation.json").exists()


def test_evaluation_is_written(exported, trained):
    scores = json.loads((trained / "evaluation.json").read_text())
    assert scores["images"] == 20 and scores["step"] == 30
    assert scores["top1"] == scores["correct_top1"] / 20
    assert scores["top5"] == 1.0 and 0 <= scores["ece"] <= 1
    last = json.loads((trained / "training.jsonl").read_text().splitlines()[-1])["validation"]
    assert scores["correct_top1"] == last["correct_top1"]


def test_evaluation_leaves_a_report(exported, trained):
    """Its numbers are those of the score, and the model card's."""
    found = json.loads((trained / "report/report.json").read_text())
    scores = json.loads((trained / "evaluation.json").read_text())
    assert found["evaluation"] == scores
    counts = [(true == answer, count) for true, answer, count in found["confusion"]]
    assert sum(count for right, count in counts if right) == scores["correct_top1"]
    assert [one["images"] for one in found["classes"]] == [5] * 4
    bins = [one for one in found["reliability"] if one["images"]]
    error = sum(one["images"] * abs(one["confidence"] - one["accuracy"]) for one in bins) / 20
    assert error == pytest.approx(scores["ece"], abs=1e-5)
    assert len(found["photos"]["worst"]) == 20 - scores["correct_top1"]
    for one in found["photos"]["worst"]:
        assert one["answer"] != one["true"] and one["name"].split("/")[-2] == one["true"]
    lines = [one["line"] for one in found["commands"]]
    assert lines[0].startswith("python -m official.train --data_dir=")
    assert lines[-1] == f"python -m official.evaluate --model_dir={trained}"
    assert found["classes"][3]["name"] in (trained / "report/report.html").read_text()
    assert PIL.Image.open(trained / "report/report.png").width == 1400
    card = (exported / "1/model_card.md").read_text()
    low, high = found["intervals"]["top1"]
    assert (
        f"* top-1: {100 * scores['top1']:.2f} % ({scores['correct_top1']} right; 95 % interval "
        in card
    )
    assert f"{100 * low:.2f} to {100 * high:.2f} %" in card
    blue = found["classes"][0]
    assert f"| 0 | blue | 5 | {100 * blue['recall']:.2f} % |" in card
    assert f"{found['network']['parameters']:,}" in card and "--num_filters=8" in card
    assert "123.68, 116.78, 103.94 are subtracted" in card and "--mixup_type=1" in card
    assert "* train: 40 images, at least 10 and at most 10 of a class" in card and "sha256" in card


def test_a_report_that_fails_leaves_the_score(trained, exported, tmp_path):
    (tmp_path / "file").write_text("x")
    out, err = run(
        "official.evaluate", f"--model_dir={trained}", f"--report_dir={tmp_path / 'file'}", status=1
    )
    assert "top-1" in out and err.splitlines()[-1].startswith("error: the report could not be")
    assert "Traceback" not in err and (tmp_path / "file").read_text() == "x"


def test_signatures(exported, photos):
    loaded = tf.saved_model.load(str(exported / "1"))
    serve, prepared = loaded.signatures["serving_default"], loaded.signatures["images"]
    assert serve.structured_input_signature[1]["image_bytes"].shape.as_list() == [None]
    assert prepared.structured_input_signature[1]["images"].shape.as_list() == [None, None, None, 3]
    encoded = [path.read_bytes() for path in sorted((photos / "validation").glob("*/*.jpg"))[:3]]
    from_bytes = serve(image_bytes=tf.constant(encoded))
    from_images = prepared(images=tf.zeros([2, 32, 32, 3]))
    assert from_bytes.pop("status").numpy().tolist() == [0, 0, 0]
    for outputs, count in ((from_bytes, 3), (from_images, 2)):
        shapes = {name: (value.dtype, value.shape.as_list()) for name, value in outputs.items()}
        assert shapes == {
            "classes": (tf.int64, [count]),
            "probabilities": (tf.float32, [count, 4]),
            "logits": (tf.float32, [count, 4]),
            "embedding": (tf.float32, [count, 64]),
        }
    np.testing.assert_allclose(tf.reduce_sum(from_bytes["probabilities"], 1), 1.0, rtol=1e-5)
    # The network is built for one size: another is an error, not an answer.
    for shape in ([2, 64, 64, 3], [2, 32, 31, 3], [2, 32, 32, 4], [32, 32, 3], [0, 32, 32, 3]):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[N, 32, 32, 3\]|32,32,3\]"):
            prepared(images=tf.zeros(shape))
    assert (exported / "1/assets/labels.txt").read_text().split() == [
        "blue", "green", "red", "white",
    ]  # fmt: skip


def test_a_fresh_process_without_this_program_gives_the_same_logits(exported, trained, photos):
    """The folded model in the SavedModel, against the run's own network."""
    photo = photos / "validation/green/001.jpg"
    code = f"""
import tensorflow as tf
served = tf.saved_model.load({str(exported / "1")!r}).signatures["serving_default"]
image = tf.io.read_file({str(photo)!r})
print(*served(image_bytes=tf.stack([image] * 3))["logits"].numpy()[2])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    network = official.load(trained)
    image = preprocessing.eval_image(tf.constant(photo.read_bytes()), network.preprocessing)
    logits = [float(word) for word in result.stdout.split()]
    np.testing.assert_allclose(logits, network(image[tf.newaxis])[0], rtol=1e-4, atol=1e-4)
    assert network.class_names == ["blue", "green", "red", "white"]


def test_a_run_is_scored_on_some_of_its_classes_in_another_order(
    exported, trained, photos, tmp_path, capsys
):
    """`White` comes first among the records' labels, `blue` is missing."""
    for split in ("train", "validation"):
        shutil.copytree(photos / split, tmp_path / "photos" / split)
        shutil.rmtree(tmp_path / "photos" / split / "blue")
        (tmp_path / "photos" / split / "white").rename(tmp_path / "photos" / split / "White")
    data = tmp_path / "data"
    arguments = ["image_folder", f"--raw_dir={tmp_path / 'photos'}", f"--output_dir={data}"]
    assert command.main([*arguments, "--train_shards=1", "--validation_shards=1"]) == 0
    assert (data / "labels.txt").read_text().split() == ["White", "green", "red"]
    served = serving.Served(str(exported))
    images = sorted((tmp_path / "photos/validation").glob("*/*.jpg"))
    answers = served.signature("serving_default")(
        image_bytes=tf.constant([path.read_bytes() for path in images])
    )["classes"].numpy()
    right = [
        served.class_names[answer] == path.parent.name.lower()
        for path, answer in zip(images, answers, strict=True)
    ]
    found = evaluation.evaluate(str(trained), str(data))
    assert (found["images"], found["correct_top1"]) == (15, sum(right)) and sum(right) > 0
    assert "3 of the run's 4, label 0 is class 3 (white)" in capsys.readouterr().err
    (data / "labels.txt").write_text("White\ngreen\nteal\n")
    with pytest.raises(RunError, match="only in the data: 'White', 'teal'"):
        evaluation.evaluate(str(trained), str(data))
    # Without names labels are taken as they are; a class that never occurs at the end is a sign.
    (data / "labels.txt").unlink()
    with pytest.raises(RunError, match="give --label_offset=1; if the labels are right"):
        evaluation.evaluate(str(trained), str(data))


def test_a_report_shows_one_checkpoint(exported, trained, tmp_path):
    finished = report.load("_$$日本$", str(trained))
    assert "model.ckpt-30" in report.table([finished], [])
    report.draw(str(tmp_path / "picture.png"), [finished], str(exported))
    assert PIL.Image.open(tmp_path / "picture.png").height > 900
    other = {**finished.evaluation, "checkpoint": "model.ckpt-25"}
    with pytest.raises(RunError, match="is model.ckpt-30, but the scores in .* model.ckpt-25"):
        report.draw(str(tmp_path / "b.png"), [finished._replace(evaluation=other)], str(exported))


def test_an_export_that_scores_differently_is_refused(exported, trained, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(trained, model)
    scores = json.loads((model / "evaluation.json").read_text())
    scores["correct_top1"] = 0
    (model / "evaluation.json").write_text(json.dumps(scores))
    _, err = run(
        "official.export", f"--model_dir={model}", f"--export_dir={tmp_path / 'out'}", status=1
    )
    assert "Nothing was exported" in err and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_benchmark_prints_json(exported):
    out, _ = run(
        "official.benchmark", f"--saved_model={exported}", "--batch_size=4,1", "--seconds=0"
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["batch_size"] for line in lines] == [4, 1]
    for line in lines:
        assert line["calls"] >= 30 and line["image_size"] == 32 and line["dtype"] == "float32"
        assert line["tf32"] == "off" and line["milliseconds_low"] <= line["milliseconds_high"]
        assert line["latency_ms_p50"] <= line["latency_ms_p90"] <= line["latency_ms_p99"]
        # The rate is the images of a call over the median time of a call.
        expected = 1000 * line["batch_size"] / line["latency_ms_p50"]
        assert line["images_per_second"] == pytest.approx(expected, rel=1e-2)


def test_predict_names_the_class_and_the_bad_file(exported, photos, tmp_path):
    bad = tmp_path / "notes.jpg"
    bad.write_text("no image")
    photo = photos / "validation/red/000.jpg"
    folder = tmp_path / "my photos [1] 日本"
    (folder / "below").mkdir(parents=True)
    (folder / "notes.txt").write_text("no image, and no name of one")
    picture = PIL.Image.open(photo)
    for name in ("a.bmp", "b.webp", "c.tif"):
        picture.save(folder / name)
    # The bytes say what it is, and the tag that it lies on its side.
    exif = PIL.Image.Exif()
    exif[274] = 6
    picture.save(folder / "below/no ending", "jpeg", exif=exif.tobytes())
    out, err = run(
        "official.predict", f"--saved_model={exported}", photo, bad, folder, tmp_path / "missing",
        "https://there.org/a.jpg", status=1, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    probabilities = (
        serving.Served(str(exported))
        .signature("serving_default")(image_bytes=tf.constant([photo.read_bytes()]))[
            "probabilities"
        ]
        .numpy()[0]
    )
    # labels.txt has the classes in the order of their names.
    names = sorted(folder.name for folder in (photos / "validation").iterdir())
    expected = [
        f"  {100 * probabilities[k]:6.2f} %  {names[k]}" for k in np.argsort(-probabilities)
    ]
    lines = out.splitlines()
    assert lines[:5] == [str(photo), *expected] and len(expected) == 4
    assert lines[5].endswith("\\u65e5\\u672c/below/no ending") and len(lines) == 10
    assert f"error: {bad}: cannot be decoded: it is no image" in err and "Traceback" not in err
    any_type = "exported for jpeg images: export the run again with --export_decoder_type=any, or"
    assert f"a.bmp: is BMP; this model was {any_type}" in err
    assert f"b.webp: is WebP; this model was {any_type}" in err
    assert "c.tif: is TIFF; this model was exported for jpeg images: save it as JPEG or PNG" in err
    assert f"{tmp_path / 'missing'}: no such file" in err and "download it first" in err
    assert "note: 1 files in" in err and "1 of 2 photos were turned upright" in err
    assert "error: 6 of 8 images could not be classified" in err


@pytest.mark.parametrize(
    "module, arguments, message",
    [
        ("train", ["--data_dir=MISSING", "--model_dir=NEW", *TINY], "MISSING"),
        ("train", ["--data_dir=DATA", "--model_dir=NEW", "--autoaugment_type=mnist"], "'mnist'"),
        ("train", ["--data_dir=DATA", "--model_dir=NEW", "--batch_size=41"], "40 training"),
        ("train", ["--data_dir=DATA", "--model_dir=NEW", "--num_classes=7"], "7.*4"),
        ("train", ["--data_dir=DATA", "--model_dir=NEW", "--val_regex=test-*"], "test-"),
        ("train", ["--data_dir=DATA", "--model_dir=NEW", "--num_gpus=9"], "num_gpus=9"),
        ("train", ["--data_dir=DATA", "--model_dir=RUN", *TINY, "--num_filters=16"], "num_filters"),
        ("evaluate", ["--model_dir=NEW"], "config.json does not exist"),
        ("benchmark", ["--saved_model=NEW"], "no SavedModel"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_error(module, arguments, message, trained, records, tmp_path):
    import re

    places = {"NEW": str(tmp_path / "new"), "DATA": str(records), "RUN": str(trained)}
    for word, place in places.items():
        arguments = [argument.replace(f"={word}", f"={place}") for argument in arguments]
    _, err = run(f"official.{module}", *arguments, status=1)
    assert re.search(message, err), err
    assert "error: " in err and "Traceback" not in err
    assert not list(tmp_path.rglob("model.ckpt*"))


def little_room(size):
    """Returns what lets a program write no file above `size` bytes, as on a full disk."""

    def limit():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_full_disk_keeps_the_checkpoint_before(records, trained, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(trained, folder)
    size = (folder / "model.ckpt-30.data-00000-of-00001").stat().st_size
    for path in folder.glob("model.ckpt-30*"):
        path.unlink()
    state = (folder / "checkpoint").read_text().replace("model.ckpt-30", "model.ckpt-25")
    (folder / "checkpoint").write_text(state)
    before = sorted(path.name for path in folder.glob("model.ckpt*"))
    assert "model.ckpt-25.index" in before

    arguments = ["--train_epochs=6", "--epochs_between_evals=2", "--train_regex=train-*"]
    _, err = run(
        "official.train", f"--data_dir={records}", f"--model_dir={folder}", *TINY, *arguments,
        status=1, preexec_fn=little_room(size // 2),
    )  # fmt: skip
    assert "resuming" in err and "could not be written" in err and "model.ckpt-25" in err, err
    assert "Traceback" not in err, err
    assert sorted(path.name for path in folder.glob("model.ckpt*")) == before
    assert tf.train.latest_checkpoint(str(folder)).endswith("model.ckpt-25")


def test_a_full_disk_leaves_no_export(exported, trained, tmp_path):
    size = (exported / "1/variables/variables.data-00000-of-00001").stat().st_size
    _, err = run(
        "official.export", f"--model_dir={trained}", f"--export_dir={tmp_path}",
        status=1, preexec_fn=little_room(size // 2),
    )  # fmt: skip
    assert "disk is full" in err and "Traceback" not in err, err
    assert list(tmp_path.iterdir()) == []


def test_two_devices_train_as_one(tmp_path):
    """Gradients of two replicas add up to those of the whole batch."""
    code = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from official.run.recipe import RecipeConfig
from official.train.optimizer import make_optimizer
from official.train.step import Trainer
from preprocessing import draw_mixing, mixing_order
images = np.random.RandomState(0).normal(size=(8, 4, 4, 3)).astype("float32")
labels = np.eye(3, dtype="float32")[np.arange(8) % 3]
def train(devices, mixup_type):
    with tf.distribute.MirroredStrategy(devices).scope():
        tf.keras.utils.set_random_seed(1)
        network = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(3)])
        network.build([None, 4, 4, 3])
        settings = {"learning_rate_decay_type": "fixed"}
        if mixup_type == 1:
            settings |= {"optimizer": "adamw", "decay_biases": False}
        if mixup_type == 2:
            settings = {"optimizer": "lars", "learning_rate_decay_type": "one_cycle"}
        recipe = RecipeConfig(batch_size=8, base_learning_rate=0.1, weight_decay=0.01,
                              label_smoothing=0.1, mixup_type=mixup_type, clip_norm=0.5,
                              ema_decay=0.9, **settings, accumulation_steps=4 // len(devices))
        averaged = tf.keras.models.clone_model(network)
        averaged.set_weights(network.get_weights())
        model = Trainer(network, recipe, 3, averaged=averaged)
        model.compile(optimizer=make_optimizer(recipe, 8, network))
    batch = images, {"labels": labels}
    if mixup_type:
        # As the input pipeline does it for several devices.
        drawn = draw_mixing([1, 2], 8, 4, 4, recipe.mixing)
        order = mixing_order(8, len(devices), recipe.mixing)
        batch = images, {"labels": labels, "mixing": drawn}
        batch = tf.nest.map_structure(lambda rows: tf.gather(rows, order), batch)
    data = tf.data.Dataset.from_tensors(batch).repeat()
    log = model.fit(data, steps_per_epoch=3, verbose=0).history
    return [w.numpy() for w in network.weights + averaged.weights], log["loss"][0]
for mixup_type in (0, 1, 2):
    one, loss_one = train(["CPU:0"], mixup_type)
    two, loss_two = train(["CPU:0", "CPU:1"], mixup_type)
    for a, b in zip(one, two):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loss_one, loss_two, rtol=1e-5)
    assert np.abs(one[0]).max() > 0
import nets
from official.evaluate.scorer import Scorer
answers = []
# The last batch leaves the second device without an image.
images = images[:7]
for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    with tf.distribute.MirroredStrategy(devices).scope():
        tf.keras.utils.set_random_seed(1)
        tiny = nets.ModelConfig(resnet_size=18, num_filters=4, num_classes=3)
        model = Scorer(nets.build_model(tiny, (4, 4, 3)), answers=7)
        model.compile()
    batch = images, (np.arange(7) % 3, np.arange(7)[::-1].astype("int64"))
    model.evaluate(tf.data.Dataset.from_tensor_slices(batch).batch(3), verbose=0)
    answers.append(model.answers.result().numpy())
assert answers[0][:, 0].tolist() == [0, 2, 1, 0, 2, 1, 0], answers[0]
np.testing.assert_allclose(*answers, rtol=1e-5)
from official.teachers import records
from official.teachers.teacher import Teacher
from preprocessing import PreprocessingConfig
kernel = np.random.RandomState(1).normal(size=(48, 3)).astype("float32")
teacher = Teacher("t", PreprocessingConfig(),
                  lambda pictures: tf.reshape(pictures, [-1, 48]) @ kernel, 3)
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
ask = records.asking(teacher, (0, 1, 2), two, batch_size=5)
# Five, and then two for both: some of a device's share is padding.
found = np.concatenate([ask(tf.constant(images[:5])), ask(tf.constant(images[5:]))])
np.testing.assert_allclose(found, images.reshape([-1, 48]) @ kernel, rtol=1e-5)
print("equal")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.stdout.strip() == "equal", result.stderr
