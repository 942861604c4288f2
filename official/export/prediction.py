"""Classifies pictures with a SavedModel.

Usage:
    python -m official.predict --saved_model DIR photo.jpg ...

Prints the five best classes of each, with names.
"""

import sys

import numpy as np
import tensorflow as tf
from absl import flags

from official.command import program
from official.export import serving
from official.run.configuration import RunError

FLAGS = flags.FLAGS


def predict(served: serving.Served, encoded: list[bytes]) -> np.ndarray:
    """Returns the probabilities of encoded pictures, float32 [N, C]."""
    classify = served.signature("serving_default")
    return classify(image_bytes=tf.constant(encoded))["probabilities"].numpy()


def best(probabilities: np.ndarray, names: list[str], k: int) -> list[tuple[str, float]]:
    """Returns the `k` most probable classes of one picture as (name, probability)."""
    order = np.argsort(-probabilities, kind="stable")[:k]
    return [(names[index], float(probabilities[index])) for index in order]


def main(photos: list[str]) -> None:
    """Prints a block per picture; exits with status 1 if one could not be classified."""
    if not photos:
        raise RunError("no pictures were given: name at least one file after the flags.")
    served = serving.Served(FLAGS.saved_model)
    bad = 0
    for path in photos:
        try:
            with tf.io.gfile.GFile(path, "rb") as handle:
                probabilities = predict(served, [handle.read()])[0]
        except (tf.errors.OpError, OSError) as error:
            bad += 1
            print(f"error: {path}: {_reason(error, served)}", file=sys.stderr)
            continue
        print(path)
        for name, probability in best(probabilities, served.class_names, FLAGS.top_k):
            print(f"  {100 * probability:6.2f} %  {name}")
    if bad:
        sys.exit(1)


def _reason(error: BaseException, served: serving.Served) -> str:
    """Returns why a picture could not be classified."""
    if isinstance(error, tf.errors.NotFoundError):
        return "no such file"
    if isinstance(error, tf.errors.InvalidArgumentError):
        decoder = served.description["decoder"]
        return f"cannot be decoded; this model was exported for {decoder} pictures"
    return program.explain(error) if isinstance(error, tf.errors.OpError) else str(error)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_integer("top_k", 5, "Classes shown per picture.", lower_bound=1)
