"""Requests that TensorFlow Serving sends to a model before anybody else may: `assets.extra`.

The first request of a size makes a graph, which takes seconds. TensorFlow Serving reads the file
`assets.extra/tf_serving_warmup_requests` when it loads a version: a TFRecord file of PredictionLog
messages (https://www.tensorflow.org/tfx/serving/saved_model_warmup). Their few fields are written
here by hand, as the package with those messages wants another build of TensorFlow beside it.
"""

import io
import os

import numpy as np
import PIL.Image
import tensorflow as tf

from official.run.export_options import ExportOptions
from preprocessing import PreprocessingConfig

FOLDER = "assets.extra"
FILE = "tf_serving_warmup_requests"
# Images of a request, where the model takes any number.
_BATCHES = (1, 8)
# Numbers of fields in tensorflow_serving/apis: prediction_log, predict and model.proto.
_PREDICT_LOG, _REQUEST, _SPEC, _INPUTS, _SIGNATURE_NAME = 6, 1, 1, 2, 3
_KEY, _VALUE = 1, 2


def write(folder: str, prepared: PreprocessingConfig, options: ExportOptions) -> None:
    """Writes the requests of a model into its versioned folder."""
    place = os.path.join(folder, FOLDER)
    tf.io.gfile.makedirs(place)
    image = _image(prepared)
    sizes = (options.export_batch_size,) if options.export_batch_size else _BATCHES
    with tf.io.TFRecordWriter(os.path.join(place, FILE)) as writer:
        for size in sizes:
            writer.write(prediction_log([image] * size))


def prediction_log(images: list[bytes]) -> bytes:
    """Returns a PredictionLog of a request for `serving_default` with encoded images."""
    tensor = tf.make_tensor_proto(images, tf.string).SerializeToString()
    spec = _field(_SIGNATURE_NAME, b"serving_default")
    inputs = _field(_KEY, b"image_bytes") + _field(_VALUE, tensor)
    request = _field(_SPEC, spec) + _field(_INPUTS, inputs)
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """Returns a field of bytes, or of a message, as protobuf writes it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Returns a number in groups of seven bits, the lowest first."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _image(prepared: PreprocessingConfig) -> bytes:
    """Returns an image of noise of the size that the model makes of images."""
    side = prepared.eval_size
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    encoded = io.BytesIO()
    PIL.Image.fromarray(pixels).save(encoded, "webp" if prepared.decoder == "webp" else "jpeg")
    return encoded.getvalue()
