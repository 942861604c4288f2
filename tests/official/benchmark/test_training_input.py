"""The benchmark of the input: its arithmetic, its photos, and that every stage runs."""

import json

import numpy as np
import pytest
import tensorflow as tf

from datasets.records import reader, schema
from nets import ModelConfig
from official.benchmark import input_report, made_up_photos, training_input
from official.benchmark.training_input import Timing
from official.input import pipeline
from official.run import allocator
from official.run.configuration import DataConfig, RunConfig
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig


def config(on_bad_record: str = "fail", **recipe) -> RunConfig:
    return RunConfig(
        model=ModelConfig(num_classes=4),
        preprocessing=PreprocessingConfig(image_size=16),
        recipe=RecipeConfig(
            **{"batch_size": 4, "mixup_type": 1, "mixup_on_device": False, **recipe}
        ),
        data=DataConfig(
            data_dir="",
            num_classes=made_up_photos.CLASSES,
            shuffle_buffer=8,
            on_bad_record=on_bad_record,
        ),
    )


def test_the_sums_are_right():
    def three(seconds, cpu):
        # The second round is on a machine half as fast, the third has a hiccup of the clock.
        return [Timing(seconds, cpu), Timing(2 * seconds, 2 * cpu), Timing(9 * seconds, cpu)]

    timings = {
        "read": three(0.001, 0.0005),
        "decode": three(0.002, 0.0025),
        "crop": three(0.003, 0.003),
        "batch": three(0.004, 0.004),
        "mix": three(0.005, 0.005),
        "plain": three(0.004, 0.004),
    }
    result = input_report.summarise(timings, config())
    # Medians of the clock are those of the second round: 0.010 s per image.
    assert result["images_per_second_decoded"] == 100.0
    assert result["images_per_second_delivered"] == 50.0
    assert result["plain_images_per_second"] == 125.0
    assert (result["cpu_ms_per_image"], result["plain_cpu_ms_per_image"]) == (5.0, 4.0)
    costs = {name: row["cpu_ms_per_image"] for name, row in result["stages"].items()}
    assert costs == {"read": 0.5, "decode": 2.0, "crop": 0.5, "batch": 1.0, "mix": 1.0}
    shares = [row["share"] for row in result["stages"].values()]
    assert shares == [0.1, 0.4, 0.1, 0.2, 0.2]
    assert result["limit"] == "decode" and result["cores_busy"] == 0.5
    assert result["ratio_to_plain"] == {"cpu": 0.8, "wall": 0.8}
    assert result["ratio_plain_to_decode_crop_resize"] == {"cpu": 0.75, "wall": 0.75}
    lines = list(input_report.table({**result, "threads": 1, "peak_mb": 7.0}))
    assert "limit: decode, 40 % of the CPU time" in lines
    assert "the cores wait: for the disk, or for others who compute on this machine" in lines


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> reader.Split:
    folder = tmp_path_factory.mktemp("made-up")
    mean = made_up_photos.write_photos(str(folder), 24, quality=92, shards=2)
    # Photos of that size and quality have some 40 to 140 KiB.
    assert 40_000 < mean < 140_000
    return reader.find_split(str(folder))


def test_photos_are_of_the_size_of_photos(split):
    assert split.counts == (12, 12)
    sides = []
    for record in reader.read_records(split).as_numpy_iterator():
        example = schema.parse_example(record["serialized"])
        pixels = tf.io.decode_jpeg(example["encoded"]).numpy()
        assert 3 < np.abs(np.diff(pixels.astype(int), axis=0)).mean() < 25
        sides.append(pixels.shape[:2])
    assert all(480 <= max(side) <= 512 and 330 <= min(side) <= 400 for side in sides)
    assert len(set(sides)) > 12


def test_every_stage_runs_in_turn(split):
    run = config()
    timings = training_input.measure(run, split, images=16, rounds=1)
    assert list(timings) == ["plain", "read", "decode", "crop", "batch", "mix"]
    assert {len(runs) for runs in timings.values()} == {1}
    assert all(t.seconds > 0 and t.cpu_seconds > 0 for runs in timings.values() for t in runs)
    result = input_report.summarise(timings, run)
    assert result["bad_records_skipped"] == 0
    json.dumps(result)


def test_mixup_on_the_device_is_no_stage(split):
    run = config(mixup_on_device=True)
    timings = training_input.measure(run, split, images=16, rounds=1)
    assert list(timings) == ["plain", "read", "decode", "crop", "batch"]
    # All that are decoded leave the pipeline, half of them the device's mixup.
    dataset, per_element = training_input.up_to("batch", run, split)
    assert per_element == 8 and dataset.element_spec[0].shape == (8, 16, 16, 3)
    result = input_report.summarise(timings, run)
    delivered = result["images_per_second_decoded"] / result["images_per_second_delivered"]
    assert delivered == pytest.approx(2, rel=0.01)
    seconds = training_input.measure_mixing(run, split, images=16, rounds=1)
    assert seconds > 0
    assert training_input.measure_mixing(config(), split, images=16, rounds=1) is None
    unmixed = config(mixup_type=0, mixup_on_device=True)
    assert training_input.measure_mixing(unmixed, split, images=16, rounds=1) is None
    result["mixing_in_step_ms_per_image"] = 0.25
    lines = list(input_report.table({**result, "threads": 1, "peak_mb": 7.0}))
    (line,) = [line for line in lines if line.startswith("mixup is done in the training step: ")]
    ratio = result["plain_cpu_ms_per_image"] / (result["cpu_ms_per_image"] + 0.25)
    assert "step: 0.250 ms per decoded" in line and f"would be {ratio:.2f} if" in line


def test_bad_records_are_counted(split, tmp_path):
    good = [item["serialized"].numpy() for item in reader.read_records(split).take(6)]
    with tf.io.TFRecordWriter(str(tmp_path / "train-00000-of-00001")) as writer:
        for record in [*good, b"no example", b""]:
            writer.write(record)
    bad, run = reader.find_split(str(tmp_path)), config("skip")
    timings = training_input.measure(run, bad, images=24, rounds=1)
    result = input_report.summarise(timings, run)
    # Of the four batches the first is not timed.
    timed = pipeline.training_dataset(run, bad).skip(1).take(3)
    expected = sum(int(targets["bad_records"].numpy().sum()) for _, targets in timed)
    assert 6 <= expected <= 10
    assert result["bad_records_skipped"] == expected
    lines = list(input_report.table({**result, "threads": 1, "peak_mb": 7.0}))
    assert any(line.startswith("bad records skipped: ") for line in lines)


def test_malloc_can_be_told():
    import platform

    for cores in (None, 2, 64):
        assert allocator.keep_freed_memory(cores) == (platform.libc_ver()[0] == "glibc")
