"""Exports a run as a SavedModel and proves that it scores as the run does."""

import contextlib
import dataclasses
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable

import tensorflow as tf

from nets import fold_batch_norm
from official.export import model_card, serving, verification
from official.run import checkpoints, configuration, files, lock, paths
from official.run.classes import names_or_numbers
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import LABELS_FILE
from official.run.history import versions
from official.run.network import input_shape, network_for_inference
from preprocessing import PreprocessingConfig
from preprocessing.decode import WEBP_BUILT_IN, webp_available


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
    exif_orientation: bool | None = None,
) -> str:
    """Writes a SavedModel, and beside it its model card, and returns their folder.

    Args:
      model_dir: folder of the run.
      export_dir: folder of the versions.
      data_dir: folder of the TFRecords to verify with; default: those last evaluated.
      version: number of the version; 0: the next one.
      decoder: what `image_bytes` will be: jpeg, png, webp, or any of TensorFlow's own formats.
      checkpoint: see `checkpoints.choose`; default: the newest.
      verify: compare the logits on raw bytes with the run's; see `verification.verify`.
      fold: fold batch norm into the convolutions; see `nets.fold_batch_norm`.
      exif_orientation: turn JPEGs as their EXIF orientation says; None: if the conversion of the
        training data did.

    Raises:
      RunError or DatasetError: no such run or data, the version exists, or the logits differ.
    """
    config = configuration.load(model_dir)
    if decoder == "webp" and not webp_available():
        raise RunError(f"--export_decoder_type=webp: {serving.WEBP_HINT}")
    network = network_for_inference(config.model, input_shape(config))
    path = checkpoints.restore_network(network, model_dir, checkpoint or None)
    print(checkpoints.describe(model_dir, path), file=sys.stderr)
    exported = fold_batch_norm(network) if fold else network
    upright = config.data.upright if exif_orientation is None else exif_orientation
    prepared = dataclasses.replace(config.preprocessing, decoder=decoder, exif_orientation=upright)
    print(_about_orientation(upright, exif_orientation is not None), file=sys.stderr)

    def write(unfinished: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            assets = _write_assets(config, prepared, path, scratch)
            _save(serving.ServingModule(exported, prepared, assets), unfinished)
        verified = ""
        if verify:
            verified = verification.verify(unfinished, network, config, model_dir, path, data_dir)
            print(verified)
        card = model_card.text(model_dir, config, prepared, os.path.basename(path), verified)
        files.write_text(os.path.join(unfinished, model_card.CARD_FILE), card)

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
    except BaseException:
        with contextlib.suppress(OSError, tf.errors.OpError):
            tf.io.gfile.rmtree(unfinished)
        raise
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


def _about_orientation(upright: bool, given: bool) -> str:
    """Returns in a line whether JPEGs are turned as their EXIF orientation says, and why."""
    if upright:
        return "photos are turned upright by their EXIF orientation" + (
            "" if given else ", as the training data was"
        )
    return "EXIF orientations of photos are not applied" + (
        ""
        if given
        else ": the training data was converted without; --exif_orientation applies them"
    )


def _write_assets(
    config: RunConfig, prepared: PreprocessingConfig, checkpoint: str, folder: str
) -> dict[str, str]:
    """Writes class names and description into `folder`; returns their paths by asset name."""
    labels = os.path.join(folder, LABELS_FILE)
    files.write_text(labels, "".join(f"{n}\n" for n in names_or_numbers(config)))
    description = os.path.join(folder, serving.DESCRIPTION_FILE)
    files.write_json(
        description,
        {
            "checkpoint": os.path.basename(checkpoint),
            "step": checkpoints.step_of(checkpoint),
            "image_size": prepared.eval_size,
            "decoder": prepared.decoder,
            "needs_tensorflow_io": prepared.decoder in ("webp", "any")
            and webp_available()
            and not WEBP_BUILT_IN,
            "num_classes": config.model.num_classes,
            "model": config.model.to_dict(),
            "preprocessing": prepared.to_dict(),
            "versions": versions(),
        },
    )
    return {"labels": labels, "description": description}
