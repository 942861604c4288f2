"""Classifies images with a SavedModel.

    python -m official.predict --saved_model DIR photo.jpg FOLDER ...

Prints the five best classes of each, with names. Folders are walked.
"""

import sys

import numpy as np
import tensorflow as tf
from absl import flags

from official.command import program
from official.export import photos, serving
from official.run.errors import RunError
from preprocessing import orientation

FLAGS = flags.FLAGS


def main(names: list[str]) -> None:
    """Prints a block per image; exits with status 1 if one could not be classified."""
    if not names:
        raise RunError("no images were given: name at least one file or folder after the flags.")
    served = serving.Served(FLAGS.saved_model)
    classify = served.signature("serving_default")
    good = bad = turned = 0
    for photo in photos.find(names):
        problem = photo.problem
        if not problem:
            try:
                answer = classify(image_bytes=tf.constant([photo.data]))
            except tf.errors.InvalidArgumentError:
                problem = photos.why_not(photo.data, served.description["decoder"])
        if problem:
            bad += 1
            print(f"error: {photo.path}: {problem}", file=sys.stderr)
            continue
        good += 1
        turned += int(orientation.of_jpeg(tf.constant(photo.data))) != 1
        print(photo.path)
        probabilities = answer["probabilities"].numpy()[0]
        for index in np.argsort(-probabilities, kind="stable")[: FLAGS.top_k]:
            print(f"  {100 * probabilities[index]:6.2f} %  {served.class_names[index]}")
    if turned:
        print(_about_turned(turned, good, served), file=sys.stderr)
    if bad:
        raise RunError(f"{bad} of {good + bad} images could not be classified, see above.")


def _about_turned(turned: int, photos: int, served: serving.Served) -> str:
    """Returns in a line what became of photos that have an EXIF orientation."""
    if served.description["preprocessing"].get("exif_orientation"):
        return f"{turned} of {photos} photos were turned upright by their EXIF orientation"
    return (
        f"note: {turned} of {photos} photos have an EXIF orientation, which this model does not "
        "apply: they are seen as they are stored (official.export --exif_orientation)"
    )


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_integer("top_k", 5, "Classes shown per image.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("saved_model",), words=True)
