"""What several corruptions do with a picture: Gaussian filters, motion, zoom."""

import functools
import math

import cv2
import numpy as np
from scipy import fft


@functools.lru_cache(64)
def gaussian_weights(sigma: float, truncate: float = 4.0) -> np.ndarray:
    """Returns the samples of a Gaussian out to `truncate` deviations, of sum 1: float64 [2r+1]."""
    radius = int(truncate * sigma + 0.5)
    if not radius:
        return np.ones(1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return weights / weights.sum()


def gaussian(values: np.ndarray, sigma: float, truncate: float = 4.0) -> np.ndarray:
    """Returns floats [H, W] or [H, W, C] filtered; beyond the edge they are as at the edge."""
    weights = gaussian_weights(sigma, truncate)
    return cv2.sepFilter2D(values, -1, weights, weights, borderType=cv2.BORDER_REPLICATE)


def mirrored_gaussian(values: np.ndarray, sigma: float, truncate: float) -> np.ndarray:
    """Returns float64 [H, W] filtered, beyond the edge mirrored, however far the filter reaches.

    Mirrored values are a sum of cosines, of which the filter makes smaller ones.
    """
    waves = fft.dctn(values, norm="ortho")
    for axis, size in enumerate(values.shape):
        waves *= np.expand_dims(_gaussian_on_cosines(size, sigma, truncate), 1 - axis)
    return fft.idctn(waves, norm="ortho")


@functools.lru_cache(64)
def _gaussian_on_cosines(size: int, sigma: float, truncate: float) -> np.ndarray:
    """Returns by what the filter multiplies each cosine over `size` values, float64 [size]."""
    weights = gaussian_weights(sigma, truncate)
    reach = np.arange(len(weights)) - len(weights) // 2
    return np.cos(np.pi / size * np.outer(np.arange(size), reach)) @ weights


def motion(values: np.ndarray, radius: int, sigma: float, degrees: float) -> np.ndarray:
    """Returns float32 [H, W] or [H, W, C] smeared to one side, as ImageMagick 6 does it.

    2 * radius + 1 samples whole pixels apart, each weighed by a Gaussian of its distance; those
    beyond the edge are the value at the edge.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    angle = math.radians(degrees)
    moves = np.ceil(np.outer(steps, (math.sin(angle), math.cos(angle))) - 0.5).astype(int)
    taps: dict[tuple[int, int], float] = {}
    for move, weight in zip(map(tuple, moves.tolist()), weights, strict=True):
        taps[move] = taps.get(move, 0.0) + weight
    height, width = values.shape[:2]
    down, right = moves.min(axis=0), moves.max(axis=0)
    top, left = max(0, -down[0]), max(0, -down[1])
    padded = cv2.copyMakeBorder(
        values, top, max(0, right[0]), left, max(0, right[1]), cv2.BORDER_REPLICATE
    )
    result = np.zeros_like(values)
    for (y, x), weight in taps.items():
        part = padded[top + y : top + y + height, left + x : left + x + width]
        cv2.scaleAdd(part, weight, result, result)
    # ImageMagick rounds to 1/257 of a grey level.
    result += 0.5 / 257
    return result


def zoom(values: np.ndarray, factors: tuple[float, ...]) -> np.ndarray:
    """Returns the sum of the middle of float32 [H, W] or [H, W, C], enlarged by each factor."""
    result = np.zeros_like(cv2.transpose(values))
    slopes = np.diff(values, axis=0, append=values[-1:])
    for factor in factors:
        taller = cv2.transpose(_enlarged(values, slopes, factor))
        result += _enlarged(taller, np.diff(taller, axis=0, append=taller[-1:]), factor)
    return cv2.transpose(result)


def _enlarged(values: np.ndarray, slopes: np.ndarray, factor: float) -> np.ndarray:
    """Returns the middle of float32 [H, ...] enlarged along the first axis, and cut to [H, ...].

    `slopes` are the differences to the next value.
    """
    below, shares, outside = _places(len(values), factor)
    lines = slopes.reshape(len(values), -1)[below]
    lines *= shares[:, None]
    lines += values.reshape(len(values), -1)[below]
    lines[outside] = 0
    return lines.reshape(values.shape)


@functools.lru_cache(256)
def _places(size: int, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns where `size` values lie that are enlarged: the value below, the share of the next.

    The first and last value of the middle stay the first and last, before it is cut. Third come the
    places that rounding puts beyond the last value: the published code has 0 there.
    """
    inner = math.ceil(size / factor)
    outer = round(inner * factor)
    step = (inner - 1) / (outer - 1) if outer > 1 else 1.0
    places = (np.arange(size) + (outer - size) // 2) * step
    below = np.minimum(places.astype(int), inner - 1)
    outside = np.flatnonzero(places > inner - 1)
    return below + (size - inner) // 2, np.float32(places - below), outside
