"""Files of weights that other programs write, read as arrays by name, without those programs.

safetensors; torch's own files, where torch is installed; Keras' HDF5 and `.keras`; the layers
format of TensorFlow.js, as a folder or as the archive in which npm packs it.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import pickle
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np
import tensorflow as tf

from official.run.errors import RunError, short

# Keras' layers -> their arrays in the order in which Keras makes them.
Layers = dict[str, list[np.ndarray]]
_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
TFJS_FILE = "model.json"


@dataclasses.dataclass(frozen=True)
class KerasFile:
    """Weights of a Keras model.

    Attributes:
      layers: arrays of each layer that has any, by its name.
        In a file that holds weights alone these may be numbered classes, such as `conv2d_3`.
      config: configuration of each layer of the model, by name, and its class under `class_name`;
        empty where the file holds weights alone.
    """

    layers: Layers
    config: Mapping[str, dict[str, Any]]


@contextlib.contextmanager
def reading(path: str):
    """Makes a RunError that names the file of what its readers raise."""
    try:
        yield
    except RunError:
        raise
    except tf.errors.NotFoundError as error:
        raise RunError(f"{path} does not exist.") from error
    except Exception as error:  # Each reader raises what it likes.
        raise RunError(
            f"{path} cannot be read: {short(error)}. Has it been cut? Copy or download it again."
        ) from error


def safetensors(path: str) -> dict[str, np.ndarray]:
    """Reads a .safetensors file; bfloat16 becomes float32.

    Raises:
      RunError: the file is damaged, or a type has no counterpart in NumPy.
    """
    with reading(path), tf.io.gfile.GFile(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= tf.io.gfile.stat(path).length - 8:
            raise ValueError("it does not begin with the header of a .safetensors file")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        data = file.read()
        return {name: _tensor(name, entry, data) for name, entry in header.items()}


def _tensor(name: str, entry: dict[str, Any], data: bytes) -> np.ndarray:
    """One tensor of a .safetensors file, of its header's entry."""
    kind = entry["dtype"]
    if kind not in _SAFETENSORS:
        raise ValueError(f"{name} is of type {kind}, which is none of {', '.join(_SAFETENSORS)}")
    begin, end = entry["data_offsets"]
    values = np.frombuffer(data[begin:end], _SAFETENSORS[kind]).reshape(entry["shape"])
    if kind == "BF16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def torch_file(path: str) -> Any:
    """Reads a file that `torch.save` wrote, tensors as arrays, dictionaries as they are.

    Nothing in the file is run (`weights_only`).

    Raises:
      RunError: torch is not installed, or the file holds something else than weights.
    """
    try:
        import torch
    except ImportError as error:
        raise RunError(
            f"{path} can be read where PyTorch is installed (pip install torch). Or take the file "
            "as .safetensors, which needs nothing: timm's are on the same page, and "
            "`safetensors.torch.save_file(torch.load(PATH, weights_only=True), NEW)` makes one."
        ) from error
    with reading(path), tf.io.gfile.GFile(path, "rb") as file:
        # What training scripts store beside weights; it is data, and runs nothing.
        allow = getattr(torch.serialization, "safe_globals", lambda _: contextlib.nullcontext())
        data = io.BytesIO(file.read())
        try:
            with allow([argparse.Namespace]):
                content = torch.load(data, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise RunError(
                f"{path} holds more than weights, and what else it holds would be run. If you "
                "trust it: torch.save(torch.load(PATH, weights_only=False).state_dict(), NEW); "
                "without `.state_dict()` where it is a dictionary."
            ) from error

        def plain(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return value.detach().float().numpy()
            if isinstance(value, Mapping):
                return {str(key): plain(part) for key, part in value.items()}
            return value

        return plain(content)


def keras_file(path: str) -> KerasFile:
    """Reads a .keras file, or HDF5 of weights or of a whole model, of Keras 1 to 3."""
    with reading(path), tf.io.gfile.GFile(path, "rb") as file:
        content = io.BytesIO(file.read())
        if not zipfile.is_zipfile(content):
            with h5py.File(content, "r") as weights:
                return _hdf5(weights)
        with zipfile.ZipFile(content) as archive:
            config = _layer_configs(json.loads(archive.read("config.json")))
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as weights:
                numbered = _hdf5(weights).layers
        names = dict(zip(_numbered(config), config, strict=True))
        layers = {names.get(name, name): arrays for name, arrays in numbered.items()}
        return KerasFile(layers, config)


def _hdf5(file: h5py.File) -> KerasFile:
    """Weights of an HDF5 file, whichever of Keras' three layouts it has."""
    root = file["model_weights"] if "model_weights" in file else file
    config = {}
    if "model_config" in file.attrs:
        config = _layer_configs(json.loads(file.attrs["model_config"]))
    layers: Layers = {}
    if "layer_names" in root.attrs:
        for group in _texts(root.attrs["layer_names"]):
            for weight in _texts(root[group].attrs["weight_names"]):
                # The weights of a model inside a model stand in one group, by their layers' names.
                layer = weight.split("/")[-2] if "/" in weight else group
                layers.setdefault(layer, []).append(np.asarray(root[group][weight]))
        return KerasFile(layers, config)

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and name.split("/")[-2] == "vars":
            layers.setdefault(name.split("/")[-3], []).append(np.asarray(item))

    root.visititems(visit)
    return KerasFile(layers, config)


def _texts(values: Any) -> list[str]:
    """Names in an attribute of HDF5, which are bytes in old files."""
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _layer_configs(model: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Configuration of the layers of a model, and of models inside it, by name, in its order."""
    found: dict[str, dict[str, Any]] = {}
    config = model["config"]
    for layer in config["layers"] if isinstance(config, dict) else config:
        if "layers" in layer["config"]:
            found.update(_layer_configs(layer))
        else:
            name = layer["config"].get("name", layer.get("name"))
            found[name] = {**layer["config"], "class_name": layer["class_name"]}
    return found


def _numbered(config: Mapping[str, dict[str, Any]]) -> list[str]:
    """What layers are called in a file that knows their classes alone: `conv2d`, `conv2d_1`."""
    counts: dict[str, int] = {}
    names = []
    for layer in config.values():
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", layer["class_name"]).lower()
        count = counts.get(kind, 0)
        counts[kind] = count + 1
        names.append(f"{kind}_{count}" if count else kind)
    return names


def tfjs_layers(path: str) -> KerasFile:
    """Reads TensorFlow.js' layers format: `model.json`, or the archive of an npm package with it.

    Raises:
      RunError: the file is damaged, or its numbers are stored as something else than float32.
    """
    with reading(path):
        if path.endswith(TFJS_FILE):
            folder = os.path.dirname(path)
            return _tfjs(lambda name: tf.io.gfile.GFile(os.path.join(folder, name), "rb").read())
        with tf.io.gfile.GFile(path, "rb") as file, tarfile.open(fileobj=file, mode="r:gz") as tar:
            members = {member.name: member for member in tar.getmembers()}
            model = next((name for name in members if name.endswith(f"/{TFJS_FILE}")), None)
            if model is None:
                raise ValueError(f"there is no {TFJS_FILE} in it")
            folder = os.path.dirname(model)
            return _tfjs(lambda name: tar.extractfile(members[f"{folder}/{name}"]).read())


def _tfjs(read: Callable[[str], bytes]) -> KerasFile:
    """A model of TensorFlow.js whose files `read` gives by name."""
    model = json.loads(read(TFJS_FILE))
    layers: Layers = {}
    for group in model["weightsManifest"]:
        data = b"".join(read(name) for name in group["paths"])
        position = 0
        for weight in group["weights"]:
            if weight["dtype"] != "float32" or "quantization" in weight:
                raise ValueError(f"{weight['name']} is stored as something else than float32")
            count = int(np.prod(weight["shape"]))
            values = np.frombuffer(data, "<f4", count, position).reshape(weight["shape"])
            position += values.nbytes
            layers.setdefault(weight["name"].split("/")[-2], []).append(values)
    return KerasFile(layers, _layer_configs(model["modelTopology"]["model_config"]))
