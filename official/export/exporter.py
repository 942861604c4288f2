"""Exports a run as a SavedModel and proves that it scores as the run does."""

import dataclasses
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable

import PIL.Image
import tensorflow as tf

from nets import fold_batch_norm
from official.evaluate import evaluation, views
from official.export import serving
from official.input import pipeline
from official.input.splits import evaluation_split
from official.run import checkpoints, configuration, files, lock, paths
from official.run.classes import class_names
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import EVALUATION_FILE, LABELS_FILE
from official.run.history import versions
from official.run.network import input_shape, network_for_inference
from preprocessing.decode import decode_image, webp_available

_VERIFY_BATCH = 64


def export(
    model_dir: str,
    export_dir: str,
    *,
    data_dir: str = "",
    version: int = 0,
    decoder: str = "jpeg",
    checkpoint: str = "",
    verify: bool = True,
    fold: bool = True,
) -> str:
    """Writes a SavedModel and returns its folder.

    Args:
      model_dir: folder of the run.
      export_dir: folder of the versions.
      data_dir: folder of the TFRecords to verify with; default: those last evaluated.
      version: number of the version; 0: the next one.
      decoder: what `image_bytes` will be: jpeg, png, webp, or any of TensorFlow's own formats.
      checkpoint: see `checkpoints.choose`; default: the newest.
      verify: compare the scores on raw bytes with the run's evaluation.
      fold: fold batch norm into the convolutions; see `nets.fold_batch_norm`.

    Raises:
      RunError or DatasetError: no such run or data, the version exists, or the scores differ.
    """
    config = configuration.load(model_dir)
    if decoder == "webp" and not webp_available():
        raise RunError(f"--export_decoder_type=webp: {serving.WEBP_HINT}")
    network = network_for_inference(config.model, input_shape(config))
    path = checkpoints.restore_network(network, model_dir, checkpoint or None)
    print(checkpoints.describe(model_dir, path), file=sys.stderr)
    if fold:
        network = fold_batch_norm(network)
    prepared = dataclasses.replace(config.preprocessing, decoder=decoder)

    def write(unfinished: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            assets = _write_assets(config, prepared, model_dir, path, scratch)
            _save(serving.ServingModule(network, prepared, assets), unfinished)
        if verify:
            _verify(unfinished, config, model_dir, path, data_dir)

    with lock.hold(export_dir):
        return _publish(write, export_dir, version)


def _publish(write: Callable[[str], None], export_dir: str, version: int) -> str:
    """Lets `write` make a folder, and gives it the name of a version once it is on the disk."""
    version = version or serving.next_version(export_dir)
    target = os.path.join(export_dir, str(version))
    if tf.io.gfile.exists(target):
        raise RunError(f"{target} exists already; choose another --export_version.")
    # A name that is no number: TensorFlow Serving does not look at it.
    unfinished = os.path.join(export_dir, f"unfinished-export-{version}")
    for name in paths.list_names(export_dir):
        if re.fullmatch(r"unfinished-export-\d+", name):
            print(f"note: {name}, of an export that was ended, is removed", file=sys.stderr)
            tf.io.gfile.rmtree(os.path.join(export_dir, name))
    try:
        write(unfinished)
        for folder, _, names in tf.io.gfile.walk(unfinished):
            for name in (*names, ""):
                paths.sync(os.path.join(folder, name))
        tf.io.gfile.rename(unfinished, target)
        paths.sync(export_dir)
    finally:
        if tf.io.gfile.exists(unfinished):
            tf.io.gfile.rmtree(unfinished)
    if paths.has_signs(target):
        print(
            f"note: TensorFlow takes a sign in {target} for a pattern: its own tools and "
            "TensorFlow Serving read the model only from a folder without * ? [ and \\",
            file=sys.stderr,
        )
    return target


def _save(module: serving.ServingModule, folder: str) -> None:
    """Writes the SavedModel without Keras' remarks about functions that are not needed."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        tf.saved_model.save(module, folder, signatures=module.signatures())
    finally:
        logger.setLevel(level)


def _write_assets(
    config: RunConfig, prepared, model_dir: str, checkpoint: str, folder: str
) -> dict[str, str]:
    """Writes class names and description into `folder`; returns their paths by asset name."""
    labels = os.path.join(folder, LABELS_FILE)
    files.write_text(labels, "".join(f"{n}\n" for n in class_names(config, model_dir)))
    description = os.path.join(folder, serving.DESCRIPTION_FILE)
    files.write_json(
        description,
        {
            "checkpoint": os.path.basename(checkpoint),
            "step": checkpoints.step_of(checkpoint),
            "image_size": prepared.eval_size,
            "decoder": prepared.decoder,
            "needs_tensorflow_io": prepared.decoder in ("webp", "any") and webp_available(),
            "num_classes": config.model.num_classes,
            "model": config.model.to_dict(),
            "preprocessing": prepared.to_dict(),
            "versions": versions(),
        },
    )
    return {"labels": labels, "description": description}


def _verify(folder: str, config: RunConfig, model_dir: str, checkpoint: str, data_dir: str) -> None:
    """Raises RunError unless the model has as many right answers on raw bytes as the run."""
    wanted = _evaluation(model_dir, checkpoint, data_dir)
    # Where the evaluation left bad records out, the same ones are left out here.
    skips = "skip" if "bad_records" in wanted else "fail"
    config = config.with_data(on_bad_val_record=skips)
    split = evaluation_split(config, wanted["data_dir"], wanted["val_regex"])
    served = serving.Served(folder)
    classify = served.signature("serving_default")
    right = images = 0
    for encoded, labels in pipeline.encoded_dataset(config, split, _VERIFY_BATCH):
        if served.description["decoder"] == "webp":
            encoded = tf.constant([_as_webp(image) for image in encoded.numpy()])
        classes = classify(image_bytes=encoded)["classes"]
        right += int(tf.reduce_sum(tf.cast(classes == labels, tf.int32)))
        images += int(tf.size(labels))
    if (right, images) != (wanted["correct_top1"], wanted["images"]):
        raise RunError(
            f"the exported model classifies {right} of {images} images of {wanted['val_regex']} "
            f"rightly, but the evaluation of {wanted['checkpoint']} says "
            f"{wanted['correct_top1']} of {wanted['images']}. Nothing was exported."
        )
    left_out = wanted.get("bad_records", 0)
    print(
        f"verified: {right} of {images} raw images right "
        f"(top-1 {100 * right / images:.2f} %), as in the evaluation"
        + (f"; {left_out} bad records left out, as there" if left_out else "")
    )


def _as_webp(encoded: bytes) -> bytes:
    """Returns an image of the records as WebP without loss: the same pixels to the last bit."""
    pixels = decode_image(tf.constant(encoded), "any").numpy()
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "webp", lossless=True)
    return buffer.getvalue()


def _evaluation(model_dir: str, checkpoint: str, data_dir: str) -> dict:
    """Returns the evaluation of `checkpoint`: the one on disk if it fits, else a new one."""
    path = os.path.join(model_dir, EVALUATION_FILE)
    if tf.io.gfile.exists(path):
        known = files.read_json(path)
        same_data = not data_dir or paths.absolute(data_dir) == paths.absolute(known["data_dir"])
        # A mean over several views of an image is not what the exported model gives.
        one_view = known.get("views", "one") == views.describe(False, ())
        if known["checkpoint"] == os.path.basename(checkpoint) and same_data and one_view:
            return known
    return evaluation.evaluate(model_dir, data_dir, checkpoint=checkpoint)
