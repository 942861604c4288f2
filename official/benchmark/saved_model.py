"""The speed of a SavedModel: images per second and latency."""

import time

import numpy as np
import tensorflow as tf

from official.export import serving
from official.run import devices

_WARMUP = 3


def measure(
    served: serving.Served, batch_size: int, seconds: float
) -> dict[str, float | int | str]:
    """Measures calls of one batch size for some seconds, at least 10 after those that warm up.

    Returns:
      images_per_second (images / total time), latency_ms_mean, _p50, _p90, _p99 per call,
      and the conditions.
    """
    size = served.description["image_size"]
    classify = served.signature("images")
    generator = np.random.default_rng(0)
    shape = (batch_size, size, size, 3)
    images = tf.constant(generator.uniform(-120, 150, shape).astype(np.float32))
    for _ in range(_WARMUP):
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
        "warmup_calls": _WARMUP,
        "device": devices.device_name(),
        "tensorflow": tf.__version__,
    }
