"""Measures what preparing images costs: each operation, and the training pipelines by ratio.

    python -m official.benchmark_ops [--photo FILE.jpg] [--image_size 224] [--batch_size 64]

Prints milliseconds of processor time per image on one core (one thread; time in which other
programs had the core does not count). Cases take turns, and the median of the rounds is printed, so
that two numbers of one run can be compared even where the machine is noisy. Reading records is not
part of it: for that see `python -m official.benchmark --input_only`.
"""

import json

import numpy as np
import tensorflow as tf
from absl import flags

from official.benchmark import corruptions, made_up_photos, operations
from official.command import program
from official.run.errors import RunError

FLAGS = flags.FLAGS
_TABLES = ("operations", "pictures", "batches")
# Not measured unless it is asked for.
_CORRUPTIONS = "corruptions"


def main() -> None:
    """Prints three tables and one JSON line."""
    size, batch_size = FLAGS.image_size, FLAGS.batch_size
    if batch_size < 2 or batch_size % 2:
        raise RunError(f"--batch_size must be even, at least 2. Received: {batch_size}")
    known = [*_TABLES, _CORRUPTIONS]
    if not FLAGS.tables or set(FLAGS.tables) - set(known):
        raise RunError(f"--tables must be out of {known}. Received: {FLAGS.tables}")
    photo = _photo(FLAGS.photo)
    tables = []
    if "operations" in FLAGS.tables:
        shape = f"{size} x {size} x 3"
        title = f"operations at level {FLAGS.level:g}, {shape} (ms beyond doing nothing)"
        cases = operations.operations(operations.training_crops(photo, size), FLAGS.level)
        found = operations.measure(cases, 1, 100, FLAGS.rounds)
        tables.append(operations.report(title, found, first_is_overhead=True))
    if "pictures" in FLAGS.tables:
        cases = operations.single_images(photo, size)
        found = operations.measure(cases, 1, 2 * batch_size, FLAGS.rounds)
        tables.append(operations.report("one training image", found))
    if "batches" in FLAGS.tables:
        title = f"batches of {batch_size} decoded images, per decoded image"
        cases = operations.batches(photo, size, batch_size)
        found = operations.measure(cases, batch_size, 2, FLAGS.rounds)
        tables.append(operations.report(title, found))
    if _CORRUPTIONS in FLAGS.tables:
        picture = operations.training_crops(photo, size)[0]
        rates = corruptions.rates(picture, FLAGS.rounds, FLAGS.against)
        print(f"\n{_CORRUPTIONS}, pictures per second of one core, {size} x {size} x 3")
        print(corruptions.table(rates))
        tables.append({"title": _CORRUPTIONS, "pictures_per_second": rates})
    print(json.dumps({"tables": tables, "tensorflow": tf.__version__}))


def _photo(path: str) -> bytes:
    """Returns an encoded image: the file's, or a generated JPEG of 500 x 375."""
    if not path:
        pixels = made_up_photos.photo(np.random.default_rng(0), 375, 500)
        return tf.io.encode_jpeg(pixels, quality=90).numpy()
    try:
        return tf.io.gfile.GFile(path, "rb").read()
    except tf.errors.OpError as error:
        raise RunError(f"--photo={path} cannot be read: {error.message}") from error


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("photo", "", "A JPEG; default: a generated one of 500 x 375.")
    flags.DEFINE_integer("image_size", 224, "Side of a training image in pixels.", lower_bound=16)
    flags.DEFINE_integer("batch_size", 64, "Decoded images per batch.")
    flags.DEFINE_float("level", 7.0, "Level of each operation, 0 to 10.")
    flags.DEFINE_list(
        "tables",
        list(_TABLES),
        f"Which tables, out of {', '.join(_TABLES)}; and {_CORRUPTIONS}, those of ImageNet-C.",
    )
    flags.DEFINE_string(
        "against",
        "",
        "A Python that has the package imagecorruptions, which the corruptions take turns with.",
    )
    flags.DEFINE_integer("rounds", 5, "How often the cases take turns.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    program.run(main)
