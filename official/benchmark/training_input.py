"""What preparing the training input costs on this machine, stage by stage.

The pipeline is run again and again with one stage more each time, so that a stage's cost is the
difference to the run without it. The runs take turns, several rounds of them, and medians are
given, so that other work on the machine slows all stages alike. CPU time per image is compared,
because it does not depend on other work; images/s are given beside it.
"""

import dataclasses
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

import preprocessing
from datasets.records import reader, schema
from official.input import mixing, pipeline
from official.run.configuration import RunConfig
from preprocessing import decode
from preprocessing.crops import crop

STAGES = ("read", "decode", "crop", "augment", "batch", "mix")
# A run beside those of the stages: the whole pipeline without AutoAugment and mixup.
PLAIN = "plain"
_IMAGES_PER_READ = 64


class Timing(NamedTuple):
    """One run of one pipeline: seconds per decoded image, on the wall and of CPU in all threads.

    Bad records that were `skipped` are counted with batches only, not in the first stages.
    """

    seconds: float
    cpu_seconds: float
    skipped: int = 0


def without(config: RunConfig, *stages: str) -> RunConfig:
    """Returns `config` without AutoAugment (`augment`) or mixup (`mix`)."""
    if "augment" in stages:
        changed = dataclasses.replace(config.preprocessing, autoaugment_type="")
        config = dataclasses.replace(config, preprocessing=changed)
    if "mix" in stages:
        # With mixup type 1, a batch holds twice as many images before it.
        batch_size = mixing.images_per_step(config.recipe)
        recipe = dataclasses.replace(config.recipe, mixup_type=0, batch_size=batch_size)
        config = dataclasses.replace(config, recipe=recipe)
    return config


def up_to(name: str, config: RunConfig, split: reader.Split) -> tuple[tf.data.Dataset, int]:
    """Returns the pipeline up to stage `name` (or `plain`) and decoded images per element."""
    if name == PLAIN:
        run = without(config, "augment", "mix")
    elif name in ("mix", _stages(config)[-1]):
        run = config
    elif name == "batch":
        run = without(config, "mix")
    else:
        return _single_images(name, config, split), _IMAGES_PER_READ
    return pipeline.training_dataset(run, split), mixing.images_per_step(config.recipe)


def _single_images(name: str, config: RunConfig, split: reader.Split) -> tf.data.Dataset:
    """Returns one number for each image on which the work up to stage `name` was done."""
    skip = config.data.on_bad_record == "skip"
    records = reader.training_stream(
        split, seed=config.recipe.seed, shuffle_buffer=config.data.shuffle_buffer, skip_damage=skip
    )
    work = _single_image_work(name, config)

    def done(record: dict[str, tf.Tensor]) -> tf.Tensor:
        # One number of the image is kept, because TensorFlow does not compute what nobody reads.
        result = work(record)
        if result.dtype == tf.string:
            return tf.cast(tf.strings.length(result), tf.float32)
        return tf.cast(result[0, 0, 0], tf.float32)

    counted = records.map(done, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if skip:
        counted = counted.ignore_errors()
    options = tf.data.Options()
    options.threading.private_threadpool_size = config.data.private_threads
    return counted.batch(_IMAGES_PER_READ).prefetch(tf.data.AUTOTUNE).with_options(options)


def _single_image_work(name: str, config: RunConfig) -> Callable[[dict], tf.Tensor]:
    """Returns the function that does the work of all stages up to `name` with one record."""
    preparation = config.preprocessing

    def work(record: dict[str, tf.Tensor]) -> tf.Tensor:
        example = schema.parse_example(record["serialized"])
        if name == "read":
            return example["encoded"]
        encoded = schema.assert_whole_image(example["encoded"], example["filename"])
        seed = preprocessing.example_seed(config.recipe.seed, record["epoch"], record["index"])
        if name == "decode":
            if preparation.family != "imagenet":
                return decode.decode_image(encoded, preparation.decoder)
            window = crop.window_chooser(tf.zeros([0, 4]), seed, preparation.training_random_crop)
            return decode.decode_and_crop(
                encoded, window, preparation.decoder, preparation.decode_dct_method
            )
        chosen = without(config, "augment") if name == "crop" else config
        mixes = chosen.recipe.mixing.active
        prepare = preprocessing.train_pixels if mixes else preprocessing.train_image
        return prepare(encoded, example["bbox"], seed, chosen.preprocessing)

    return work


def measure(
    config: RunConfig, split: reader.Split, images: int, rounds: int
) -> dict[str, list[Timing]]:
    """Returns the timings of each stage's pipeline and of the plain one, round by round."""
    # The plain pipeline first: it ends with an error where (almost) no record is good.
    names = [PLAIN, *_stages(config)]
    built = {name: up_to(name, config, split) for name in names}
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    for round_number in range(rounds):
        # Forwards and backwards in turn, so that a drift of the machine cancels out.
        for name in names if round_number % 2 == 0 else reversed(names):
            timings[name].append(_time(*built[name], images))
            _progress(f"round {round_number + 1}/{rounds}: {name}")
    _progress("")
    return timings


def measure_mixing(
    config: RunConfig, split: reader.Split, images: int, rounds: int
) -> float | None:
    """Returns seconds of mixup per decoded image; None where the training step has none of it.

    The median of the rounds: of a GPU by the clock, else CPU time.
    """
    recipe = config.recipe
    if not mixing.mixes_on_device(recipe, replicas=1):
        return None
    dataset, per_element = up_to(_stages(config)[-1], config, split)
    on_gpu = bool(tf.config.list_logical_devices("GPU"))

    @tf.function
    def mixed(images: tf.Tensor, targets: dict[str, tf.Tensor]) -> tf.Tensor:
        images, targets = mixing.mix_batch(images, targets, recipe, one_by_one=not on_gpu)
        # All of it is computed, but only one number is fetched, which costs next to nothing.
        return images[0, 0, 0, 0] + targets["labels"][0, 0]

    batch = tf.nest.map_structure(tf.identity, next(iter(dataset)))
    clock = time.perf_counter if on_gpu else time.process_time
    calls = max(1, images // per_element)
    times = []
    for _ in range(rounds + 1):
        start = clock()
        for _ in range(calls):
            mixed(*batch).numpy()
        times.append((clock() - start) / calls / per_element)
    return statistics.median(times[1:])


def _stages(config: RunConfig) -> list[str]:
    """Returns the stages that the run has."""
    # On the device mixup is part of the training step.
    mixes = config.recipe.mixup_type > 0 and not config.recipe.mixup_on_device
    left_out = {"augment": not config.preprocessing.autoaugment_type, "mix": not mixes}
    return [name for name in STAGES if not left_out.get(name)]


def _time(dataset: tf.data.Dataset, per_element: int, images: int) -> Timing:
    """Times about `images` images after a start that does not count."""
    elements = max(1, images // per_element)
    iterator = iter(dataset)
    for _ in range(1 + elements // 4):
        next(iterator)
    skipped = 0
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(elements):
        element = next(iterator)
        if isinstance(element, tuple) and "bad_records" in element[1]:
            skipped += int(element[1]["bad_records"].numpy().sum())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timing(wall / elements / per_element, cpu / elements / per_element, skipped)


def measure_memory(config: RunConfig, split: reader.Split, points: int = 10) -> dict:
    """Runs one pass over the data and returns the memory of the process along the way.

    Returns:
      resident_mb: [images, megabytes] at `points` points of the pass; growth_mb: from the first
      point with a full shuffle buffer to the end; peak_mb of the whole process.
    """
    dataset, per_element = up_to(_stages(config)[-1], config, split)
    elements = split.num_examples // per_element
    marks = {round(elements * (point + 1) / points) for point in range(points)}
    resident = []
    start = time.perf_counter()
    for number, _ in enumerate(dataset.take(elements), start=1):
        if number in marks:
            resident.append([number * per_element, round(_resident_mb(), 1)])
            _progress(f"{number * per_element} of {split.num_examples} images")
    _progress("")
    middle = resident[len(resident) // 2 :]
    return {
        "pictures": elements * per_element,
        "seconds": round(time.perf_counter() - start, 1),
        "resident_mb": resident,
        "growth_mb": round(middle[-1][1] - middle[0][1], 1),
        "peak_mb": peak_mb(),
    }


def _resident_mb() -> float:
    """Returns the memory that this process holds now, in megabytes; Linux only, else the peak."""
    try:
        with open("/proc/self/statm", encoding="ascii") as handle:
            return int(handle.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return peak_mb()


def peak_mb() -> float:
    """Returns the most memory that this process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def _progress(text: str) -> None:
    """Shows the progress on a terminal, and nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
