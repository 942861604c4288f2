"""Proves that an exported model says of encoded images what the run's network says of them."""

import collections
import contextlib
import dataclasses
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import PIL.Image
import tensorflow as tf

from datasets.records import reader
from official.evaluate import views
from official.export import separate, serving
from official.input import pipeline
from official.input.splits import evaluation_split
from official.run import classes, files, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import EVALUATION_FILE
from preprocessing import PreprocessingConfig, checks
from preprocessing.decode import decode_image

# Logits may differ by that share of the largest one of the image (at least of 1): folded batch
# norms and another size of the batch round otherwise, and weights that are stored in 16 bits more.
TOLERANCE = 1e-3
TOLERANCES = {"fp32": TOLERANCE, "fp16": 5e-3, "bf16": 5e-2}
# An evaluation that was done before may have multiplied in TF32, which rounds more coarsely.
_TF32 = 10.0
_BATCH = 64


@dataclasses.dataclass
class Comparison:
    """What two networks say of the same images.

    Attributes:
      tolerance: Largest difference of equal networks, as a share of the largest logit.
      images: Compared so far.
      right: Of these, how many the exported model classifies rightly.
      reference_right: How many the run's network does.
      largest: Largest difference of logits, as a share of the largest logit (at least 1).
      flipped: Decisions that differ although the margin is not smaller than the tolerance.
      near: Decisions so near to another one that an evaluation may have seen them otherwise.
      refused: Images that the exported model refuses, by their status.
    """

    tolerance: float = TOLERANCE
    images: int = 0
    right: int = 0
    reference_right: int = 0
    largest: float = 0.0
    flipped: int = 0
    near: int = 0
    refused: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, reference: np.ndarray, exported: np.ndarray, label: int) -> None:
        """Adds the logits [C] of both networks for one image of class `label`."""
        scale = self.add_values(reference, exported)
        best = np.sort(reference)[::-1]
        margin = float(best[0] - best[1]) / scale if len(best) > 1 else np.inf
        decisions = int(reference.argmax()), int(exported.argmax())
        self.reference_right += decisions[0] == label
        self.right += decisions[1] == label
        self.flipped += decisions[0] != decisions[1] and not margin < self.tolerance
        self.near += margin < _TF32 * self.tolerance

    def add_values(self, reference: np.ndarray, exported: np.ndarray) -> float:
        """Adds outputs of both networks that decide nothing; returns what they are compared to."""
        scale = max(1.0, float(np.abs(reference).max()))
        difference = float(np.abs(reference - exported).max()) / scale
        # Not max(), which loses a difference that is not a number.
        self.largest = float(np.maximum(self.largest, difference))
        self.images += 1
        return scale

    @property
    def equal(self) -> bool:
        """Whether both are the same network."""
        return self.largest <= self.tolerance and not self.flipped

    def in_words(self) -> str:
        """Returns how near both are."""
        return f"within {self.largest:.1e} of the largest (tolerance {self.tolerance:g})"


class Images(NamedTuple):
    """What an exported model is compared on.

    Attributes:
      config: the run, as it reads these records and prepares their images.
      split: the records.
      known: the evaluation of the same checkpoint on them, empty if there was none.
    """

    config: RunConfig
    split: reader.Split
    known: dict


def images(
    config: RunConfig,
    prepared: PreprocessingConfig,
    model_dir: str,
    checkpoint: str,
    data_dir: str = "",
) -> Images:
    """Returns the images of the run's evaluation, as an exported model prepares them.

    Args:
      config: the run.
      prepared: how the exported model prepares images.
      model_dir: folder of the run, whose evaluation.json says which data was scored last.
      checkpoint: its prefix.
      data_dir: folder of TFRecords; default: the data scored last, or the run's.
    """
    known = _evaluation(model_dir, checkpoint, data_dir)
    # Where the evaluation left bad records out, the same ones are left out here.
    skips = "skip" if "bad_records" in known else config.data.on_bad_val_record
    data_dir = data_dir or known.get("data_dir", "")
    split = evaluation_split(config, data_dir, known.get("val_regex", ""))
    same_size = prepared.eval_size == config.preprocessing.eval_size
    config = dataclasses.replace(
        config.with_data(on_bad_val_record=skips),
        preprocessing=dataclasses.replace(
            config.preprocessing,
            exif_orientation=prepared.exif_orientation,
            eval_image_size=prepared.eval_image_size,
        ),
    )
    config = classes.for_records(config, data_dir, known.get("label_offset"))
    return Images(config, split, known if same_size else {})


def verify(folder: str, network: tf.keras.Model, found: Images) -> str:
    """Compares an exported model with the run's `network` on every image of the evaluation.

    The model reads the encoded images in a fresh process, on the CPU, in batches of another size
    than the evaluation's; arithmetic is float32 without TF32 meanwhile.

    Args:
      folder: the exported model.
      network: with the weights of the checkpoint, batch norms not folded.
      found: what `images` returned.

    Returns:
      A line that says what was compared, and how near they are.

    Raises:
      RunError: the logits (the embeddings of a model that gives only those) differ by more than
        the tolerance, a decision does although it is no near one, or the evaluation of this
        checkpoint on this data counted something else.
    """
    exported = serving.Exported(folder)
    options = exported.options
    values = "embedding" if options.export_embedding_only else "logits"
    compared = Comparison(TOLERANCES[options.export_weights])
    with without_tf32(), separate.saved_model(folder) as ask:
        answers = _of_exported(exported, ask, found)
        pairs = zip(of_network(network, found), answers, strict=True)
        for (reference, label), (answer, _) in pairs:
            if answer["status"] != checks.GOOD:
                compared.refused[int(answer["status"])] += 1
            elif options.export_embedding_only:
                compared.add_values(reference[values], answer[values])
            else:
                compared.add(reference[values], answer[values], label)
    hint = f" (stored as {options.export_weights}; see --export_weights=fp32)"
    _require_equal(
        compared,
        {} if options.export_embedding_only else found.known,
        values,
        "" if options.export_weights == "fp32" else hint,
    )
    return _in_words(compared, found, values)


def _in_words(compared: Comparison, found: Images, values: str) -> str:
    """Returns the line about an export that is as it should be."""
    number = compared.images
    counted = f"embeddings of {number} raw images"
    if values == "logits":
        counted = (
            f"{compared.right} of {number} raw images right (top-1 "
            f"{100 * compared.right / number:.2f} %)"
        )
        counted += ", as in the evaluation" if found.known else ""
    left_out = found.split.num_examples - number - compared.refused.total()
    return (
        f"verified: {counted}"
        + (f"; {left_out} bad records left out" if left_out else "")
        + "".join(
            f"; {count} refused: {checks.MEANINGS[status]}"
            for status, count in compared.refused.items()
        )
        + f"; {values} {compared.in_words()}, in a fresh process, in float32 without TF32"
    )


def _require_equal(found: Comparison, known: dict, values: str = "logits", hint: str = "") -> None:
    """Raises RunError unless the networks are equal and the evaluation, if any, is theirs."""
    if not found.images:
        raise RunError("there is no image to compare with. Nothing was exported; see --noverify.")
    if not found.equal:
        raise RunError(
            f"the exported model{hint} differs from the run's network: {values} by "
            f"{found.largest:.2g} of the largest (tolerance {found.tolerance:g}), {found.flipped} "
            f"of {found.images} decisions that are no near ones. Nothing was exported."
        )
    if not known:
        return
    refused = found.refused.total()
    counted = known["correct_top1"], known["images"]
    unsure = found.near + refused
    if (
        known["images"] != found.images + refused
        or abs(counted[0] - found.reference_right) > unsure
    ):
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


def outputs_of(network: tf.keras.Model) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Returns a function from images to `logits` and `embedding` of a network."""
    outputs = {"logits": network.outputs[0], "embedding": network.get_layer("embedding").output}
    both = tf.keras.Model(network.inputs, outputs)
    return tf.function(lambda images: both(images, training=False), reduce_retracing=True)


def of_network(network: tf.keras.Model, found: Images) -> Iterator[tuple[dict, int]]:
    """Yields `logits` [C] and `embedding` [D] of the run's network for each image; its class."""
    predict = outputs_of(network)
    dataset = pipeline.evaluation_dataset(found.config, found.split)
    return _rows((predict(images), labels) for images, labels in dataset)


def _of_exported(
    exported: serving.Exported,
    ask: Callable[[Sequence[bytes]], serving.Outputs],
    found: Images,
) -> Iterator[tuple[dict, int]]:
    """Yields what the exported model, which `ask` asks, says of each encoded image; its class."""
    as_webp = exported.description["decoder"] == "webp"
    size = exported.options.export_batch_size or _BATCH
    for encoded, labels in pipeline.encoded_dataset(found.config, found.split, size):
        files = encoded.numpy().tolist()
        answers = ask([_as_webp(file) for file in files] if as_webp else files)
        yield from _rows([(answers, labels)])


def _rows(batches: Iterable) -> Iterator[tuple[dict, int]]:
    """Yields the rows of batches of outputs by name, and of labels."""
    for outputs, labels in batches:
        values = {name: np.asarray(value) for name, value in outputs.items()}
        for row, label in enumerate(np.asarray(labels)):
            yield {name: value[row] for name, value in values.items()}, label


def _as_webp(encoded: bytes) -> bytes:
    """Returns an image of the records as WebP without loss: the same pixels to the last bit."""
    pixels = decode_image(tf.constant(encoded), "any").numpy()
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "webp", lossless=True)
    return buffer.getvalue()


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    """Makes GPUs multiply in full float32 while the body runs."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
