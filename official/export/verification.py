"""Proves that an exported model says of encoded images what the run's network says of them."""

import contextlib
import dataclasses
import io
import os
from collections.abc import Iterable, Iterator

import numpy as np
import PIL.Image
import tensorflow as tf

from official.evaluate import views
from official.export import serving
from official.input import pipeline
from official.input.splits import evaluation_split
from official.run import classes, files, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import EVALUATION_FILE
from preprocessing.decode import decode_image

# Logits may differ by that share of the largest one of the image (at least of 1): folded batch
# norms and another size of the batch round otherwise.
TOLERANCE = 1e-3
# An evaluation that was done before may have multiplied in TF32, which rounds more coarsely.
_TF32 = 10.0
_BATCH = 64


@dataclasses.dataclass
class Comparison:
    """What two networks say of the same images.

    Attributes:
      images: Compared so far.
      right: Of these, how many the exported model classifies rightly.
      reference_right: How many the run's network does.
      largest: Largest difference of logits, as a share of the largest logit (at least 1).
      flipped: Decisions that differ although the margin is not smaller than the tolerance.
      near: Decisions so near to another one that an evaluation may have seen them otherwise.
    """

    images: int = 0
    right: int = 0
    reference_right: int = 0
    largest: float = 0.0
    flipped: int = 0
    near: int = 0

    def add(self, reference: np.ndarray, exported: np.ndarray, label: int) -> None:
        """Adds the logits [C] of both networks for one image of class `label`."""
        scale = max(1.0, float(np.abs(reference).max()))
        difference = float(np.abs(reference - exported).max()) / scale
        # Not max(), which loses a difference that is not a number.
        self.largest = float(np.maximum(self.largest, difference))
        best = np.sort(reference)[::-1]
        margin = float(best[0] - best[1]) / scale if len(best) > 1 else np.inf
        decisions = int(reference.argmax()), int(exported.argmax())
        self.images += 1
        self.reference_right += decisions[0] == label
        self.right += decisions[1] == label
        self.flipped += decisions[0] != decisions[1] and not margin < TOLERANCE
        self.near += margin < _TF32 * TOLERANCE

    @property
    def equal(self) -> bool:
        """Whether both are the same network."""
        return self.largest <= TOLERANCE and not self.flipped


def verify(
    folder: str,
    network: tf.keras.Model,
    config: RunConfig,
    model_dir: str,
    checkpoint: str,
    data_dir: str = "",
) -> str:
    """Compares an exported model with the run's `network` on every image of the evaluation.

    The model reads the encoded images in batches of another size than the evaluation's; arithmetic
    is float32 without TF32 meanwhile.

    Args:
      folder: the exported model.
      network: with the weights of `checkpoint`, batch norms not folded.
      config: the run.
      model_dir: folder of the run, whose evaluation.json says which data was scored last.
      checkpoint: its prefix.
      data_dir: folder of TFRecords; default: the data scored last, or the run's.

    Returns:
      A line that says what was compared, and how near they are.

    Raises:
      RunError: the logits differ by more than `TOLERANCE`, a decision does although it is no near
        one, or the evaluation of this checkpoint on this data counted something else.
    """
    known = _evaluation(model_dir, checkpoint, data_dir)
    served = serving.Served(folder)
    # Where the evaluation left bad records out, the same ones are left out here.
    skips = "skip" if "bad_records" in known else config.data.on_bad_val_record
    turned = served.description["preprocessing"]["exif_orientation"]
    config = dataclasses.replace(
        config.with_data(on_bad_val_record=skips),
        preprocessing=dataclasses.replace(config.preprocessing, exif_orientation=turned),
    )
    data_dir = data_dir or known.get("data_dir", "")
    split = evaluation_split(config, data_dir, known.get("val_regex", ""))
    config = classes.for_records(config, data_dir, known.get("label_offset"))
    found = Comparison()
    with _without_tf32():
        pairs = zip(
            _of_network(network, config, split), _of_served(served, config, split), strict=True
        )
        for (reference, label), (exported, _) in pairs:
            found.add(reference, exported, label)
    _require_equal(found, known)
    left_out = split.num_examples - found.images
    return (
        f"verified: {found.right} of {found.images} raw images right (top-1 "
        f"{100 * found.right / found.images:.2f} %)"
        + (", as in the evaluation" if known else "")
        + (f"; {left_out} bad records left out" if left_out else "")
        + f"; logits within {found.largest:.1e} of the largest (tolerance {TOLERANCE:g}), in "
        "float32 without TF32"
    )


def _require_equal(found: Comparison, known: dict) -> None:
    """Raises RunError unless the networks are equal and the evaluation, if any, is theirs."""
    if not found.images:
        raise RunError("there is no image to compare with. Nothing was exported; see --noverify.")
    if not found.equal:
        raise RunError(
            f"the exported model differs from the run's network: logits by {found.largest:.2g} of "
            f"the largest (tolerance {TOLERANCE:g}), {found.flipped} of {found.images} decisions "
            "that are no near ones. Nothing was exported."
        )
    if not known:
        return
    counted = known["correct_top1"], known["images"]
    if known["images"] != found.images or abs(counted[0] - found.reference_right) > found.near:
        raise RunError(
            f"the network classifies {found.reference_right} of {found.images} images rightly, but "
            f"{EVALUATION_FILE} says {counted[0]} of {counted[1]} for {known['checkpoint']}: the "
            "data or the file was changed. Evaluate again. Nothing was exported."
        )


def _evaluation(model_dir: str, checkpoint: str, data_dir: str) -> dict:
    """Returns the evaluation of `checkpoint` on that data, empty if the last one was another."""
    path = os.path.join(model_dir, EVALUATION_FILE)
    if not tf.io.gfile.exists(path):
        return {}
    known = files.read_json(path)
    same_data = not data_dir or paths.absolute(data_dir) == paths.absolute(known["data_dir"])
    # A mean over several views of an image is not what the exported model gives.
    one_view = known.get("views", "one") == views.describe(False, ())
    same = known["checkpoint"] == os.path.basename(checkpoint) and same_data and one_view
    return known if same else {}


def _of_network(network: tf.keras.Model, config: RunConfig, split) -> Iterator:
    """Yields the logits [C] that the run's network gives for each image, and its class."""
    predict = tf.function(lambda images: views.logits(network, images), reduce_retracing=True)
    dataset = pipeline.evaluation_dataset(config, split)
    return _rows((predict(images), labels) for images, labels in dataset)


def _of_served(served: serving.Served, config: RunConfig, split) -> Iterator:
    """Yields the logits [C] that the exported model gives for each encoded image, and its class."""
    classify = served.signature("serving_default")
    as_webp = served.description["decoder"] == "webp"

    def batches() -> Iterable:
        for encoded, labels in pipeline.encoded_dataset(config, split, _BATCH):
            if as_webp:
                encoded = tf.constant([_as_webp(image) for image in encoded.numpy()])
            yield classify(image_bytes=encoded)["logits"], labels

    return _rows(batches())


def _rows(batches: Iterable) -> Iterator:
    """Yields the rows of batches."""
    for logits, labels in batches:
        yield from zip(logits.numpy(), labels.numpy(), strict=True)


def _as_webp(encoded: bytes) -> bytes:
    """Returns an image of the records as WebP without loss: the same pixels to the last bit."""
    pixels = decode_image(tf.constant(encoded), "any").numpy()
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "webp", lossless=True)
    return buffer.getvalue()


@contextlib.contextmanager
def _without_tf32() -> Iterator[None]:
    """Makes GPUs multiply in full float32 while the body runs."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
