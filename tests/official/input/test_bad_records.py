"""Training skips records it cannot use, and its count is that of a judge who tries each alone."""

import collections
import dataclasses
import io
import json
import random
import re
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import preprocessing
from datasets.records import reader, schema
from nets import ModelConfig
from official.evaluate import evaluation, scorer
from official.export import exporter
from official.input import bad_records, pipeline, search
from official.input.examples import TrainingExample
from official.run import files, history
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.folder import BAD_RECORDS_LOG, EVALUATION_FILE
from official.run.network import network_for_inference
from official.run.recipe import RecipeConfig
from official.train import step
from official.train.optimizer import make_optimizer
from preprocessing import PreprocessingConfig
from preprocessing.decode import webp_available

CLASSES = 4
MUTANTS = 2200


def encode(encoded, label=1, logits=(0.1,) * CLASSES, boxes=()):
    return schema.encode_example(
        encoded=encoded, height=1, width=1, label=label, image_format="JPEG", filename="f.jpg",
        boxes=boxes, logits=logits,
    )  # fmt: skip


def pictures() -> dict[str, bytes]:
    """Real images of 20 x 24 in the forms that records hold, and some that they should not."""
    rows, columns = np.mgrid[:20, :24]
    pixels = np.stack([rows * 12, columns * 10, (rows * columns) % 256], -1).astype(np.uint8)
    deep = tf.constant(pixels.astype(np.uint16) * 257)
    return {
        "jpeg": tf.io.encode_jpeg(pixels, quality=90).numpy(),
        "progressive": tf.io.encode_jpeg(pixels, progressive=True).numpy(),
        "grey": tf.io.encode_jpeg(pixels[..., :1]).numpy(),
        "png": tf.io.encode_png(pixels).numpy(),
        "16-bit": tf.io.encode_png(deep).numpy(),
        "palette": palette_png(),
    }


def palette_png() -> bytes:
    """A 2 x 2 PNG of 8-bit palette indices: red, green / blue, white."""
    header = struct.pack(">IIBBBBB", 2, 2, 8, 3, 0, 0, 0)
    palette = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    return png(header, (b"PLTE", palette), (b"IDAT", zlib.compress(b"\0\0\1\0\2\3")))


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body
        data += struct.pack(">I", zlib.crc32(kind + body))
    return data


def animated_gif() -> bytes:
    """A GIF of two 1 x 1 frames."""
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + 2 * frame + b"\x3b"


def config(folder, **changes) -> RunConfig:
    recipe = {"batch_size": 10, "seed": 5, **changes.pop("recipe", {})}
    data = {"num_classes": CLASSES, "shuffle_buffer": 64, "on_bad_record": "skip", **changes}
    return RunConfig(
        model=ModelConfig(resnet_size=18, num_classes=CLASSES, num_filters=8),
        preprocessing=PreprocessingConfig(image_size=16),
        recipe=RecipeConfig(**recipe),
        data=DataConfig(data_dir=str(folder), **data),
    )


def write(folder, records, shards=1, split="train") -> reader.Split:
    for shard in range(shards):
        path = str(folder / f"{split}-{shard:05d}-of-{shards:05d}")
        with tf.io.TFRecordWriter(path) as writer:
            for record in records[shard::shards]:
                writer.write(record)
    return reader.find_split(str(folder), f"{split}-*", allow_damage=True)


@pytest.fixture(scope="module")
def base():
    return pictures()


KINDS = {
    # Whether training can use it.
    "whole": True,
    "16-bit PNG becomes 8 bits": True,
    "palette PNG": True,
    "no image": False,
    "text for an image": False,
    "cut JPEG": False,
    "cut PNG": False,
    "JPEG without rows": False,
    "PNG without rows": False,
    "animated GIF": False,
    "label too large": False,
    "no label": False,
    "negative label": False,
    "one logit too few": False,
    "no logits": False,
    "a logit that is no number": False,
    "no Example": False,
    "a cut Example": False,
    "empty record": False,
}


def kind(name: str, base: dict[str, bytes]) -> bytes:
    jpeg = base["jpeg"]
    start = jpeg.index(b"\xff\xc0") + 5  # Rows and columns follow length and depth.
    example = tf.train.Example.FromString(encode(jpeg))
    label = example.features.feature["image/class/label"].int64_list
    if name == "no label":
        del example.features.feature["image/class/label"]
        return example.SerializeToString()
    if name == "negative label":
        label.value[0] = -1
        return example.SerializeToString()
    if name == "no image":
        del example.features.feature["image/encoded"]
        return example.SerializeToString()
    made = {
        "whole": lambda: encode(jpeg),
        "16-bit PNG becomes 8 bits": lambda: encode(base["16-bit"]),
        "palette PNG": lambda: encode(base["palette"]),
        "text for an image": lambda: encode(b"this is a text file, no image"),
        "cut JPEG": lambda: encode(jpeg[: len(jpeg) * 2 // 3]),
        "cut PNG": lambda: encode(base["png"][:90]),
        "JPEG without rows": lambda: encode(jpeg[:start] + b"\0\0" + jpeg[start + 2 :]),
        "PNG without rows": lambda: encode(
            png(struct.pack(">IIBBBBB", 2, 0, 8, 2, 0, 0, 0), (b"IDAT", zlib.compress(b"")))
        ),
        "animated GIF": lambda: encode(animated_gif()),
        "label too large": lambda: encode(jpeg, label=CLASSES),
        "one logit too few": lambda: encode(jpeg, logits=(1.0,) * (CLASSES - 1)),
        "no logits": lambda: encode(jpeg, logits=None),
        "a logit that is no number": lambda: encode(jpeg, logits=(1.0, float("nan"), 0.0, 0.0)),
        "no Example": lambda: b"\xff\xfe no Example at all",
        "a cut Example": lambda: encode(jpeg)[:-9],
        "empty record": lambda: b"",
    }
    return made[name]()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_used_or_skipped_and_named(name, base, tmp_path):
    run = config(tmp_path, recipe={"kd_temp": 1.0})
    record = {"serialized": tf.constant(kind(name, base)), "index": 0, "epoch": 0}
    assert (search.why_bad(record, TrainingExample(run)) == "") == KINDS[name]


def test_one_of_every_kind_in_a_stream(base, tmp_path):
    split = write(tmp_path, [kind(name, base) for name in KINDS])
    run = config(tmp_path, recipe={"kd_temp": 1.0, "batch_size": sum(KINDS.values())})
    # Each pass has as many; the ones behind its last good record fall to the next batch.
    counts = []
    for images, targets in pipeline.training_dataset(run, split).take(40):
        assert images.shape == (3, 16, 16, 3) and targets["teacher"].shape == (3, CLASSES)
        counts.append(int(targets["bad_records"].numpy().sum()))
    bad = len(KINDS) - sum(KINDS.values())
    assert 39 * bad < sum(counts) <= 40 * bad
    strict = dataclasses.replace(run, data=dataclasses.replace(run.data, on_bad_record="fail"))
    with pytest.raises((tf.errors.OpError, UnicodeDecodeError)):
        list(pipeline.training_dataset(strict, split).take(1))


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Damages bytes in one of seven ways."""
    mutant = bytearray(data)
    here = rng.randrange(len(mutant))
    way = rng.randrange(7)
    if way == 0:
        del mutant[here:]
    elif way == 1:
        for _ in range(rng.randint(1, 8)):
            mutant[rng.randrange(len(mutant))] = rng.choice([rng.randrange(256), 255])
    elif way == 2:
        mutant[here] ^= 1 << rng.randrange(8)
    elif way == 3:
        mutant[here : here + 40] = bytes(len(mutant[here : here + 40]))
    elif way == 4:
        del mutant[here : here + rng.randint(1, 60)]
    elif way == 5:
        mutant[here:here] = bytes(rng.choice([rng.randrange(256), 255]) for _ in range(5))
    else:
        other = rng.randrange(len(mutant))
        mutant[here : here + 20] = mutant[other : other + 20]
    return bytes(mutant)


SIDES = [f"image/object/bbox/{side}" for side in ("ymin", "xmin", "ymax", "xmax")]
FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string, ""),
    "image/class/label": tf.io.FixedLenFeature([], tf.int64, -1),
    "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
    **{side: tf.io.VarLenFeature(tf.float32) for side in SIDES},
}


class Judge:
    """Tries one record alone, outside tf.data."""

    def __init__(self, run: RunConfig):
        # Compiled only because 2,000 records one operation at a time take a minute.
        self._parse = tf.function(lambda record: tf.io.parse_single_example(record, FEATURES))
        self._decode = tf.function(lambda encoded: tf.io.decode_jpeg(encoded, channels=3))
        self._picture = tf.function(
            lambda encoded, boxes, epoch, index: preprocessing.train_image(
                encoded,
                boxes,
                preprocessing.example_seed(run.recipe.seed, epoch, index),
                run.preprocessing,
            ),
            input_signature=[
                tf.TensorSpec([], tf.string),
                tf.TensorSpec([None, 4], tf.float32),
                tf.TensorSpec([], tf.int64),
                tf.TensorSpec([], tf.int64),
            ],
        )

    def __call__(self, record: dict) -> np.ndarray | None:
        """Returns the record's image, or None."""
        try:
            example = self._parse(tf.constant(record["serialized"]))
            sides = [example[side].values.numpy() for side in SIDES]
            encoded = example["image/encoded"].numpy()
            if not 0 <= int(example["image/class/label"]) < CLASSES or len(encoded) <= 4:
                return None
            if len({len(side) for side in sides}) > 1:
                return None
            if encoded[:3] == b"\xff\xd8\xff" and encoded[-2:] != b"\xff\xd9":
                self._decode(tf.constant(encoded))
            picture = self._picture(encoded, np.stack(sides, -1), record["epoch"], record["index"])
            return picture.numpy()
        except (tf.errors.OpError, UnicodeDecodeError):
            return None


@pytest.fixture(scope="module")
def mutants(base, tmp_path_factory):
    """2,200 mutated records among 100 good ones, in four shards."""
    rng = random.Random(11)
    names = sorted(base)
    records = [
        encode(base[names[i % len(names)]], boxes=[(0.1, 0.2, 0.8, 0.9)]) for i in range(100)
    ]
    for number in range(MUTANTS):
        picture = base[names[number % len(names)]]
        if number % 3:
            records.append(encode(mutate(rng, picture) or b"x", label=number % 5, logits=None))
        else:
            records.append(mutate(rng, encode(picture, logits=None)))
    rng.shuffle(records)
    folder = tmp_path_factory.mktemp("mutants")
    return write(folder, records, shards=4), config(folder)


def test_fuzz_no_crash_and_an_exact_count(mutants):
    split, run = mutants
    steps, size = 90, run.recipe.batch_size
    stream = reader.training_stream(split, seed=5, shuffle_buffer=64).as_numpy_iterator()
    judge = Judge(run)
    tried = collections.Counter()
    for images, targets in pipeline.training_dataset(run, split).take(steps):
        for image, skipped in zip(images.numpy(), targets["bad_records"].numpy(), strict=True):
            for _ in range(skipped):
                record = next(stream)
                assert judge(record) is None
                tried["bad"] += 1
            record = next(stream)
            np.testing.assert_array_equal(image, judge(record))
            tried["good"] += 1
    assert tried["good"] == steps * size and sum(tried.values()) >= 2000, tried
    assert tried["bad"] > 500, tried


def test_a_run_that_stopped_goes_on_at_its_place(mutants):
    split, run = mutants
    whole = list(pipeline.training_dataset(run, split).take(9))
    skipped = sum(int(targets["bad_records"].numpy().sum()) for _, targets in whole[:5])
    assert skipped > 10
    resumed = list(pipeline.training_dataset(run, split, 5, skipped).take(4))
    for (images, targets), (images_2, targets_2) in zip(whole[5:], resumed, strict=True):
        np.testing.assert_array_equal(images, images_2)
        for name in targets:
            np.testing.assert_array_equal(targets[name], targets_2[name])


def make_model(run: RunConfig) -> step.Trainer:
    layers = [tf.keras.layers.Flatten(), tf.keras.layers.Dense(CLASSES)]
    network = tf.keras.Sequential(layers)
    network.build([None, 16, 16, 3])
    model = step.Trainer(network, run.recipe, total_steps=10)
    model.compile(optimizer=make_optimizer(run.recipe, num_images=100))
    return model


def train(run, split, folder, step, steps, epochs=2):
    watcher = bad_records.SkippedRecords(str(folder), run, split, split, step)
    data = pipeline.training_dataset(run, split, step, watcher.total)
    model = make_model(run)
    model.optimizer.iterations.assign(step)
    history = model.fit(data, epochs=epochs, steps_per_epoch=steps, verbose=0, callbacks=[watcher])
    return history.history["bad_records"], watcher.total


def test_training_prints_and_writes_the_count_of_each_epoch(mutants, tmp_path, capsys):
    split, run = mutants
    run = dataclasses.replace(run, data=dataclasses.replace(run.data, max_bad_records=5000.0))
    batches = [
        int(targets["bad_records"].numpy().sum())
        for _, targets in pipeline.training_dataset(run, split).take(8)
    ]
    counts, total = train(run, split, tmp_path, step=0, steps=3)
    assert counts == [sum(batches[:3]), sum(batches[3:6])] and total == sum(batches[:6])
    printed = capsys.readouterr().err
    for epoch, count in enumerate(counts):
        assert (
            f"epoch {epoch + 1}: {int(count)} bad records skipped (the run stops above 5000)"
            in (printed)
        )
    path = tmp_path / BAD_RECORDS_LOG
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["step"], line["new"]) for line in lines] == [
        (step + 1, count) for step, count in enumerate(batches[:6]) if count
    ]
    # Going on at step 4: what was written after it is forgotten, and counted again; so is a line
    # that a crash tore.
    with path.open("a") as file:
        file.write('{"step": 7, "ne')
    assert bad_records.total_until(str(tmp_path), 4) == sum(batches[:4])
    counts, total = train(run, split, tmp_path, step=4, steps=2)
    assert counts == [sum(batches[4:6]), sum(batches[6:8])] and total == sum(batches)


def test_too_many_end_the_run_by_name(mutants, tmp_path):
    split, run = mutants
    # A share below 1: 0.02 of 2,300.
    run = dataclasses.replace(run, data=dataclasses.replace(run.data, max_bad_records=0.02))
    with pytest.raises(RunError, match=r"more than the 46 that --max_bad_records") as error:
        train(run, split, tmp_path, step=0, steps=200)
    assert str(error.value).count(f"of {split.files[0]}: ") == 3


def test_an_offset_makes_no_label_of_a_missing_one(base, tmp_path):
    names = ["no label", "negative label", "whole"]
    split = write(tmp_path, [kind(name, base) for name in names])
    run = config(tmp_path)
    run = dataclasses.replace(run, data=dataclasses.replace(run.data, label_offset=1))
    reasons = [
        search.why_bad({**record, "epoch": tf.constant(0, tf.int64)}, TrainingExample(run))
        for record in reader.read_records(split)
    ]
    assert [bool(reason) for reason in reasons] == [True, True, False]


@pytest.fixture
def third(base, tmp_path):
    """40 of 120 records are bad: every third."""
    names = ["whole", "whole", "no image"]
    records = [kind(names[number % 3], base) for number in range(120)]
    return write(tmp_path, records, shards=2), config(tmp_path, on_bad_record="skip")


def test_the_limit_is_one_of_records_that_were_read(third, tmp_path):
    split, run = third
    size = run.recipe.batch_size
    assert 120 % size == 0

    def limited(share):
        data = dataclasses.replace(run.data, max_bad_records=share)
        return dataclasses.replace(run, data=data)

    # An epoch of 120 good records reads 180, of which 60 are bad: a third, as of one pass.
    counts, _ = train(limited(0.4), split, tmp_path, step=0, steps=120 // size)
    assert counts[0] > 50
    with pytest.raises(RunError, match="more than the"):
        train(limited(0.2), split, tmp_path, step=0, steps=120 // size)


def test_an_interrupted_epoch_goes_on_counting(third, tmp_path, capsys):
    split, run = third
    run = dataclasses.replace(run, data=dataclasses.replace(run.data, max_bad_records=100.0))
    steps = 120 // run.recipe.batch_size

    def printed(folder, *stretches):
        folder.mkdir()
        for start, end in zip(stretches[:-1], stretches[1:], strict=True):
            train(run, split, folder, start, end - start, epochs=1)
        return capsys.readouterr().err.splitlines()[-1]

    whole = printed(tmp_path / "whole", 0, steps)
    assert re.match(r"epoch 1: \d+ bad records skipped", whole)
    assert printed(tmp_path / "resumed", 0, steps // 3, steps) == whole


@pytest.mark.parametrize(
    "limit, records, allowed",
    [(None, 10, 5), (None, 1000, 100), (None, 1_281_167, 12811), (0.5, 7, 3), (20.0, 7, 20)],
)
def test_limits(limit, records, allowed):
    assert DataConfig(data_dir="", max_bad_records=limit).bad_record_limit(records) == allowed
    with pytest.raises(ValueError, match="max_bad_records"):
        DataConfig(data_dir="", max_bad_records=-1.0)
    with pytest.raises(ValueError, match="on_bad_record.*'ignore'"):
        DataConfig(data_dir="", on_bad_record="ignore")


@pytest.mark.parametrize("good", [0, 1])
def test_a_score_of_almost_nothing_is_refused(good, base, tmp_path):
    records = [kind("whole", base)] * good + [kind("no image", base)] * (10 - good)
    split = write(tmp_path, records, split="validation")
    run = config(tmp_path, on_bad_val_record="skip", val_batch_size=4)
    message = f"{10 - good} of 10 validation records are bad and were not scored, more than the 5 "
    with pytest.raises(RunError, match=message):
        evaluation.score(make_model(run), run, split)
    training = write(tmp_path, [kind("whole", base)] * 12)
    watcher = bad_records.SkippedRecords(str(tmp_path), run, training, split, 0)
    with pytest.raises(RunError, match=message):
        make_model(run).fit(
            pipeline.training_dataset(run, training),
            steps_per_epoch=1,
            validation_data=pipeline.evaluation_dataset(run, split),
            verbose=0,
            callbacks=[watcher],
        )


def test_a_score_says_how_many_pictures_it_counts(base, tmp_path):
    # Teacher logits do not matter here.
    usable = [name for name in KINDS if KINDS[name] or "logit" in name]
    split = write(tmp_path, [kind(name, base) for name in KINDS], split="validation")
    run = config(tmp_path, on_bad_val_record="skip", val_batch_size=4, max_bad_records=20.0)
    scores, _ = evaluation.score(make_model(run), run, split)
    assert (scores["images"], scores["bad_records"]) == (len(usable), len(KINDS) - len(usable))
    # What is kept of each image is of the image that the report shows at that place.
    model = scorer.Scorer(make_model(run).network, answers=split.num_examples)
    model.compile()
    evaluation.score(model, run, split)
    answers, shown = model.answers.result().numpy(), list(pipeline.photos(run, split))
    assert len(shown) == len(usable) and not answers[len(usable) :].any()
    for (encoded, label, _), row in zip(shown, answers, strict=False):
        image = preprocessing.eval_image(encoded, run.preprocessing)[tf.newaxis]
        shares = tf.nn.softmax(model.network(image))[0].numpy()
        assert (int(label), shares.argmax()) == tuple(row[:2])
        np.testing.assert_allclose(row[3], shares.max(), rtol=1e-5)
    run = config(tmp_path, on_bad_val_record="fail", val_batch_size=4)
    with pytest.raises((tf.errors.OpError, UnicodeDecodeError)):
        evaluation.score(make_model(run), run, split)


@pytest.mark.parametrize("name", ["no image", "text for an image", "no Example", "label too large"])
def test_where_none_may_be_skipped_the_record_is_named(name, base, tmp_path):
    records = [kind("whole", base)] * 6 + [kind(name, base)] + [kind("whole", base)] * 5
    split = write(tmp_path, records, shards=2)
    run = config(tmp_path, on_bad_record="fail", on_bad_val_record="fail")
    place = f"record 3 of {split.files[0]}: .*Repair the data.*{{}}=skip"
    with pytest.raises(RunError, match=place.format("--on_bad_record")) as error:
        with search.named(run, split, None):
            list(pipeline.training_dataset(run, split).take(2))
    assert ("f.jpg" in str(error.value)) == (name in ("no image", "label too large"))
    with pytest.raises(RunError, match=place.format("--on_bad_val_record")):
        with search.named(run, None, split):
            list(pipeline.evaluation_dataset(run, split))


def test_data_of_which_nothing_is_good_is_explained(base, tmp_path):
    split = write(tmp_path, [kind("text for an image", base)] * 2 + [kind("no image", base)] * 3)
    run = config(tmp_path, on_bad_record="skip")
    with pytest.raises(RunError, match="almost no record can be used. The first bad") as error:
        with search.named(run, split, None):
            list(pipeline.training_dataset(run, split).take(1))
    places = [f"record {number} of {split.files[0]}: " for number in range(4)]
    assert [place in str(error.value) for place in places] == [True, True, True, False]


def test_other_errors_keep_their_words(base, tmp_path):
    split = write(tmp_path, [kind("whole", base), kind("no image", base)])
    run = config(tmp_path, on_bad_record="skip", on_bad_val_record="fail")
    for error in (
        tf.errors.ResourceExhaustedError(None, None, "no memory"),
        tf.errors.InvalidArgumentError(None, None, "a matrix of another size"),
    ):
        with pytest.raises(type(error), match=error.message):
            with search.named(run, split, None):
                raise error


def test_an_export_leaves_out_what_the_evaluation_left_out(base, tmp_path, capsys):
    records = [kind(name, base) for name in KINDS] + [kind("whole", base)] * 5
    write(tmp_path, records, shards=2, split="validation")
    # The checksum of the last whole image of the second shard.
    path = tmp_path / "validation-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    usable = sum(bool(KINDS[name]) or "logit" in name for name in KINDS) + 4
    folder = str(tmp_path / "model")
    run = config(tmp_path, on_bad_val_record="skip", val_batch_size=4, max_bad_records=20.0)
    history.write(folder, run)
    network = network_for_inference(run.model)
    tf.train.Checkpoint(network=network).save(f"{folder}/model.ckpt")
    # What a mean over ten crops scored says nothing about single views: they are scored anew.
    ten = {"checkpoint": "model.ckpt-1", "views": "ten crops", "data_dir": str(tmp_path)}
    files.write_json(f"{folder}/{EVALUATION_FILE}", ten)
    exporter.export(folder, str(tmp_path / "out"))
    out = capsys.readouterr().out
    assert f" of {usable} raw images right" in out
    assert f"; {len(records) - usable} bad records left out; logits within" in out


def test_records_of_other_formats_need_their_decoder(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    data = {}
    for form in ("BMP", "WEBP"):
        output = io.BytesIO()
        PIL.Image.fromarray(pixels).save(output, form)
        data[form] = encode(output.getvalue())
    split = write(tmp_path, list(data.values()))
    any_of_them = PreprocessingConfig(image_size=16, decoder="any")
    reasons = {}
    for name, run in (
        ("jpeg", config(tmp_path)),
        ("any", dataclasses.replace(config(tmp_path), preprocessing=any_of_them)),
    ):
        reasons[name] = [
            search.why_bad({**record, "epoch": tf.constant(0, tf.int64)}, TrainingExample(run))
            for record in reader.read_records(split)
        ]
    assert all(reasons["jpeg"]) and not reasons["any"][0]
    assert reasons["jpeg"][1].endswith("WebP images need --decoder_type=webp or any")
    if not webp_available():
        assert "tensorflow-io" in reasons["any"][1]


def test_a_bad_record_far_behind_is_named(base, tmp_path):
    split = write(tmp_path, [kind("whole", base)] * 2600 + [kind("text for an image", base)])
    run = config(tmp_path, on_bad_record="fail")
    error = tf.errors.InvalidArgumentError(None, None, "Unknown image file format")
    with pytest.raises(RunError, match=f"^record 2600 of {split.files[0]}: Unknown image file"):
        with search.named(run, split, None):
            raise error
    # One second too late from the start on.
    assert search.find_bad(split, TrainingExample(run), 1, seconds=-1.0) == ([], 1)


def test_where_no_record_is_found_the_error_says_how_to_find_out(base, tmp_path):
    split = write(tmp_path, [kind("whole", base)] * 3)
    run = config(tmp_path, on_bad_record="fail")
    with pytest.raises(RunError) as error:
        with search.named(run, split, None):
            raise tf.errors.DataLossError(None, None, "corrupted record at 7")
    assert str(error.value) == (
        f"the data could not be read: corrupted record at 7; no bad record among 3 of 3 in "
        f"{tmp_path} (`python -m datasets.verify {tmp_path}` names what is wrong)."
    )


def test_changed_data_costs_one_record(base, tmp_path):
    split = write(tmp_path, [kind("whole", base)] * 40, shards=4)
    path = tmp_path / "train-00001-of-00004"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    run = config(tmp_path, recipe={"batch_size": 39})
    found = [
        int(targets["bad_records"].numpy().sum())
        for _, targets in pipeline.training_dataset(run, split).take(2)
    ]
    assert found == [1, 1]
    assert search.find_bad(split, TrainingExample(run), 3) == (
        [f"record 0 of {path}: cannot be read: the file is damaged here or before"],
        40,
    )
