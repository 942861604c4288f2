"""Blurs of the whole picture."""

import functools

import cv2
import numpy as np

from preprocessing.corruptions import draws, filters
from preprocessing.corruptions.noise import to_bytes


def gaussian_blur(picture: np.ndarray, random: draws.Random, sigma: float) -> np.ndarray:
    """Filters with a Gaussian of `sigma` pixels."""
    return to_bytes(filters.gaussian(picture.astype(np.float32), sigma))


def defocus_blur(
    picture: np.ndarray, random: draws.Random, radius: float, softness: float
) -> np.ndarray:
    """Filters with a disk of `radius` pixels, whose edge is softened by a Gaussian."""
    return to_bytes(cv2.filter2D(picture.astype(np.float32), -1, _disk(radius, softness)))


@functools.lru_cache(32)
def _disk(radius: float, softness: float) -> np.ndarray:
    """Returns the kernel, float32 [2n + 1, 2n + 1]."""
    reach, softened = (8, 3) if radius <= 8 else (radius, 5)
    across = np.arange(-reach, reach + 1)
    disk = np.float32(across[:, None] ** 2 + across**2 <= radius**2)
    return cv2.GaussianBlur(disk / disk.sum(), (softened, softened), sigmaX=softness)


def motion_blur(picture: np.ndarray, random: draws.Random, radius: int, sigma: float) -> np.ndarray:
    """Smears to one side, in a direction within 45 degrees of the horizontal."""
    degrees = float(draws.uniform(random, -45, 45))
    return to_bytes(filters.motion(picture.astype(np.float32), radius, sigma, degrees))


def zoom_blur(picture: np.ndarray, random: draws.Random, end: float, step: float) -> np.ndarray:
    """Averages the picture with enlargements of its middle, by 1, 1 + step, ... below `end`."""
    factors = tuple(np.arange(1, end, step).tolist())
    values = picture.astype(np.float32)
    return to_bytes((values + filters.zoom(values, factors)) / (len(factors) + 1))


def glass_blur(
    picture: np.ndarray, random: draws.Random, sigma: float, reach: int, rounds: int
) -> np.ndarray:
    """Blurs, has each pixel take the place of a near one, so many times over, and blurs again."""
    height, width, _ = picture.shape
    blurred = to_bytes(filters.gaussian(picture.astype(np.float32), sigma))
    rows = np.arange(height - reach, reach, -1)
    columns = np.arange(width - reach, reach, -1)
    moves = draws.integers(random, -reach, reach, (rounds, len(rows), len(columns), 2))
    pixels = blurred.reshape(-1, 3)
    for right_and_down in moves:
        source = _copied_from(height, width, rows, columns, right_and_down)
        pixels = pixels[source]
    return to_bytes(filters.gaussian(pixels.reshape(picture.shape).astype(np.float32), sigma))


def _copied_from(
    height: int, width: int, rows: np.ndarray, columns: np.ndarray, moves: np.ndarray
) -> np.ndarray:
    """Returns for each pixel, by its number, which pixel it shows in the end, int [H * W].

    The pixels of `rows` and `columns` take the value of another one, in that order, backwards
    through the picture: what comes later takes what came there before. (The published code means
    to swap, but copies one of the two.)
    """
    here = rows[:, None] * width + columns
    there = here + moves[..., 1] * width + moves[..., 0]
    source = np.arange(height * width)
    source[here] = there
    # A pixel that took its value before, has a higher number, and it's inside: follow it.
    taken = np.zeros(height * width, bool)
    taken[here] = True
    follows = np.where((source > np.arange(height * width)) & taken[source], source, -1)
    ends = follows < 0
    # Those that follow nobody end at themselves; each step doubles how far the others look.
    target = np.where(ends, np.arange(height * width), follows)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return source[target]
        target = further
