"""Classifies images with a SavedModel.

    python -m official.predict --saved_model DIR photo.jpg ...

Prints the five best classes of each, with names.
"""

import sys

import numpy as np
import tensorflow as tf
from absl import flags

from official.command import program
from official.export import serving
from official.run.errors import RunError, explain

FLAGS = flags.FLAGS


def main(photos: list[str]) -> None:
    """Prints a block per image; exits with status 1 if one could not be classified."""
    if not photos:
        raise RunError("no images were given: name at least one file after the flags.")
    served = serving.Served(FLAGS.saved_model)
    classify = served.signature("serving_default")
    bad = 0
    for path in photos:
        try:
            with tf.io.gfile.GFile(path, "rb") as handle:
                answer = classify(image_bytes=tf.constant([handle.read()]))
        except (tf.errors.OpError, OSError) as error:
            bad += 1
            print(f"error: {path}: {_reason(error, served)}", file=sys.stderr)
            continue
        print(path)
        probabilities = answer["probabilities"].numpy()[0]
        for index in np.argsort(-probabilities, kind="stable")[: FLAGS.top_k]:
            print(f"  {100 * probabilities[index]:6.2f} %  {served.class_names[index]}")
    if bad:
        sys.exit(1)


def _reason(error: BaseException, served: serving.Served) -> str:
    """Returns why an image could not be classified."""
    if isinstance(error, tf.errors.NotFoundError):
        return "no such file"
    if isinstance(error, tf.errors.InvalidArgumentError):
        decoder = served.description["decoder"]
        return f"cannot be decoded; this model was exported for {decoder} images"
    return explain(error) if isinstance(error, tf.errors.OpError) else str(error)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_integer("top_k", 5, "Classes shown per image.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("saved_model",), words=True)
