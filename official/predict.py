"""Classifies images with a SavedModel, or with a server that has one.

    python -m official.predict --saved_model DIR photo.jpg FOLDER ...
    python -m official.predict --server HOST:8501 photo.jpg FOLDER ...

Prints the five best classes of each, with names. Folders are walked. --server takes HOST:8501 or
http://HOST:8501 for REST and grpc://HOST:8500 for gRPC, of TensorFlow Serving or of
`python -m official.serve`; /NAME behind it where the model is not called `model`. Names of classes
come from --saved_model then, and are numbers without it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from absl import flags

from official.command import program
from official.export import photos, serving
from official.run.errors import RunError
from official.serve.client import Client
from preprocessing import checks, orientation

FLAGS = flags.FLAGS
# Bytes after which no image is added to a batch, so that a request stays of a size that servers
# take.
_BATCH_BYTES = 16_000_000
_Ask = Callable[[Sequence[bytes]], dict[str, np.ndarray]]


def main(names: list[str]) -> None:
    """Prints a block per image; exits with status 1 if one could not be classified."""
    if not names:
        raise RunError("no images were given: name at least one file or folder after the flags.")
    ask, exported = _source()
    good = bad = turned = 0
    for photo, problem, probabilities in _classified(photos.find(names), ask, exported):
        if problem:
            bad += 1
            print(f"error: {photo.path}: {problem}", file=sys.stderr)
            continue
        good += 1
        turned += int(orientation.of_jpeg(tf.constant(photo.data))) != 1
        print(photo.path)
        for index in np.argsort(-probabilities, kind="stable")[: FLAGS.top_k]:
            name = exported.class_names[index] if exported else f"class {index}"
            print(f"  {100 * probabilities[index]:6.2f} %  {name}")
    if turned and exported:
        print(_about_turned(turned, good, exported), file=sys.stderr)
    if bad:
        raise RunError(f"{bad} of {good + bad} images could not be classified, see above.")


def _source() -> tuple[_Ask, serving.Exported | None]:
    """Returns what classifies encoded images, and what is known of the model."""
    if not FLAGS.server:
        if not FLAGS.saved_model:
            raise RunError("--saved_model or --server must be given; see --help.")
        tf.config.experimental.enable_tensor_float_32_execution(False)
        served = serving.Served(FLAGS.saved_model)
        served.require_classes()
        return served.answers, served
    client = Client(FLAGS.server, FLAGS.deadline, FLAGS.retries)
    if not FLAGS.saved_model:
        return client.answers, None
    exported = serving.Exported(FLAGS.saved_model)
    return lambda encoded: exported.in_its_batches(encoded, client.answers), exported


def _classified(
    found: Iterable[photos.Photo], ask: _Ask, exported: serving.Exported | None
) -> Iterator[tuple[photos.Photo, str, np.ndarray | None]]:
    """Yields each photo, what is wrong with it, and its probabilities, in the order of photos."""
    for batch in _batches(found):
        asked = [photo for photo in batch if not photo.problem]
        answers = iter(_rows(ask([photo.data for photo in asked]))) if asked else iter(())
        for photo in batch:
            if photo.problem:
                yield photo, photo.problem, None
                continue
            status, probabilities = next(answers)
            if exported:
                yield photo, photos.why_not(photo.data, status, exported.options), probabilities
            else:
                yield photo, checks.MEANINGS[status] if status else "", probabilities


def _batches(found: Iterable[photos.Photo]) -> Iterator[list[photos.Photo]]:
    """Yields as many photos as go into a request, with those that cannot be read in between."""
    batch: list[photos.Photo] = []
    for photo in found:
        batch.append(photo)
        size = sum(len(one.data) for one in batch)
        if len(batch) >= FLAGS.batch_size or size > _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(answers: dict[str, np.ndarray]) -> list[tuple[int, np.ndarray]]:
    """Returns status and probabilities of each image."""
    if "probabilities" not in answers:
        raise RunError("the served model gives embeddings only (--export_embedding_only).")
    rows = zip(answers["status"].tolist(), answers["probabilities"], strict=True)
    return [(int(status), np.asarray(shares)) for status, shares in rows]


def _about_turned(turned: int, photos: int, exported: serving.Exported) -> str:
    """Returns in a line what became of photos that have an EXIF orientation."""
    if exported.description["preprocessing"].get("exif_orientation"):
        return f"{turned} of {photos} photos were turned upright by their EXIF orientation"
    return (
        f"note: {turned} of {photos} photos have an EXIF orientation, which this model does not "
        "apply: they are seen as they are stored (official.export --exif_orientation)"
    )


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_string("server", "", "Ask this server: HOST:8501 (REST), grpc://HOST:8500.")
    flags.DEFINE_integer("batch_size", 8, "Images in a request, at most.", lower_bound=1)
    flags.DEFINE_float("deadline", 60.0, "Seconds for a request with its tries.", lower_bound=0.1)
    flags.DEFINE_integer("retries", 5, "Tries of a request after the first.", lower_bound=0)
    flags.DEFINE_integer("top_k", 5, "Classes shown per image.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    program.run(main, words=True)
