"""Classifies images with a SavedModel.

Usage:
    python -m official.predict --saved_model DIR photo.jpg ...

Prints the five best classes of each, with names.
"""

import sys

import tensorflow as tf
from absl import flags

from official.command import program
from official.export import serving
from official.export.prediction import best, predict, reason
from official.run.errors import RunError

FLAGS = flags.FLAGS


def main(photos: list[str]) -> None:
    """Prints a block per image; exits with status 1 if one could not be classified."""
    if not photos:
        raise RunError("no images were given: name at least one file after the flags.")
    served = serving.Served(FLAGS.saved_model)
    bad = 0
    for path in photos:
        try:
            with tf.io.gfile.GFile(path, "rb") as handle:
                probabilities = predict(served, [handle.read()])[0]
        except (tf.errors.OpError, OSError) as error:
            bad += 1
            print(f"error: {path}: {reason(error, served)}", file=sys.stderr)
            continue
        print(path)
        for name, probability in best(probabilities, served.class_names, FLAGS.top_k):
            print(f"  {100 * probability:6.2f} %  {name}")
    if bad:
        sys.exit(1)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_integer("top_k", 5, "Classes shown per image.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("saved_model",), words=True)
