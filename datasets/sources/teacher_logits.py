"""A teacher's logits, as the original's teachers write them: CSV files, a line for each image.

A line holds the image's file name and a number for each class, the background class included. The
files are gone through once to learn where each line lies; the numbers are read when the record is
written, so that 15 GB of them need no memory.
"""

import glob
import os

from datasets.errors import DatasetError
from datasets.sources.archive_source import RangeSource
from datasets.sources.items import FileSource


def find(folder: str, split: str) -> dict[str, RangeSource]:
    """Where the numbers of each image are, by file name; files begin with the split's name.

    Raises:
        DatasetError: No such file, a line without a comma, or an image that comes twice.
    """
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), f"{split}*")))
    if not paths:
        raise DatasetError(f"--logits_file_path={folder} holds no files {split}*")
    found: dict[str, RangeSource] = {}
    for path in paths:
        stamp = FileSource(path).fingerprint()
        offset = 0
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                name, comma, numbers = line.partition(b",")
                if comma:
                    image = name.decode("utf-8", "replace").strip()
                    if image in found:
                        raise DatasetError(f"line {number} of {path}: {image} has logits already")
                    start = offset + len(name) + 1
                    found[image] = RangeSource(path, start, len(numbers), stamp)
                elif line.strip():
                    raise DatasetError(f"line {number} of {path} is no name and numbers")
                offset += len(line)
    return found
