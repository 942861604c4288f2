"""Fog: a cloud that diamonds and squares make."""

import cv2
import numpy as np

from preprocessing.corruptions import draws
from preprocessing.corruptions.noise import to_bytes

_FIRST_AMPLITUDE = 100


def fog(picture: np.ndarray, random: draws.Random, strength: float, decay: float) -> np.ndarray:
    """Adds a cloud, and darkens so that the brightest value stays where it was."""
    height, width, _ = picture.shape
    size = 2 ** max(1, (max(height, width) - 1).bit_length())
    brightest = picture.max() / 255
    scale = brightest / (brightest + strength)
    cloud = _cloud(random, size, decay)[:height, :width] * (255 * strength)
    values = cv2.merge([cloud] * 3)
    values += picture
    values *= scale
    return to_bytes(values)


def _cloud(random: draws.Random, size: int, decay: float) -> np.ndarray:
    """Returns a cloud whose edges meet, floats in [0, 1] of [size, size]; a power of two, >= 2.

    Every step halves the distance of the points that are known: first the middles of the squares,
    then those of their sides are the mean of the four around them, and something random that
    shrinks by `decay` from step to step.
    """
    cloud = np.zeros((size, size), draws.unit(random, (0,)).dtype)
    amplitude, step = float(_FIRST_AMPLITUDE), size

    def middle(total: np.ndarray) -> np.ndarray:
        noise = draws.uniform(random, -amplitude, amplitude, total.shape)
        return total / 4 + amplitude * noise

    while step >= 2:
        half = step // 2
        corners = cloud[::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=0)
        centres = cloud[half::step, half::step] = middle(pairs + np.roll(pairs, -1, axis=1))
        above = centres + np.roll(centres, 1, axis=0)
        beside = corners + np.roll(corners, -1, axis=1)
        cloud[::step, half::step] = middle(above + beside)
        left = centres + np.roll(centres, 1, axis=1)
        below = corners + np.roll(corners, -1, axis=0)
        cloud[half::step, ::step] = middle(left + below)
        step, amplitude = half, amplitude / decay
    cloud -= cloud.min()
    cloud /= cloud.max()
    return cloud
