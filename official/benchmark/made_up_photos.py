"""Photo-like JPEGs of about 500 x 375 for measurements, where no data set is at hand."""

import os
import statistics

import numpy as np
import tensorflow as tf

from datasets.records import schema

CLASSES = 1000
# Images that differ; more of them would only take longer to make.
_DISTINCT = 256


def photo(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns a made-up photo, uint8 [height, width, 3]: soft shapes, edges, fine grain.

    Its spectrum falls with the frequency as that of photos does, so that it takes about as many
    bytes and as long to decode.
    """
    pixels = np.zeros([height, width, 3], np.float32)
    size, strength = 4, 90.0
    while size < max(height, width):
        noise = random.normal(0, strength, (size, size, 3)).astype(np.float32)
        pixels += tf.image.resize(noise, [height, width], "bicubic").numpy()
        size, strength = size * 2, strength * 0.62
    rows, columns = np.mgrid[:height, :width]
    for _ in range(12):
        y, x, radius = random.uniform([0, 0, 10], [height, width, 90])
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        pixels[inside] += random.normal(0, 40, 3)
    pixels += random.normal(0, 3, pixels.shape)
    return np.clip(pixels + 118, 0, 255).astype(np.uint8)


def write_photos(folder: str, count: int, quality: int, shards: int = 8) -> float:
    """Writes `count` made-up photos of about 500 x 375 as TFRecords; returns their mean bytes."""
    random = np.random.default_rng(0)
    distinct = []
    for _ in range(min(count, _DISTINCT)):
        long, short = random.integers(480, 513), random.integers(330, 401)
        height, width = (long, short) if random.random() < 0.25 else (short, long)
        pixels = photo(random, int(height), int(width))
        encoded = tf.io.encode_jpeg(pixels, quality=quality).numpy()
        distinct.append((encoded, int(height), int(width)))
    for shard in range(shards):
        path = os.path.join(folder, f"train-{shard:05d}-of-{shards:05d}")
        with tf.io.TFRecordWriter(path) as writer:
            for number in range(shard, count, shards):
                encoded, height, width = distinct[number % len(distinct)]
                example = schema.encode_example(
                    encoded=encoded,
                    height=height,
                    width=width,
                    label=number % CLASSES,
                    image_format="JPEG",
                    filename=f"{number}.jpg",
                )
                writer.write(example)
    return statistics.mean(len(encoded) for encoded, _, _ in distinct)
