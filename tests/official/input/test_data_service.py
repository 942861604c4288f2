"""A dispatcher and two workers on this machine compute every image of an epoch exactly once."""

import gc
import re
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from datasets.records import reader, schema
from nets import ModelConfig
from official.input import data_service, pipeline, search
from official.run import errors
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

NUM = 50
SHARDS = (9, 1, 14, 0, 12, 14)


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> reader.Split:
    """50 images in 6 uneven shards; the label of each is its number."""
    folder = tmp_path_factory.mktemp("numbered")
    random = np.random.default_rng(3)
    label = 0
    for shard, count in enumerate(SHARDS):
        path = str(folder / f"train-{shard:05d}-of-{len(SHARDS):05d}")
        with tf.io.TFRecordWriter(path) as writer:
            for _ in range(count):
                pixels = random.integers(0, 256, (24, 20, 3), dtype=np.uint8)
                example = schema.encode_example(
                    encoded=tf.io.encode_jpeg(pixels).numpy(),
                    height=24,
                    width=20,
                    label=label,
                    image_format="JPEG",
                    filename=f"{label}.jpg",
                )
                writer.write(example)
                label += 1
    return reader.find_split(str(folder))


@pytest.fixture(scope="module")
def address():
    """A service of two workers."""
    dispatcher = data_service.start_dispatcher(0)
    place = dispatcher.target.removeprefix("grpc://")
    workers = [data_service.start_worker(place, host="localhost") for _ in range(2)]
    yield place
    gc.collect()  # Iterators say goodbye to their service, and wait for a minute if it is gone.
    del workers, dispatcher


def config(address="", **recipe) -> RunConfig:
    return RunConfig(
        model=ModelConfig(resnet_size=18, num_classes=NUM),
        preprocessing=PreprocessingConfig(image_size=16),
        recipe=RecipeConfig(batch_size=8, seed=5, **recipe),
        data=DataConfig(
            data_dir="",
            num_classes=NUM,
            num_images=NUM,
            shuffle_buffer=10,
            on_bad_record="skip",
            data_service=address,
        ),
    )


def by_label(batches) -> dict[int, list[np.ndarray]]:
    found: dict[int, list[np.ndarray]] = {}
    for images, targets in batches:
        for image, label in zip(images.numpy(), targets["labels"].numpy(), strict=True):
            found.setdefault(int(label.argmax()), []).append(image)
    return found


def test_two_workers_read_every_picture_of_an_epoch_once(split, address):
    run = config(address)
    once = pipeline.served_batches(run, split, 0, passes=1)
    found = by_label(data_service.distribute(once, address))
    assert sorted(found) == list(range(NUM))
    assert {len(images) for images in found.values()} == {1}
    # Whoever computes it, an image has the pixels that one process gives it in that epoch.
    whole = by_label(pipeline.training_dataset(config(), split).take(6))
    assert len(whole) == 48
    for label, (image,) in whole.items():
        np.testing.assert_array_equal(image, found[label][0])


def test_three_epochs_hold_every_picture_three_times_differently(split, address):
    served = pipeline.served_batches(config(address), split, 0, passes=3)
    found = by_label(data_service.distribute(served, address))
    assert {label: len(images) for label, images in found.items()} == dict.fromkeys(range(NUM), 3)
    differing = [np.abs(a - b).max() > 1 and np.abs(b - c).max() > 1 for a, b, c in found.values()]
    assert np.mean(differing) > 0.9


def test_training_reads_from_the_service_and_mixes(split, address):
    raw = pipeline.training_dataset(config(address, mixup_type=1), split).element_spec
    assert raw[0].shape == (16, 16, 16, 3) and raw[1]["mixing"].shape == (16,)
    run = config(address, mixup_type=1, mixup_on_device=False)
    dataset = pipeline.training_dataset(run, split, 3)
    spec = dataset.element_spec
    assert spec[0].shape == (8, 16, 16, 3) and spec[1]["labels"].shape == (8, NUM)
    for images, targets in dataset.take(4):
        assert images.shape == (8, 16, 16, 3) and np.isfinite(images.numpy()).all()
        np.testing.assert_allclose(targets["labels"].numpy().sum(1), 1.0, rtol=1e-6)
        assert targets["bad_records"].shape == (8,) and not targets["bad_records"].numpy().any()


def test_a_service_that_is_not_there_is_named(split):
    for wrong in ("host7", "host7:port", ":5050", "a/b:1"):
        with pytest.raises(RunError, match="must be HOST:PORT"):
            pipeline.training_dataset(config(wrong), split)
    with pytest.raises(RunError, match="no tf.data service answers at localhost:1 "):
        pipeline.training_dataset(config("localhost:1"), split)


def test_a_worker_is_no_dispatcher(split):
    dispatcher = data_service.start_dispatcher(0)
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    address = dispatcher.target.removeprefix("grpc://")
    worker = data_service.start_worker(address, port, host="localhost")
    wrong = f"=localhost:{port} is no dispatcher of a tf.data service, but something else, such"
    with pytest.raises(RunError, match=f"^--data_service{wrong}"):
        pipeline.training_dataset(config(f"grpc://localhost:{port}"), split)
    with pytest.raises(RunError, match=f"^--dispatcher{wrong}"):
        data_service.start_worker(f"localhost:{port}", host="localhost")
    del worker, dispatcher


def test_data_of_which_nothing_is_good_is_explained_as_without_a_service(tmp_path, address):
    path = str(tmp_path / "train-00000-of-00001")
    with tf.io.TFRecordWriter(path) as writer:
        for _ in range(NUM):
            example = schema.encode_example(
                encoded=b"a text file", height=1, width=1, label=0, image_format="JPEG", filename=""
            )
            writer.write(example)
    bad, run = reader.find_split(str(tmp_path)), config(address)
    with pytest.raises(RunError) as error, search.named(run, bad, None):
        list(pipeline.training_dataset(run, bad).take(1))
    assert str(error.value).startswith(
        f"almost no record can be used. The first bad ones: record 0 of {path}: Unknown image "
    )
    served = error.value.__cause__
    assert "Failed to get element from worker localhost:" in str(served)
    # 2 * 50 + 20 * 8 in whole markers of 64.
    assert errors.explain(served) == (
        "the data could not be read: almost no record can be used: records read without getting "
        "one batch together: 320"
    )


def test_the_commands_start_and_stop_and_both_workers_work(split):
    start = [sys.executable, "-m", "official.data_service"]

    def launch(*arguments: str) -> subprocess.Popen:
        process = subprocess.Popen([*start, *arguments], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    def with_worker(images: tf.Tensor, targets: dict[str, tf.Tensor]) -> tuple:
        # Of the process that runs this; its first thread has its number.
        return images, targets, tf.io.matching_files("/proc/self/task/*")

    processes: list[subprocess.Popen] = []
    try:
        line = launch("--role=dispatcher").stdout.readline()
        port = re.fullmatch(r"dispatcher at .+:(\d+); .*\n", line)[1]
        address = f"localhost:{port}"
        for _ in range(2):
            launch("--role=worker", f"--dispatcher={address}", "--host=localhost")
        for worker in processes[1:]:
            assert worker.stdout.readline() == f"worker of {address}, reached as localhost\n"
        served = pipeline.served_batches(config(), split, 0, passes=20).map(with_worker)
        seen, workers = dict.fromkeys(range(NUM), 0), set()
        for _, targets, threads in data_service.distribute(served, address):
            workers.add(min(int(thread.rpartition(b"/")[2]) for thread in threads.numpy()))
            for label in targets["labels"].numpy().argmax(1):
                seen[label] += 1
        assert workers == {worker.pid for worker in processes[1:]}
        assert seen == dict.fromkeys(range(NUM), 20)
        gc.collect()
    finally:
        for process in processes:
            process.terminate()
        assert [process.wait(30) for process in processes] == [0, 0, 0]
