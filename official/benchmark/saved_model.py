"""Measures a SavedModel: images per second and latency, one JSON line per batch size.

    python -m official.benchmark --saved_model DIR --batch_size 64

Feeds random pictures to the signature `images`, so that decoding is not measured, in FP32, as the
paper's table 1 does (there: batch 64 on a P40). The clock stops when the result is on the host.

    python -m official.benchmark --models=resnet50,assemble_resnet50 --mode=inference,train

measures networks without a checkpoint instead, see `official/benchmark/networks.py`;

    python -m official.benchmark --input_only [--data_dir DIR] [--threads 2]

measures the training input, see `official/benchmark/training_input.py`.
"""

import json
import platform
import sys
import time

import numpy as np
import tensorflow as tf
from absl import flags

from official.benchmark import networks, training_input, turns
from official.export import serving
from official.run.errors import RunError

FLAGS = flags.FLAGS


def measure(
    served: serving.Served, batch_size: int, seconds: float, warmup: int = 3
) -> dict[str, float | int | str]:
    """Returns the speed of one batch size.

    Args:
      served: the model.
      batch_size: pictures per call.
      seconds: how long to measure, at least 10 calls.
      warmup: calls that are not counted.

    Returns:
      images_per_second (pictures / total time), latency_ms_mean, _p50, _p90, _p99 per call,
      and the conditions.
    """
    size = served.description["image_size"]
    classify = served.signature("images")
    generator = np.random.default_rng(0)
    images = tf.constant(
        generator.uniform(-120, 150, (batch_size, size, size, 3)).astype(np.float32)
    )
    for _ in range(warmup):
        classify(images=images)["logits"].numpy()
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 10 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        classify(images=images)["logits"].numpy()
        times.append(time.perf_counter() - before)
    milliseconds = 1000 * np.array(times)
    return {
        "saved_model": served.path,
        "image_size": size,
        "batch_size": batch_size,
        "dtype": "float32",
        "images_per_second": round(batch_size * len(times) / sum(times), 2),
        "latency_ms_mean": round(float(milliseconds.mean()), 3),
        **{
            f"latency_ms_p{share}": round(float(np.percentile(milliseconds, share)), 3)
            for share in (50, 90, 99)
        },
        "calls": len(times),
        "warmup_calls": warmup,
        "device": device_name(),
        "tensorflow": tf.__version__,
    }


def device_name() -> str:
    """Returns the name of the GPU, or of the processor and its number of cores."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("device_name", gpus[0].name)
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:
            models = [line.split(":", 1)[1].strip() for line in handle if "model name" in line]
    except OSError:
        return name
    return f"{models[0]}, {len(models)} cores" if models else name


def main() -> None:
    """Prints one JSON line per batch size, the CSV of --models, or a line about the input."""
    if FLAGS.input_only:
        training_input.run()
        return
    if not FLAGS.saved_model and not FLAGS.models:
        raise RunError("--saved_model, --models or --input_only must be given; see --help.")
    try:
        sizes = [int(value) for value in FLAGS.batch_size]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise RunError(f"--batch_size must be numbers above 0. Received: {FLAGS.batch_size}")
    if FLAGS.models:
        measure_all = turns.rows if FLAGS.paired else networks.rows
        networks.run(FLAGS.models, sizes, device_name(), measure_all)
        return
    served = serving.Served(FLAGS.saved_model)
    for size in sizes:
        result = measure(served, size, FLAGS.seconds)
        print(
            f"batch {size}: {result['images_per_second']:.1f} images/s, "
            f"{result['latency_ms_p50']:.1f} ms per batch (p50), "
            f"{result['latency_ms_p99']:.1f} ms (p99)",
            file=sys.stderr,
        )
        print(json.dumps(result), flush=True)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_list("batch_size", ["64"], "Pictures per call; several: 64,1.")
    flags.DEFINE_float(
        "seconds", 10.0, "Time to measure per batch size; --paired: all in all.", lower_bound=0.0
    )
    flags.DEFINE_integer(
        "rounds", 3, "--models and --input_only: rounds, in which all take turns.", lower_bound=1
    )
    flags.DEFINE_integer(
        "image_size",
        0,
        "--models and --input_only: side of the pictures; 0: each network's, 224 for input.",
        0,
        4096,
    )
    networks.define_flags()
    flags.adopt_module_key_flags(networks)
    training_input.define_flags()
    flags.adopt_module_key_flags(training_input)
