"""A network in the formats of other programs: ONNX, TFLite (float and int8), OpenVINO.

All take `images`, prepared as for evaluation, of one size, and have no checks of their own.
"""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from official.export.module import ServingModule
from official.input import pipeline, splits
from official.run import files, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError, short
from official.run.export_options import ExportOptions

_OPSET = 17
# What of a SavedModel's folder is there for TensorFlow alone.
_OF_SAVED_MODEL = ("saved_model.pb", "fingerprint.pb", "variables", "assets.extra")


class Format(NamedTuple):
    """Another format.

    Attributes:
      file: of it, in the folder of the version.
      runtime: key of `runtimes.KINDS`.
      packages: that are needed to make and to check it, as they are imported.
      extra: of this program's installation that brings them.
    """

    file: str
    runtime: str
    packages: tuple[str, ...]
    extra: str


FORMATS = {
    "onnx": Format("model.onnx", "onnx", ("onnx", "tf2onnx", "onnxruntime"), "onnx"),
    "tflite": Format("model.tflite", "tflite", ("ai_edge_litert",), "tflite"),
    "tflite_int8": Format("model_int8.tflite", "tflite", ("ai_edge_litert",), "tflite"),
    "openvino": Format("openvino/model.xml", "openvino", ("openvino",), "openvino"),
}
INT8 = "tflite_int8"


def require_converters(options: ExportOptions) -> None:
    """Raises RunError if what makes one of the formats is not installed."""
    for name in options.others:
        wanted = FORMATS[name]
        missing = [one for one in wanted.packages if importlib.util.find_spec(one) is None]
        if missing:
            raise RunError(
                f"--format={name} needs {', '.join(missing)}: pip install -e .[{wanted.extra}]"
            )


def write(
    module: ServingModule, options: ExportOptions, folder: str, calibration: np.ndarray | None
) -> None:
    """Writes the formats that are wanted into the folder of a version.

    Args:
      module: the exported network.
      options: which formats.
      folder: of the version, which has its SavedModel.
      calibration: images, float32 [N, S, S, 3], whose values int8 has to hold.

    Raises:
      RunError: a converter gives up.
    """
    for name in options.others:
        path = os.path.join(folder, *FORMATS[name].file.split("/"))
        tf.io.gfile.makedirs(os.path.dirname(path))
        try:
            with _quiet():
                _CONVERTERS[name](module, options.export_batch_size or None, path, calibration)
        except Exception as error:
            # Converters raise whatever they like.
            raise RunError(
                f"--format={name}: the converter gave up: {short(error)}. Nothing was exported."
            ) from error


def remove_saved_model(folder: str) -> None:
    """Removes what only TensorFlow reads, where `savedmodel` is no format that is wanted."""
    for name in _OF_SAVED_MODEL:
        path = os.path.join(folder, name)
        if tf.io.gfile.isdir(path):
            tf.io.gfile.rmtree(path)
        elif tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)


def calibration_images(
    config: RunConfig, options: ExportOptions, data_dir: str
) -> tuple[np.ndarray, str]:
    """Returns images of the training split for int8, float32 [N, S, S, 3], and which they are.

    Raises:
      RunError or DatasetError: there are none.
    """
    folder = data_dir or config.data.data_dir
    if not folder:
        raise RunError(
            f"--format={INT8} is calibrated with training images: give --data_dir, the folder of "
            "the TFRecords."
        )
    split = splits.find_split(folder, config.data.train_regex, "skip")
    config = config.with_data(on_bad_val_record="skip", val_batch_size=32)
    images: list[np.ndarray] = []
    for batch, _ in pipeline.evaluation_dataset(config, split):
        images.extend(batch.numpy()[: options.calibration_images - len(images)])
        if len(images) >= options.calibration_images:
            break
    if not images:
        raise RunError(f"{folder} has no training image that int8 could be calibrated with.")
    where = f"the first {len(images)} images of {config.data.train_regex} in {folder}"
    return np.stack(images), where


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what converters print to themselves; what they raise is told by `write`."""
    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow", "tf2onnx")]
    levels = [logger.level for logger in loggers]
    held = os.dup(1), os.dup(2)
    with open(os.devnull, "wb") as nothing:
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            for number in (1, 2):
                os.dup2(nothing.fileno(), number)
            yield
        finally:
            for number, before in zip((1, 2), held, strict=True):
                os.dup2(before, number)
                os.close(before)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _to_onnx(module: ServingModule, batch: int | None, path: str, _: None) -> None:
    """By tf2onnx; opset 17."""
    import tf2onnx

    function = module.static(batch)
    made, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=_OPSET)
    for value in (*made.graph.input, *made.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if not first.dim_value:
            first.dim_param = "N"
    files.write_bytes(path, made.SerializeToString())


def _to_tflite(
    module: ServingModule, batch: int | None, path: str, calibration: np.ndarray | None
) -> None:
    """By TensorFlow's own converter."""
    function = module.static(batch).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        size = batch or 1
        converter.representative_dataset = lambda: (
            [calibration[start : start + size]]
            for start in range(0, len(calibration) - size + 1, size)
        )
        # Input and outputs stay float32; what has no form in int8 stays so, too.
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
    files.write_bytes(path, converter.convert())


def _to_openvino(module: ServingModule, batch: int | None, path: str, _: None) -> None:
    """By OpenVINO's reader of TensorFlow graphs; weights stay float32."""
    import openvino

    made = openvino.convert_model(module.static(batch).get_concrete_function())
    # It writes two local files, whose names belong together.
    with paths.plain_folder(os.path.dirname(path)) as folder:
        openvino.save_model(
            made, os.path.join(folder, os.path.basename(path)), compress_to_fp16=False
        )


_CONVERTERS = {
    "onnx": _to_onnx,
    "tflite": lambda module, batch, path, _: _to_tflite(module, batch, path, None),
    INT8: _to_tflite,
    "openvino": _to_openvino,
}
