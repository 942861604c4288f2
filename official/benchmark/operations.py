"""What preparing images costs: each operation, and the training pipelines by ratio."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import preprocessing
from preprocessing import MixingConfig, PreprocessingConfig
from preprocessing.operations import levels
from preprocessing.policies import aug_mix, auto_augment

_SEED = 1
_CENTRE = (100, 100)
_BOXES = np.zeros([0, 4], np.float32)

Case = Callable[[], tf.data.Dataset]


def operations(images: np.ndarray, level: float) -> dict[str, Case]:
    """Returns a data set per operation, which runs it once for each image, uint8 [N, S, S, 3]."""
    source = tf.data.Dataset.from_tensor_slices(images).cache().repeat()

    def case(function) -> Case:
        return lambda: source.map(function)

    def policy(name: str) -> Case:
        return case(lambda x: auto_augment.apply_operation(x, name, level, False, _CENTRE))

    def augmix(name: str) -> Case:
        return case(lambda x: aug_mix.apply_operation(x, name, level, False))

    return {
        "nothing": case(tf.identity),
        **{name: policy(name) for name in levels.OPERATION_NAMES},
        **{f"AugMix {name}": augmix(name) for name in ("rotate", "shear_x", "translate_x")},
    }


def single_images(photo: bytes, size: int) -> dict[str, Case]:
    """Returns a data set per way of preparing a training image."""
    policies = ("imagenet", "v0", "cifar10", "svhn", "good")
    settings = {
        "crop, resize": {},
        **{f"AutoAugment {name}": {"autoaugment_type": name} for name in policies},
        "RandAugment 2, 9": {"randaugment_num_layers": 2},
        "AugMix 3": {"augmix_severity": 3.0},
        "scale augmentation": {"scale_augmentation": (size * 8 // 7, size * 15 // 7)},
        "rotation 5": {"rotation_degrees": 5.0},
        "reid": {"preprocessing_type": "reid", "image_size": min(size, 256)},
    }
    configs = {
        name: PreprocessingConfig(**{"image_size": size, **changes})
        for name, changes in settings.items()
    }
    return {name: lambda config=config: _stream(photo, config) for name, config in configs.items()}


def batches(photo: bytes, size: int, batch_size: int) -> dict[str, Case]:
    """Returns a data set of batches per whole pipeline; its elements count decoded images."""
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
    """Returns endless training images of one photo."""

    def one(index: tf.Tensor) -> tf.Tensor:
        return prepare(photo, _BOXES, preprocessing.example_seed(_SEED, 0, index), config)

    return tf.data.Dataset.range(tf.int64.max).map(one)


def _mixed(
    photo: bytes, config: PreprocessingConfig, mixing: MixingConfig | None, batch_size: int
) -> tf.data.Dataset:
    """Returns endless batches of `batch_size` decoded images, mixed; None: left to the device."""
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
    """Returns milliseconds of processor time per image, the median over the rounds.

    A round takes `elements` elements of `per_element` images from each case.
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
    """Prints a table of milliseconds by case and returns it.

    The first case is what the others are compared with, or an overhead that is subtracted.
    """
    print(f"\n{title}")
    base = next(iter(found.values()))
    for name, value in found.items():
        if first_is_overhead:
            print(f"  {name:46s} {value - base if value != base else value:8.3f} ms")
        else:
            print(f"  {name:46s} {value:8.3f} ms   rate {base / value:5.2f}")
    return {"title": title, "milliseconds": {k: round(v, 4) for k, v in found.items()}}


def training_crops(photo: bytes, size: int) -> np.ndarray:
    """Returns four training crops of an encoded photo, uint8 [4, size, size, 3]."""
    config = PreprocessingConfig(image_size=size)
    crops = [preprocessing.train_image(photo, _BOXES, [1, i], config) for i in range(4)]
    images = np.stack(crops) + np.float32(preprocessing.CHANNEL_MEANS)
    return np.clip(images, 0, 255).astype(np.uint8)
