"""Perturbations: names of ImageNet-P's sequences, and the one way to them."""

from collections.abc import Iterator

import numpy as np

from preprocessing.corruptions.draws import Random

PERTURBATIONS = (
    "gaussian_noise", "shot_noise", "motion_blur", "zoom_blur", "snow", "brightness", "translate",
    "rotate", "tilt", "scale",
)  # fmt: skip
PERTURBATIONS_EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "shear")
# No frame follows another, so that all are compared with the first.
NOISES = ("gaussian_noise", "shot_noise", "speckle_noise")


def perturb(photo: np.ndarray, name: str, size: int, random: Random) -> Iterator[np.ndarray]:
    """Yields the frames of a sequence of ImageNet-P (1903.12261, section 4.2).

    Args:
        photo: uint8 [H, W, 3], RGB, from whose middle the frames are cut; ImageNet-P has photos
            whose shorter side is 256 pixels, and frames of 224.
        name: Out of `PERTURBATIONS` and `PERTURBATIONS_EXTRA`, such as `tilt`.
        size: Side of a frame in pixels.
        random: A `numpy.random.RandomState` or `Generator`.

    Yields:
        uint8 [size, size, 3]: 31 frames, of `translate` 41. (The published frames were stored as
        videos, with losses.)

    Raises:
        ValueError: No such name, or a photo that is smaller than a frame.
        ImportError: OpenCV or SciPy are missing.
    """
    known = (*PERTURBATIONS, *PERTURBATIONS_EXTRA)
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}. Received: {name!r}")
    if min(photo.shape[:2]) < size:
        sides = "x".join(map(str, photo.shape[:2]))
        raise ValueError(f"a photo must have {size} pixels at least. Received: {sides}")
    from preprocessing.corruptions import sequences

    return getattr(sequences, name)(photo, size, random)
