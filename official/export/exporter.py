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
from official.export import (
    calibration,
    format_check,
    formats,
    model_card,
    serving,
    verification,
    warm_up,
)
from official.export.module import ServingModule
from official.run import checkpoints, configuration, files, lock, paths
from official.run.classes import names_or_numbers
from official.run.configuration import RunConfig
from official.run.errors import RunError, refusals
from official.run.export_options import CALIBRATED, ExportOptions
from official.run.folder import LABELS_FILE
from official.run.history import versions
from official.run.network import input_shape, network_for_inference
from preprocessing import PreprocessingConfig, checks
from preprocessing.decode import WEBP_BUILT_IN, webp_available


def export(
    model_dir: str,
    export_dir: str,
    *,
    options: ExportOptions | None = None,
    data_dir: str = "",
    version: int = 0,
    checkpoint: str = "",
    verify: bool = True,
    exif_orientation: bool | None = None,
) -> str:
    """Writes a SavedModel, and beside it its model card, and returns their folder.

    Args:
      model_dir: folder of the run.
      export_dir: folder of the versions.
      options: what the model takes and gives; default: encoded JPEGs, classes.
      data_dir: folder of the TFRecords to verify with; default: those last evaluated.
      version: number of the version; 0: the next one.
      checkpoint: see `checkpoints.choose`; default: the newest.
      verify: compare the logits on raw bytes with the run's; see `verification.verify`.
      exif_orientation: turn JPEGs as their EXIF orientation says; None: if the conversion of the
        training data did.

    Raises:
      RunError or DatasetError: no such run or data, the version exists, or the logits differ.
    """
    options = options or ExportOptions()
    config = configuration.load(model_dir)
    if options.export_decoder_type == "webp" and not webp_available():
        raise RunError(f"--export_decoder_type=webp: {serving.WEBP_HINT}")
    upright = config.data.upright if exif_orientation is None else exif_orientation
    with refusals():
        prepared = options.prepared(config.preprocessing, upright)
    formats.require_converters(options)
    network = network_for_inference(config.model, _input_shape(config, options))
    path = checkpoints.restore_network(network, model_dir, checkpoint or None)
    print(checkpoints.describe(model_dir, path), file=sys.stderr)
    print(_about_orientation(upright, exif_orientation is not None), file=sys.stderr)
    found = None
    if verify or options.export_temperature == CALIBRATED:
        found = verification.images(config, prepared, model_dir, path, data_dir)
    findings = model_card.Findings([], {})
    if options.export_temperature == CALIBRATED:
        temperature, line = calibration.calibrate(network, found)
        options = dataclasses.replace(options, export_temperature=f"{temperature:.6g}")
        findings.model.append(line)
        print(line)
    calibration_images, calibrated_with = None, ""
    if formats.INT8 in options.format:
        sized = dataclasses.replace(config.preprocessing, eval_image_size=prepared.eval_image_size)
        calibration_images, calibrated_with = formats.calibration_images(
            dataclasses.replace(config, preprocessing=sized), options, data_dir
        )
    exported = fold_batch_norm(network) if options.fold_batch_norm else network

    def write(unfinished: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            assets = _write_assets(config, prepared, path, options, scratch)
            module = ServingModule(exported, prepared, assets, options)
            _save(module, unfinished)
        warm_up.write(unfinished, prepared, options)
        if verify:
            findings.model.insert(0, verification.verify(unfinished, network, found))
            print(findings.model[0])
        formats.write(module, options, unfinished, calibration_images)
        if verify and options.others:
            for name, line in format_check.check(unfinished, network, found, options).items():
                if name == formats.INT8:
                    line += f"; calibrated with {calibrated_with}"
                findings.formats[name] = line
                print(f"{name}: {line}")
        if "savedmodel" not in options.format:
            formats.remove_saved_model(unfinished)
        name = os.path.basename(path)
        card = model_card.text(model_dir, config, prepared, options, name, findings)
        files.write_text(os.path.join(unfinished, model_card.CARD_FILE), card)

    with lock.hold(export_dir):
        return _publish(write, export_dir, version)


def _input_shape(config: RunConfig, options: ExportOptions) -> tuple[int | None, int | None, int]:
    """Returns the shape of an image that the network is built for; None where any will do.

    Raises:
      RunError: the network takes one size only, and the export another.
    """
    shape = input_shape(config)
    wanted = options.export_image_size
    if shape[0] is not None and wanted not in ("", str(shape[0])):
        raise RunError(
            f"--export_image_size={wanted}: a network with --pool_type=flatten takes the size that "
            f"it was trained with only, {shape[0]} pixels."
        )
    return shape


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


def _save(module: ServingModule, folder: str) -> None:
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
    config: RunConfig,
    prepared: PreprocessingConfig,
    checkpoint: str,
    options: ExportOptions,
    folder: str,
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
            "options": dataclasses.asdict(options),
            "status": {str(status): text for status, text in checks.MEANINGS.items()},
            "model": config.model.to_dict(),
            "preprocessing": prepared.to_dict(),
            "versions": versions(),
        },
    )
    return {"labels": labels, "description": description}
