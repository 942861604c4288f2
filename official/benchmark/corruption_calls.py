"""One process of `corruptions`: corrupts a picture as it is told, with one of three libraries.

It is run by its path, also by an interpreter that has no other part of this program:

    python official/benchmark/corruption_calls.py LIBRARY PICTURE.npy

LIBRARY is `state` or `generator`, ours with such random numbers, or `imagecorruptions`. For each
line `NAME SEVERITY` that comes in a line goes out: the seconds of processor time that it took.
"""

import sys
import time
import warnings

import numpy as np

# What old packages say of old packages is not ours to mend.
warnings.simplefilter("ignore")


def _library(name: str):
    """Returns what corrupts a picture, by its name and severity."""
    import cv2

    cv2.setNumThreads(1)
    if name == "imagecorruptions":
        import imagecorruptions

        np.random.seed(1)
        return lambda picture, corruption, severity: imagecorruptions.corrupt(
            picture, severity, corruption
        )
    import preprocessing
    from official.robustness import frost

    random = np.random.RandomState(1) if name == "state" else np.random.default_rng(1)
    pictures = frost.pictures()
    return lambda picture, corruption, severity: preprocessing.corrupt(
        picture, corruption, severity, random, frost_pictures=pictures
    )


def _main() -> None:
    library, path = sys.argv[1:]
    corrupt, picture = _library(library), np.load(path)
    for line in sys.stdin:
        name, severity = line.split()
        start = time.process_time()
        corrupt(picture, name, int(severity))
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    _main()
