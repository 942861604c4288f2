"""Photos as people name them for a prediction: files, folders, and what is neither."""

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from official.run import paths
from official.run.errors import explain
from official.run.export_options import ExportOptions
from preprocessing import checks

# How files begin, and what they are then. HEIC and AVIF have four bytes before that.
_STARTS = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF", b"BM": "BMP",
    b"II*\0": "TIFF", b"MM\0*": "TIFF",
}  # fmt: skip
_BRANDS = {b"ftypavif": "AVIF", b"ftypavis": "AVIF", b"ftyphei": "HEIC", b"ftyphev": "HEIC",
           b"ftypmif": "HEIC", b"ftypmsf": "HEIC"}  # fmt: skip
# What a model that was exported for any image decodes.
_ANY = ("JPEG", "PNG", "WebP", "BMP")
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif")
_SCHEMES = ("http://", "https://", "ftp://")


class Photo(NamedTuple):
    """A file that somebody named, or that lies in a folder; `data` or why it has none."""

    path: str
    data: bytes
    problem: str = ""


def kind_of(data: bytes) -> str:
    """Returns the format of an image file by its first bytes; "" for what is none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    return next((kind for brand, kind in _BRANDS.items() if data[4:].startswith(brand)), "")


def find(names: list[str]) -> Iterator[Photo]:
    """Yields the photos of files and folders, in order; folders are walked.

    Of a folder every file is a photo that begins as one, or has the name of one; hidden ones are
    not.
    """
    for name in names:
        if name.startswith(_SCHEMES):
            problem = "is an address, not a file: download it first (curl -O ADDRESS)"
            yield Photo(name, b"", problem)
        elif paths.is_local(name) and os.path.isdir(name):
            yield from _in_folder(name)
        else:
            yield _read(name)


def _in_folder(folder: str) -> Iterator[Photo]:
    """Yields the photos below a local folder; says how many files are none."""
    others = found = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            path = os.path.join(place, name)
            # Anything else, such as a pipe, might be read for ever.
            photo = _read(path) if os.path.isfile(path) else Photo(path, b"")
            if photo.problem or kind_of(photo.data) or name.lower().endswith(_ENDINGS):
                found += 1
                yield photo
            else:
                others += 1
    if not found:
        yield Photo(folder, b"", f"the folder holds no image ({others} other files)")
    elif others:
        print(f"note: {others} files in {folder} are no images and were left out", file=sys.stderr)


def _read(path: str) -> Photo:
    """Reads a file, local or on object storage."""
    try:
        if paths.is_local(path):
            # Not TensorFlow's: names need not be UTF-8 here.
            with open(path, "rb") as file:
                return Photo(path, file.read())
        with tf.io.gfile.GFile(path, "rb") as file:
            return Photo(path, file.read())
    except (FileNotFoundError, tf.errors.NotFoundError):
        return Photo(path, b"", "no such file")
    except OSError as error:
        return Photo(path, b"", error.strerror or str(error))
    except tf.errors.OpError as error:
        return Photo(path, b"", explain(error))


def why_not(data: bytes, status: int, options: ExportOptions) -> str:
    """Returns why an exported model gives no answer for a file, and the way out; "" if it does.

    `status` is what the model says, a key of `checks.MEANINGS`.
    """
    kind, decoder = kind_of(data), options.export_decoder_type
    if status == checks.GOOD:
        return ""
    if status == checks.EMPTY:
        return "the file is empty"
    if status == checks.TOO_LARGE:
        return (
            f"too large: this model takes {options.export_max_megapixels:g} megapixels, also once "
            "the shorter side has its size: make it smaller, or export the run again with "
            "--export_max_megapixels"
        )
    if status == checks.ANIMATED:
        return f"is an animated {kind}: save the frame that is meant as JPEG or PNG"
    if not kind:
        return "cannot be decoded: it is no image"
    if status == checks.DAMAGED:
        return f"cannot be decoded: the {kind} is damaged or cut off"
    if kind in _ANY and decoder != "any":
        way_out = "export the run again with --export_decoder_type=any, or save it as JPEG or PNG"
    else:
        way_out = "save it as JPEG or PNG"
    return f"is {kind}; this model was exported for {decoder} images: {way_out}"
