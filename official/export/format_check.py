"""Proves that the other formats of an export say of pictures what the run's network says.

Each is loaded in a process of its own, in which there is no TensorFlow, and gets all pictures of
the evaluation, prepared.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from official.export import formats, runtimes, separate, verification
from official.input import pipeline
from official.run import paths
from official.run.errors import RunError
from official.run.export_options import ExportOptions

# Right answers of 100 that int8 may lose before somebody is told.
_LOSS = 2.0
# The same of its embeddings: the largest difference, as a share of the largest number.
_FAR = 0.2


@contextlib.contextmanager
def process_of(kind: str, path: str, threads: int = 0) -> Iterator[runtimes.Runner]:
    """Runs a file in a fresh process while the body runs; see `runtimes.load`.

    Yields a function from images to outputs.

    Raises:
      RunError: the process ended; its last line is given.
    """
    with paths.plain_folder(os.path.dirname(path)) as folder:
        name = os.path.basename(path)
        words = [runtimes.__file__, kind, os.path.join(folder, name), str(threads)]
        what = f"{name} cannot be run by {kind}"
        with separate.process(words, what) as ask:
            yield lambda images: ask({"images": images})


def check(
    folder: str, network: tf.keras.Model, found: verification.Images, options: ExportOptions
) -> dict[str, str]:
    """Compares every other format with the run's network; returns a line about each.

    Raises:
      RunError: one differs by more than `verification.TOLERANCE`; int8 may.
    """
    values = "embedding" if options.export_embedding_only else "logits"
    compared = {name: verification.Comparison() for name in options.others}
    with contextlib.ExitStack() as stack:
        stack.enter_context(verification.without_tf32())
        runners = {
            name: stack.enter_context(
                process_of(formats.FORMATS[name].runtime, _path(folder, name))
            )
            for name in options.others
        }
        reference = verification.outputs_of(network)
        for images, labels in pipeline.evaluation_dataset(found.config, found.split):
            wanted = reference(images)[values].numpy()
            batch = options.export_batch_size or len(wanted)
            for name, run in runners.items():
                rows = _in_batches(run, images.numpy(), batch)[values]
                for row, answer, label in zip(wanted, rows, labels.numpy(), strict=True):
                    if values == "logits":
                        compared[name].add(row, answer, label)
                    else:
                        compared[name].add_values(row, answer)
    return {name: _verdict(name, one, values) for name, one in compared.items()}


def _in_batches(run: runtimes.Runner, images: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Returns the outputs for images in batches of one size; the last is filled up with zeros."""
    parts = []
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        full = np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), np.float32)])
        parts.append({name: rows[: len(batch)] for name, rows in run(full).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _verdict(name: str, one: verification.Comparison, values: str) -> str:
    """Returns the line about a format.

    Raises:
      RunError: there was no image, or the format differs.
    """
    if not one.images:
        raise RunError("there is no image to compare with. Nothing was exported; see --noverify.")
    if name == formats.INT8:
        if values != "logits":
            if one.largest > _FAR:
                print("note: int8 makes other embeddings of these images", file=sys.stderr)
            return f"embeddings differ by {one.largest:.2g} of the largest, {one.images} images"
        lost = 100 * (one.reference_right - one.right) / one.images
        if lost > _LOSS:
            print(f"note: int8 loses {lost:.2f} of 100 right answers", file=sys.stderr)
        shares = [100 * right / one.images for right in (one.right, one.reference_right)]
        return (
            f"{one.right} of {one.images} right (top-1 {shares[0]:.2f} %), in float32 "
            f"{one.reference_right} ({shares[1]:.2f} %)"
        )
    if not one.equal:
        raise RunError(
            f"--format={name} differs from the run's network: {values} by {one.largest:.2g} of the "
            f"largest (tolerance {one.tolerance:g}), {one.flipped} of {one.images} decisions that "
            "are no near ones. Nothing was exported."
        )
    return f"{values} of {one.images} images {one.in_words()}, in a process without TensorFlow"


def _path(folder: str, name: str) -> str:
    """Returns the file of a format in the folder of a version."""
    return os.path.join(folder, *formats.FORMATS[name].file.split("/"))
