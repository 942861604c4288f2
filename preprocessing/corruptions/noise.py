"""Noise in every value of a picture."""

import numpy as np

from preprocessing.corruptions import draws


def gaussian_noise(picture: np.ndarray, random: draws.Random, deviation: float) -> np.ndarray:
    """Adds normal noise of a deviation in shares of the range."""
    noise = draws.normal(random, picture.shape)
    noise *= 255 * deviation
    noise += picture
    return to_bytes(noise)


def speckle_noise(picture: np.ndarray, random: draws.Random, deviation: float) -> np.ndarray:
    """Adds normal noise in proportion to the value."""
    noise = draws.normal(random, picture.shape)
    noise *= deviation
    noise += 1
    noise *= picture
    return to_bytes(noise)


def shot_noise(picture: np.ndarray, random: draws.Random, photons: int) -> np.ndarray:
    """Counts photons, of which white has `photons` in the mean."""
    means = np.arange(256) / 255 * photons
    counts = random.poisson(means[picture])
    shown = np.minimum(np.arange(photons + 1) / photons, 1) * 255
    return shown.astype(np.uint8)[np.minimum(counts, photons)]


def impulse_noise(picture: np.ndarray, random: draws.Random, share: float) -> np.ndarray:
    """Makes that share of the values black or white, one as often as the other."""
    hit = draws.unit(random, picture.shape) < share
    white = draws.unit(random, picture.shape) < 0.5
    return np.where(hit, np.multiply(white, 255, dtype=np.uint8), picture)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Returns uint8 of grey levels, clipped and cut off as the published code does; in place."""
    return np.clip(values, 0, 255, out=values).astype(np.uint8)
