"""From what a network said of each image to confusions, scores of classes, and calibration.

`answers` are rows of true class, answer, next best class, and the probabilities of both, as
`official.evaluate.metrics.Answers` keeps them: float32 [N, 5].
"""

from collections.abc import Sequence

import numpy as np

from official.evaluate import recorded

_BINS = 10


def confusion(answers: np.ndarray) -> list[list[int]]:
    """Returns [true class, answer, number of images] of each pair that occurs, the most first.

    Right answers are among them. Of 1000 classes it is a few thousand pairs in place of a million.
    """
    pairs, counts = np.unique(answers[:, :2].astype(np.int64), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.column_stack([pairs, counts])[order].tolist()


def classes(pairs: Sequence[Sequence[int]], names: Sequence[str]) -> list[dict]:
    """Returns for each class how often it is there, is answered, and both.

    Args:
      pairs: see `confusion`.
      names: of all classes.

    Returns:
      name, images, answered, right (numbers of images); recall = right / images with its 95 %
      interval and precision = right / answered in 0 to 1; None where there is nothing to divide by.
    """
    images, answered, right = (np.zeros(len(names), np.int64) for _ in range(3))
    for true, answer, count in pairs:
        images[true] += count
        answered[answer] += count
        right[true] += count if true == answer else 0
    return [
        {
            "name": name,
            "images": int(images[n]),
            "answered": int(answered[n]),
            "right": int(right[n]),
            "recall": _share(right[n], images[n]),
            "recall_interval": recorded.interval(int(right[n]), int(images[n])),
            "precision": _share(right[n], answered[n]),
        }
        for n, name in enumerate(names)
    ]


def reliability(answers: np.ndarray) -> list[dict]:
    """Returns for ten ranges of the answer's probability how many answers are right.

    They are the ranges of `ExpectedCalibrationError`: a boundary belongs to the lower one.

    Returns:
      begin, end, images; confidence (mean probability) and accuracy in 0 to 1, None where no image
      is.
    """
    probabilities = answers[:, 3]
    right = answers[:, 0] == answers[:, 1]
    boundaries = np.array([k / _BINS for k in range(1, _BINS)], np.float32)
    places = np.searchsorted(boundaries, probabilities, side="left")
    found = []
    for place in range(_BINS):
        member = places == place
        images = int(member.sum())
        found.append(
            {
                "begin": place / _BINS,
                "end": (place + 1) / _BINS,
                "images": images,
                "confidence": float(probabilities[member].mean()) if images else None,
                "accuracy": float(right[member].mean()) if images else None,
            }
        )
    return found


def worst(answers: np.ndarray, most: int) -> list[int]:
    """Returns the numbers of wrong images, of which the network was surest first."""
    wrong = np.flatnonzero(answers[:, 0] != answers[:, 1])
    return wrong[np.argsort(-answers[wrong, 3], kind="stable")][:most].tolist()


def uncertain(answers: np.ndarray, most: int) -> list[int]:
    """Returns the numbers of the images whose two best classes are nearest to each other."""
    return np.argsort(answers[:, 3] - answers[:, 4], kind="stable")[:most].tolist()


def _share(part: int, whole: int) -> float | None:
    """Returns a share in 0 to 1; None of nothing."""
    return float(part / whole) if whole else None
