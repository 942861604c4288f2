"""Measures the training input on this machine: `python -m official.benchmark --input_only`.

The pipeline is run again and again with one stage more each time, so that a stage's cost is the
difference to the run without it. The runs take turns, several rounds of them, and medians are
given: what else happens on the machine meets all stages alike. CPU time per picture is what is
compared, because it does not depend on who else computes; images/s are given beside it.
"""

import dataclasses
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import flags

import preprocessing
from datasets.records import reader, schema
from nets import ModelConfig
from official.benchmark import made_up_photos
from official.input import mixing, pipeline, splits
from official.run import allocator
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig, decode
from preprocessing.crops import crop

FLAGS = flags.FLAGS

STAGES = ("read", "decode", "crop", "augment", "batch", "mix")
# Runs beside the stages: the pipeline without AutoAugment and mixup.
PLAIN = "plain"
_IMAGE_SIZE = 224
_PICTURES_PER_READ = 64


@dataclasses.dataclass(frozen=True)
class Timing:
    """One run of one pipeline.

    Attributes:
      seconds: on the wall, per decoded picture.
      cpu_seconds: of this process in all threads, per decoded picture.
      skipped: bad records that were left out; counted with batches only, not in the first stages.
    """

    seconds: float
    cpu_seconds: float
    skipped: int = 0


def make_config(data_dir: str, num_classes: int) -> RunConfig:
    """Returns the run that the flags describe; unlike in training all labels pass."""
    return RunConfig(
        model=ModelConfig(num_classes=num_classes),
        preprocessing=PreprocessingConfig(
            preprocessing_type=FLAGS.preprocessing_type,
            image_size=FLAGS.image_size or _IMAGE_SIZE,
            autoaugment_type=FLAGS.autoaugment_type,
            dct_method=FLAGS.dct_method,
        ),
        recipe=RecipeConfig(
            batch_size=int(FLAGS.batch_size[0]),
            mixup_type=FLAGS.mixup_type,
            mixup_on_device=FLAGS.mixup_on_device,
        ),
        data=DataConfig(
            data_dir=data_dir,
            num_classes=num_classes,
            shuffle_buffer=FLAGS.shuffle_buffer,
            private_threads=FLAGS.threads,
            on_bad_record=FLAGS.on_bad_record,
        ),
    )


def without(config: RunConfig, *stages: str) -> RunConfig:
    """Returns `config` without AutoAugment (`augment`) or mixup (`mix`)."""
    if "augment" in stages:
        changed = dataclasses.replace(config.preprocessing, autoaugment_type="")
        config = dataclasses.replace(config, preprocessing=changed)
    if "mix" in stages:
        # With mixup type 1, a batch holds twice as many pictures before it.
        recipe = dataclasses.replace(
            config.recipe,
            mixup_type=0,
            batch_size=mixing.images_per_step(config.recipe),
        )
        config = dataclasses.replace(config, recipe=recipe)
    return config


def up_to(name: str, config: RunConfig, split: reader.Split) -> tuple[tf.data.Dataset, int]:
    """Returns the pipeline up to stage `name` (or `plain`) and decoded pictures per element."""
    per_step = mixing.images_per_step(config.recipe)
    if name in ("mix", _last(config)):
        return pipeline.training_dataset(config, split), per_step
    if name == "batch":
        return pipeline.training_dataset(without(config, "mix"), split), per_step
    if name == PLAIN:
        plain = without(config, "augment", "mix")
        return pipeline.training_dataset(plain, split), per_step
    skip = config.data.on_bad_record == "skip"
    records = reader.training_stream(
        split,
        seed=config.recipe.seed,
        shuffle_buffer=config.data.shuffle_buffer,
        skip_damage=skip,
    )
    work = _single_picture_work(name, config)

    def done(record: dict[str, tf.Tensor]) -> tf.Tensor:
        # The picture is made and thrown away, but for one number: TensorFlow does not compute what
        # nobody reads.
        result = work(record)
        if result.dtype == tf.string:
            return tf.cast(tf.strings.length(result), tf.float32)
        return tf.cast(result[0, 0, 0], tf.float32)

    counted = records.map(done, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if skip:
        counted = counted.ignore_errors()
    options = tf.data.Options()
    options.threading.private_threadpool_size = config.data.private_threads
    batches = counted.batch(_PICTURES_PER_READ).prefetch(tf.data.AUTOTUNE).with_options(options)
    return batches, _PICTURES_PER_READ


def _single_picture_work(name: str, config: RunConfig) -> Callable[[dict], tf.Tensor]:
    """Returns what is done with one record up to stage `name`."""
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
            random_crop, method = preparation.training_random_crop, preparation.decode_dct_method
            return crop.distorted_crop(
                encoded, tf.zeros([0, 4]), seed, random_crop, preparation.decoder, method
            )
        chosen = without(config, "augment") if name == "crop" else config
        prepare = preprocessing.train_image
        if chosen.recipe.mixing.active:
            prepare = preprocessing.train_pixels
        return prepare(encoded, example["bbox"], seed, chosen.preprocessing)

    return work


def measure(
    config: RunConfig, split: reader.Split, pictures: int, rounds: int
) -> dict[str, list[Timing]]:
    """Returns the timings of each stage's pipeline and of the plain one, round by round."""
    # The plain pipeline first: it ends with an error where (almost) no record is good.
    names = [PLAIN] + [name for name in STAGES if _takes_part(name, config)]
    built = {name: up_to(name, config, split) for name in names}
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    for round_number in range(rounds):
        # Forwards and backwards in turn, so that a drift of the machine cancels out.
        for name in names if round_number % 2 == 0 else reversed(names):
            timings[name].append(_time(*built[name], pictures))
            _progress(f"round {round_number + 1}/{rounds}: {name}")
    _progress("")
    return timings


def measure_mixing(
    config: RunConfig, split: reader.Split, pictures: int, rounds: int
) -> float | None:
    """Measures mixup where it is part of the training step; None where it is not.

    Returns:
      Seconds per decoded picture, the median of the rounds: of a GPU by the clock, else CPU time.
    """
    recipe = config.recipe
    if not mixing.mixes_on_device(recipe, replicas=1):
        return None
    dataset, per_element = up_to(_last(config), config, split)
    on_gpu = bool(tf.config.list_logical_devices("GPU"))

    @tf.function
    def mixed(images: tf.Tensor, targets: dict[str, tf.Tensor]) -> tf.Tensor:
        images, targets = mixing.mix_batch(images, targets, recipe, one_by_one=not on_gpu)
        # All of it is computed, and so little is returned that waiting for it costs nothing.
        return images[0, 0, 0, 0] + targets["labels"][0, 0]

    batch = tf.nest.map_structure(tf.identity, next(iter(dataset)))
    clock = time.perf_counter if on_gpu else time.process_time
    times = []
    for _ in range(rounds + 1):
        start = clock()
        for _ in range(max(1, pictures // per_element)):
            mixed(*batch).numpy()
        times.append((clock() - start) / max(1, pictures // per_element) / per_element)
    return statistics.median(times[1:])


def _takes_part(name: str, config: RunConfig) -> bool:
    """Whether the run has that stage."""
    if name == "augment":
        return bool(config.preprocessing.autoaugment_type)
    # On the device it is part of the training step.
    recipe = config.recipe
    return name != "mix" or (recipe.mixup_type > 0 and not recipe.mixup_on_device)


def _time(dataset: tf.data.Dataset, per_element: int, pictures: int) -> Timing:
    """Times about `pictures` pictures after a start that does not count."""
    elements = max(1, pictures // per_element)
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


def summarise(timings: dict[str, list[Timing]], config: RunConfig) -> dict:
    """Returns medians, the cost of each stage, ratios, and the stage that costs most."""
    wall = {name: statistics.median(t.seconds for t in runs) for name, runs in timings.items()}
    cpu = {name: statistics.median(t.cpu_seconds for t in runs) for name, runs in timings.items()}
    stages = [name for name in STAGES if name in timings]
    costs = {}
    before = [Timing(0.0, 0.0)] * len(timings[stages[0]])
    for name in stages:
        # Differences within a round, then their median.
        differences = [
            a.cpu_seconds - b.cpu_seconds for a, b in zip(timings[name], before, strict=True)
        ]
        costs[name], before = max(0.0, statistics.median(differences)), timings[name]
    last = stages[-1]
    delivered = config.recipe.batch_size / mixing.images_per_step(config.recipe)
    limit = max(costs, key=costs.get)
    return {
        "images_per_second_decoded": round(1 / wall[last], 1),
        "images_per_second_delivered": round(delivered / wall[last], 1),
        "plain_images_per_second": round(1 / wall[PLAIN], 1),
        "cpu_ms_per_image": round(1000 * cpu[last], 3),
        "plain_cpu_ms_per_image": round(1000 * cpu[PLAIN], 3),
        "stages": {
            name: {
                "images_per_second_up_to_here": round(1 / wall[name], 1),
                "cpu_ms_per_image_up_to_here": round(1000 * cpu[name], 3),
                "cpu_ms_per_image": round(1000 * costs[name], 3),
                "share": round(costs[name] / max(sum(costs.values()), 1e-12), 3),
            }
            for name in stages
        },
        "limit": limit,
        "cores_busy": round(cpu[last] / wall[last], 2),
        # Rates of decoded pictures, from CPU time and from the clock.
        "ratio_to_plain": _ratio(timings, last, PLAIN),
        "ratio_plain_to_decode_crop_resize": _ratio(timings, PLAIN, "crop"),
        "rounds": len(timings[last]),
        "bad_records_skipped": sum(run.skipped for run in timings[last]),
    }


def _ratio(timings: dict[str, list[Timing]], name: str, to: str) -> dict[str, float]:
    """Returns the rate of `name` as a share of the rate of `to`, round by round, median."""
    pairs = list(zip(timings[name], timings[to], strict=True))
    return {
        "cpu": round(statistics.median(b.cpu_seconds / a.cpu_seconds for a, b in pairs), 3),
        "wall": round(statistics.median(b.seconds / a.seconds for a, b in pairs), 3),
    }


def measure_memory(config: RunConfig, split: reader.Split, points: int = 10) -> dict:
    """Runs one pass over the data and returns how the process's memory went.

    Returns:
      resident_mb: [pictures, megabytes] at `points` points of the pass; growth_mb: from the first
      point with a full shuffle buffer to the end; peak_mb of the whole process.
    """
    dataset, per_element = up_to(_last(config), config, split)
    elements = split.num_examples // per_element
    marks = {round(elements * (point + 1) / points) for point in range(points)}
    resident = []
    start = time.perf_counter()
    for number, _ in enumerate(dataset.take(elements), start=1):
        if number in marks:
            resident.append([number * per_element, round(_resident_mb(), 1)])
            _progress(f"{number * per_element} of {split.num_examples} pictures")
    _progress("")
    middle = resident[len(resident) // 2 :]
    return {
        "pictures": elements * per_element,
        "seconds": round(time.perf_counter() - start, 1),
        "resident_mb": resident,
        "growth_mb": round(middle[-1][1] - middle[0][1], 1),
        "peak_mb": peak_mb(),
    }


def _last(config: RunConfig) -> str:
    """Returns the last stage that the run has."""
    return [name for name in STAGES if _takes_part(name, config)][-1]


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


def table(result: dict) -> Iterator[str]:
    """Yields the lines of the table for people."""
    yield f"{'stage':8}  {'CPU ms/image':>12}  {'share':>6}  {'images/s up to here':>19}"
    for name, row in result["stages"].items():
        yield (
            f"{name:8}  {row['cpu_ms_per_image']:12.3f}  {100 * row['share']:5.1f}%  "
            f"{row['images_per_second_up_to_here']:19.1f}"
        )
    limit = result["limit"]
    yield (
        f"{result['images_per_second_decoded']:.1f} decoded and "
        f"{result['images_per_second_delivered']:.1f} delivered images/s, "
        f"{result['cores_busy']:.1f} cores busy; without AutoAugment and mixup "
        f"{result['plain_images_per_second']:.1f}"
    )
    yield f"limit: {limit}, {100 * result['stages'][limit]['share']:.0f} % of the CPU time"
    if result["cores_busy"] < 0.7 * min(result["threads"], os.cpu_count() or 1):
        yield "the cores wait: for the disk, or for others who compute on this machine"
    in_step = result.get("mixing_in_step_ms_per_image")
    for label, key in (
        ("with : without AutoAugment and mixup", "ratio_to_plain"),
        ("without : decode, crop, resize alone", "ratio_plain_to_decode_crop_resize"),
    ):
        yield f"{label}: {result[key]['cpu']:.2f} by CPU time, {result[key]['wall']:.2f} by clock"
    if in_step is not None:
        plain, whole = result["plain_cpu_ms_per_image"], result["cpu_ms_per_image"]
        yield (
            f"mixup is done in the training step: {in_step:.3f} ms per decoded picture on this "
            f"machine, not in the table; with : without would be {plain / (whole + in_step):.2f} "
            "if it were the pipeline's work"
        )
    if result["bad_records_skipped"]:
        yield (
            f"bad records skipped: {result['bad_records_skipped']} in {result['rounds']} runs of "
            "the whole pipeline"
        )
    yield f"memory: {result['peak_mb']:.0f} MB at most"


def run() -> None:
    """Measures as the flags say; prints a table and one JSON line."""
    if len(FLAGS.batch_size) != 1 or not FLAGS.batch_size[0].isdigit():
        raise RunError(f"--batch_size must be one number here. Received: {FLAGS.batch_size}")
    kept = FLAGS.keep_freed_memory and allocator.keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="photos-") as folder:
        data_dir, source = FLAGS.data_dir, FLAGS.data_dir
        if not data_dir:
            size = made_up_photos.write_photos(folder, FLAGS.num_images, FLAGS.jpeg_quality)
            data_dir = folder
            source = f"{FLAGS.num_images} made-up JPEGs of about 500 x 375, {size / 1024:.0f} KiB"
        split = splits.find_split(data_dir, FLAGS.train_regex, FLAGS.on_bad_record)
        try:
            config = make_config(data_dir, FLAGS.num_classes)
        except ValueError as error:
            raise RunError(str(error)) from error
        result = {"source": source, "threads": FLAGS.threads or os.cpu_count() or 1}
        if FLAGS.memory:
            result.update(measure_memory(config, split))
            print(f"pictures  resident MB   ({result['seconds']:.0f} s)", file=sys.stderr)
            for pictures, megabytes in result["resident_mb"]:
                print(f"{pictures:8}  {megabytes:11.1f}", file=sys.stderr)
        else:
            timings = measure(config, split, FLAGS.images_per_run, FLAGS.rounds)
            result.update(summarise(timings, config))
            mixing = measure_mixing(config, split, FLAGS.images_per_run, FLAGS.rounds)
            if mixing is not None:
                result["mixing_in_step_ms_per_image"] = round(1000 * mixing, 3)
            result["peak_mb"] = peak_mb()
            print("\n".join(table(result)), file=sys.stderr)
    result.update(
        batch_size=config.recipe.batch_size,
        mixup_type=config.recipe.mixup_type,
        mixup_on_device=config.recipe.mixup_on_device,
        keep_freed_memory=kept,
        on_bad_record=config.data.on_bad_record,
        **config.preprocessing.to_dict(),
        tensorflow=tf.__version__,
        cores=os.cpu_count(),
    )
    print(json.dumps(result), flush=True)


def _progress(text: str) -> None:
    """Shows what is going on, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def define_flags() -> None:
    """Defines the flags of `--input_only`."""
    flags.DEFINE_boolean(
        "input_only", False, "Measure the training input pipeline instead of a SavedModel."
    )
    flags.DEFINE_string("data_dir", "", "Input: folder of TFRecords; default: made-up photos.")
    flags.DEFINE_string("train_regex", "train-*", "Input: glob of the shards in DATA_DIR.")
    flags.DEFINE_integer("num_classes", 1001, "Input: classes of the labels.", lower_bound=1)
    flags.DEFINE_integer("num_images", 2000, "Input: made-up photos.", lower_bound=16)
    flags.DEFINE_integer("jpeg_quality", 92, "Input: of made-up photos.", 1, 100)
    flags.DEFINE_integer("threads", 0, "Input: threads; 0: TensorFlow chooses.", lower_bound=0)
    flags.DEFINE_integer("images_per_run", 1500, "Input: pictures per run.", lower_bound=1)
    flags.DEFINE_boolean("memory", False, "Input: one pass over the data, watching the memory.")
    flags.DEFINE_string("preprocessing_type", "imagenet_224_256", "Input: as in training.")
    flags.DEFINE_string("autoaugment_type", "imagenet", "Input: policy; empty: off.")
    flags.DEFINE_string("dct_method", "INTEGER_ACCURATE", "Input: as in training.")
    flags.DEFINE_integer("mixup_type", 1, "Input: 0, 1 or 2.", 0, 2)
    flags.DEFINE_boolean(
        "mixup_on_device", True, "Input: as in training; off: mixup is a stage of the pipeline."
    )
    flags.DEFINE_integer("shuffle_buffer", 1000, "Input: as in training.", lower_bound=0)
    flags.DEFINE_boolean("keep_freed_memory", True, "Input: as in training.")
    flags.DEFINE_enum("on_bad_record", "skip", ["skip", "fail"], "Input: as in training.")
