"""Measures what preparing pictures costs: each operation, and the training pipelines by ratio.

    python -m official.benchmark_ops [--photo FILE.jpg] [--image_size 224] [--batch_size 64]

Prints milliseconds of processor time per picture on one core (one thread; time in which other
programs had the core does not count). Cases take turns, and the median of the rounds is printed, so
that two numbers of one run can be compared even where the machine is noisy. Reading records is not
part of it: for that see `python -m official.benchmark --input_only`.
"""

import json
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags

import preprocessing
from official.run.errors import RunError
from preprocessing import MixingConfig, PreprocessingConfig
from preprocessing.operations import levels
from preprocessing.policies import aug_mix

FLAGS = flags.FLAGS
_TABLES = ("operations", "pictures", "batches")
_SEED = 1
_CENTRE = (100, 100)
_BOXES = np.zeros([0, 4], np.float32)

Case = Callable[[], tf.data.Dataset]


def operations(pictures: np.ndarray, level: float) -> dict[str, Case]:
    """Returns a data set per operation, which runs it once for each element."""
    source = tf.data.Dataset.from_tensor_slices(pictures).cache().repeat()

    def case(function) -> Case:
        return lambda: source.map(function)

    cases = {"nothing": case(tf.identity)}
    for name in levels.OPERATION_NAMES:
        cases[name] = case(
            lambda x, name=name: preprocessing.apply_operation(x, name, level, False, _CENTRE)
        )
    for name in ("rotate", "shear_x", "translate_x"):
        cases[f"AugMix {name}"] = case(
            lambda x, name=name: aug_mix.apply_operation(x, name, level, False)
        )
    return cases


def pictures_only(photo: bytes, size: int) -> dict[str, Case]:
    """Returns a data set per way of preparing a training picture."""
    configs = {
        "crop, resize": PreprocessingConfig(image_size=size),
        "AutoAugment imagenet": PreprocessingConfig(image_size=size, autoaugment_type="imagenet"),
        "AutoAugment v0": PreprocessingConfig(image_size=size, autoaugment_type="v0"),
        "AutoAugment cifar10": PreprocessingConfig(image_size=size, autoaugment_type="cifar10"),
        "AutoAugment svhn": PreprocessingConfig(image_size=size, autoaugment_type="svhn"),
        "AutoAugment good": PreprocessingConfig(image_size=size, autoaugment_type="good"),
        "RandAugment 2, 9": PreprocessingConfig(image_size=size, randaugment_num_layers=2),
        "AugMix 3": PreprocessingConfig(image_size=size, augmix_severity=3.0),
        "scale augmentation": PreprocessingConfig(
            image_size=size, scale_augmentation=(size * 8 // 7, size * 15 // 7)
        ),
        "rotation 5": PreprocessingConfig(image_size=size, rotation_degrees=5.0),
        "reid": PreprocessingConfig(preprocessing_type="reid", image_size=min(size, 256)),
    }
    return {name: lambda config=config: _stream(photo, config) for name, config in configs.items()}


def batches(photo: bytes, size: int, batch_size: int) -> dict[str, Case]:
    """Returns a data set of batches per whole pipeline; its elements count decoded pictures."""
    plain = PreprocessingConfig(image_size=size)
    policy = PreprocessingConfig(image_size=size, autoaugment_type="imagenet")
    good = PreprocessingConfig(image_size=size, autoaugment_type="good")
    cases = {
        "batches": (plain, MixingConfig()),
        "mixup 1": (plain, MixingConfig(1)),
        "AutoAugment imagenet": (policy, MixingConfig()),
        "AutoAugment imagenet, mixup 1": (policy, MixingConfig(1)),
        "AutoAugment imagenet, mixup 2": (policy, MixingConfig(2)),
        "AutoAugment imagenet, CutMix": (policy, MixingConfig(cutmix_alpha=1.0)),
        "AutoAugment imagenet, mixing on the device": (policy, None),
        "AutoAugment good, mixup 1": (good, MixingConfig(1)),
    }
    return {
        name: lambda pair=pair: _mixed(photo, *pair, batch_size) for name, pair in cases.items()
    }


def _stream(
    photo: bytes,
    config: PreprocessingConfig,
    prepare: Callable[..., tf.Tensor] = preprocessing.train_image,
) -> tf.data.Dataset:
    """Returns endless training pictures of one photo."""

    def one(index: tf.Tensor) -> tf.Tensor:
        return prepare(photo, _BOXES, preprocessing.example_seed(_SEED, 0, index), config)

    return tf.data.Dataset.range(tf.int64.max).map(one)


def _mixed(
    photo: bytes, config: PreprocessingConfig, mixing: MixingConfig | None, batch_size: int
) -> tf.data.Dataset:
    """Returns endless batches of `batch_size` decoded pictures, mixed; None: left to the device."""
    mixes = mixing is None or mixing.active
    prepare = preprocessing.train_pixels if mixes else preprocessing.train_image
    stream = _stream(photo, config, prepare).batch(batch_size, drop_remainder=True)
    if mixing is None or not mixing.active:
        return stream
    labels = tf.one_hot(tf.range(batch_size) % 1001, 1001)

    def mix(step: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        seed = preprocessing.step_seed(_SEED, step)
        count, height, width = images.shape[:3]
        drawn = preprocessing.draw_mixing(seed, count, height, width, mixing)
        images, mixed, _ = preprocessing.mix(images, labels, None, drawn, mixing, one_by_one=True)
        return preprocessing.to_input(images), mixed

    return tf.data.Dataset.zip((tf.data.Dataset.range(tf.int64.max), stream)).map(mix)


def measure(
    cases: dict[str, Case], per_element: int, elements: int, rounds: int
) -> dict[str, float]:
    """Returns milliseconds of processor time per picture, the median over the rounds.

    Args:
      cases: what to measure.
      per_element: pictures in one element.
      elements: how many elements a round takes from each case.
      rounds: how often all cases take turns.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            iterator = iter(case().with_options(_options()))
            next(iterator)
            start = time.process_time()
            for _ in range(elements):
                next(iterator)
            spent = time.process_time() - start
            found[name].append(1000 * spent / (elements * per_element))
    return {name: float(np.median(values)) for name, values in found.items()}


def _options() -> tf.data.Options:
    """Returns options for one thread that does nothing ahead of time."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return options


def report(title: str, found: dict[str, float], first_is_overhead: bool = False) -> dict:
    """Prints a table and returns it.

    Args:
      title: heads the table.
      found: milliseconds by case; the first one is what the others are compared with.
      first_is_overhead: whether to subtract the first instead of stating the ratio to it.
    """
    print(f"\n{title}")
    base = next(iter(found.values()))
    for name, value in found.items():
        if first_is_overhead:
            print(f"  {name:46s} {value - base if value != base else value:8.3f} ms")
        else:
            print(f"  {name:46s} {value:8.3f} ms   rate {base / value:5.2f}")
    return {"title": title, "milliseconds": {k: round(v, 4) for k, v in found.items()}}


def main() -> None:
    """Prints three tables and one JSON line."""
    if FLAGS.batch_size < 2 or FLAGS.batch_size % 2:
        raise RunError(f"--batch_size must be even, at least 2. Received: {FLAGS.batch_size}")
    if not FLAGS.tables or set(FLAGS.tables) - set(_TABLES):
        raise RunError(f"--tables must be out of {list(_TABLES)}. Received: {FLAGS.tables}")
    photo = _photo(FLAGS.photo)
    size = FLAGS.image_size
    crops = [preprocessing.train_image(photo, _BOXES, [1, i], _config(size)) for i in range(4)]
    means = np.float32(preprocessing.CHANNEL_MEANS)
    pictures = np.stack([np.clip(crop.numpy() + means, 0, 255).astype(np.uint8) for crop in crops])
    rounds = FLAGS.rounds
    several = 2 * FLAGS.batch_size
    tables = []
    if "operations" in FLAGS.tables:
        title = (
            f"operations at level {FLAGS.level:g}, {size} x {size} x 3 (ms beyond doing nothing)"
        )
        found = measure(operations(pictures, FLAGS.level), 1, 100, rounds)
        tables.append(report(title, found, first_is_overhead=True))
    if "pictures" in FLAGS.tables:
        found = measure(pictures_only(photo, size), 1, several, rounds)
        tables.append(report("one training picture", found))
    if "batches" in FLAGS.tables:
        title = f"batches of {FLAGS.batch_size} decoded pictures, per decoded picture"
        found = measure(batches(photo, size, FLAGS.batch_size), FLAGS.batch_size, 2, rounds)
        tables.append(report(title, found))
    print(json.dumps({"tables": tables, "tensorflow": tf.__version__}))


def _config(size: int) -> PreprocessingConfig:
    """Returns plain training at one size."""
    return PreprocessingConfig(image_size=size)


def _photo(path: str) -> bytes:
    """Returns an encoded picture: the file's, or a generated JPEG of 500 x 375.

    Raises:
      RunError: there is no such file.
    """
    if path:
        try:
            return tf.io.gfile.GFile(path, "rb").read()
        except tf.errors.OpError as error:
            raise RunError(f"--photo={path} cannot be read: {error.message}") from error
    # Smooth shapes with a little noise, as photos have: noise alone would cost more to decode.
    random = np.random.default_rng(0)
    coarse = tf.image.resize(random.uniform(0, 255, [8, 10, 3]), [375, 500], method="bicubic")
    noisy = coarse.numpy() + random.normal(0, 12, [375, 500, 3])
    return tf.io.encode_jpeg(np.clip(noisy, 0, 255).astype(np.uint8), quality=90).numpy()


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("photo", "", "A JPEG; default: a generated one of 500 x 375.")
    flags.DEFINE_integer("image_size", 224, "Side of a training picture in pixels.", lower_bound=16)
    flags.DEFINE_integer("batch_size", 64, "Decoded pictures per batch.")
    flags.DEFINE_float("level", 7.0, "Level of each operation, 0 to 10.")
    flags.DEFINE_list("tables", list(_TABLES), "Which tables, out of " + ", ".join(_TABLES) + ".")
    flags.DEFINE_integer("rounds", 5, "How often the cases take turns.", lower_bound=1)
