"""The bounding boxes of ImageNet: out of the XML archive, or out of the CSV made of it.

The rules are those by which the CSV is made: sides are divided by the size of the image that the
annotator saw, put in order, cut to the image and rounded to four places; boxes without area, and
boxes that are labelled with another synset of the challenge, are left out. Either source gives
the same boxes.
"""

import csv
import gzip
import os
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Iterator

from datasets.errors import DatasetError
from datasets.sources import archive
from datasets.sources.items import Box

# By file name of the image, (ymin, xmin, ymax, xmax) as fractions.
Boxes = dict[str, tuple[Box, ...]]

_PLACES = 4


def read(path: str, synsets: Collection[str]) -> Boxes:
    """Reads the boxes of the images of some synsets.

    Args:
        path: CSV file, compressed or plain tar of XML files, or a folder of them.
        synsets: Those that are of interest.

    Raises:
        DatasetError: No such file, it is damaged, or has a name that points out of it.
    """
    if not os.path.exists(path):
        raise DatasetError(f"--bounding_box_file={path} does not exist")
    try:
        if os.path.isdir(path):
            return _from_xml(_folder_files(path), synsets)
        if path.endswith(".csv"):
            return _from_csv(path, synsets)
        return _from_xml(_tar_files(path), synsets)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise DatasetError(f"{path} is damaged or cut off ({error}); fetch it again") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error


def _from_csv(path: str, synsets: Collection[str]) -> Boxes:
    """Lines such as n00007846_64193.JPEG,0.0060,0.2620,0.7545,0.9940: xmin, ymin, xmax, ymax."""
    found: dict[str, list[Box]] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row:
                continue
            try:
                name, *sides = row
                xmin, ymin, xmax, ymax = (float(side) for side in sides)
            except ValueError as error:
                raise DatasetError(
                    f"line {number} of {path} is {','.join(row)!r}; needed are a file name, xmin, "
                    "ymin, xmax and ymax"
                ) from error
            if name.partition("_")[0] in synsets:
                found.setdefault(name, []).extend(_usable((ymin, xmin, ymax, xmax)))
    return {name: tuple(boxes) for name, boxes in found.items() if boxes}


def _from_xml(files: Iterator[tuple[str, bytes]], synsets: Collection[str]) -> Boxes:
    found: Boxes = {}
    for name, data in files:
        # The file name in the XML is "%s" at times; that of the XML itself is right.
        stem = os.path.basename(name).removesuffix(".xml")
        synset = stem.partition("_")[0]
        if synset not in synsets:
            continue
        boxes = _annotated(data, name, synset, synsets)
        if boxes:
            found[f"{stem}.JPEG"] = boxes
    return found


def _annotated(data: bytes, name: str, synset: str, synsets: Collection[str]) -> tuple[Box, ...]:
    try:
        root = ElementTree.fromstring(data)
        width, height = (_pixels(root, f"size/{side}") for side in ("width", "height"))
        boxes: list[Box] = []
        for thing in root.iter("object"):
            kind = (thing.findtext("name") or "").strip()
            # Dogs are often labelled by a name in place of a synset: those are kept.
            if kind != synset and kind in synsets:
                continue
            box = thing.find("bndbox")
            if box is None:
                continue
            xs = sorted(_pixels(box, side) / width for side in ("xmin", "xmax"))
            ys = sorted(_pixels(box, side) / height for side in ("ymin", "ymax"))
            boxes.extend(_usable((ys[0], xs[0], ys[1], xs[1])))
    except (ElementTree.ParseError, ValueError, ArithmeticError) as error:
        raise DatasetError(f"annotation {name} cannot be read: {error}") from error
    return tuple(boxes)


def _pixels(node: ElementTree.Element, path: str) -> int:
    text = node.findtext(path)
    if text is None:
        raise ValueError(f"it lacks {path}")
    # Some files have fractions; the CSV was made with them cut off.
    return int(float(text))


def _usable(box: Box) -> list[Box]:
    """The box cut to the image and rounded; none when no area is left."""
    sides = tuple(round(min(max(side, 0.0), 1.0), _PLACES) for side in box)
    ymin, xmin, ymax, xmax = sides
    return [sides] if ymin < ymax and xmin < xmax else []


def _folder_files(path: str) -> Iterator[tuple[str, bytes]]:
    for directory, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".xml"):
                with open(os.path.join(directory, name), "rb") as file:
                    yield name, file.read()


def _tar_files(path: str) -> Iterator[tuple[str, bytes]]:
    # In one pass from front to back: half a million small files.
    with tarfile.open(path, "r|*") as packed:
        for member in packed:
            packed.members = []
            name = archive.safe_name(member.name, path)
            if member.isreg() and name.endswith(".xml"):
                file = packed.extractfile(member)
                yield name, file.read() if file else b""
