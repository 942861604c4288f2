"""Weights of any kind, known by the file: the original's, Keras', torchvision's or timm's."""

import os
import zipfile

import tensorflow as tf

from official.checkpoints import downloads, keras_weights, original_checkpoint, tensor_files
from official.checkpoints import timm_weights as timm
from official.checkpoints.foreign import ForeignWeights
from official.checkpoints.original_checkpoint import OriginalCheckpoint
from official.run.errors import RunError

Weights = OriginalCheckpoint | ForeignWeights
KINDS = ("auto", "original", "keras", "timm")
_ENDINGS = (".safetensors", ".h5", ".keras", ".pth", ".pt", ".bin", ".tgz", ".json")
# What files of weights are called in a folder, the best first.
_IN_FOLDERS = ("model.safetensors", "pytorch_model.bin", tensor_files.TFJS_FILE)


def read(path: str, kind: str = "auto", averages: bool = False) -> Weights:
    """Opens weights.

    Args:
      path: `imagenet` or `keras:NAME`, which may be downloaded; a file of Keras, torchvision or
        timm, or a folder with one; else a checkpoint of the original, its prefix or folder.
      kind: one of `KINDS`; `timm` stands for torchvision, too. `auto`: what the file shows.
      averages: take exponential moving averages.

    Raises:
      RunError: there is nothing to read, or it is of another kind.
    """
    path = os.path.expanduser(path)
    if downloads.is_name(path):
        path = downloads.fetch_weights(path)
    file = _file_of(path)
    found, reader = _recognise(file) if file else ("original", None)
    if kind not in ("auto", found):
        of = {"keras": "Keras", "timm": "torchvision or timm", "original": "the original"}
        raise RunError(f"--from={kind}: {path} is a file of {of[found]} (--from={found}).")
    if reader is None and path.endswith(_ENDINGS):
        wrong = "is not what its name says; was a web page saved in its place?"
        raise RunError(f"{path} {wrong if file else 'does not exist.'}")
    if reader is None:
        return original_checkpoint.read(path, averages)
    content = reader(file)
    if found == "timm":
        return timm.read(file, content, averages)
    if averages:
        raise RunError(f"--use_moving_averages: {file} holds no moving averages.")
    return keras_weights.read(file, content)


def is_foreign(path: str) -> bool:
    """Whether `path` means weights of Keras, torchvision or timm (or a name to download)."""
    path = os.path.expanduser(path)
    if downloads.is_name(path):
        return True
    file = _file_of(path)
    return bool(file) and _recognise(file)[0] != "original"


def _file_of(path: str) -> str:
    """The file that is meant, in a folder the best one; empty where there is none."""
    if not tf.io.gfile.isdir(path):
        return path if tf.io.gfile.exists(path) else ""
    names = sorted(tf.io.gfile.listdir(path))
    usual = [name for name in _IN_FOLDERS if name in names]
    others = [name for name in names if name.endswith(_ENDINGS[:-1])]
    if len(others) > 1 and not usual:
        raise RunError(f"{path} holds several files of weights; name one: {', '.join(others)}.")
    found = [*usual, *others]
    return os.path.join(path, found[0]) if found else ""


def _recognise(path: str):
    """Returns one of `KINDS` and the function that reads the file, from its first bytes."""
    with tf.io.gfile.GFile(path, "rb") as file:
        start = file.read(16)
        if start.startswith(b"\x89HDF"):
            return "keras", tensor_files.keras_file
        if start.startswith(b"PK"):
            names = zipfile.ZipFile(file).namelist() if zipfile.is_zipfile(file) else []
            keras = path.endswith(".keras") or "config.json" in names
            reader = tensor_files.keras_file if keras else tensor_files.torch_file
            return ("keras" if keras else "timm"), reader
    if start.startswith(b"\x1f\x8b") or os.path.basename(path) == tensor_files.TFJS_FILE:
        return "keras", tensor_files.tfjs_layers
    if start[8:9] == b"{" or path.endswith(".safetensors"):
        return "timm", tensor_files.safetensors
    # torch's format of before 2020 is a pickle.
    if start.startswith(b"\x80\x02"):
        return "timm", tensor_files.torch_file
    return "original", None
