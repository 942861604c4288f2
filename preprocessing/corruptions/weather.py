"""Snow, frost, and spatter on the lens."""

from collections.abc import Sequence

import cv2
import numpy as np

from preprocessing.corruptions import draws, filters
from preprocessing.corruptions.noise import to_bytes

# Frost pictures that are drawn; a sixth was published, and never used.
FROST_PICTURES = 5
# Grey levels of red, green and blue, or of the first three channels.
_WATER = (175, 238, 238)
_MUD = (63, 42, 20)


def snow(
    picture: np.ndarray,
    random: draws.Random,
    mean: float,
    deviation: float,
    size: float,
    threshold: float,
    radius: int,
    sigma: float,
    share: float,
) -> np.ndarray:
    """Bleaches the picture, and lays flakes over it that fall, and the same turned by 180 degrees.

    Args:
        picture: uint8 [H, W, 3].
        random: Where the numbers come from.
        mean: Of the noise that becomes flakes.
        deviation: Of the same.
        size: By which the noise is enlarged.
        threshold: Below which it is no flake.
        radius: How far flakes are smeared, in pixels; see `filters.motion`.
        sigma: Of the same.
        share: Of the picture that is not bleached.
    """
    layer = flakes(random, picture.shape[:2], mean, deviation, size, threshold)
    degrees = float(draws.uniform(random, -135, -45))
    return snowed(picture, layer, radius, sigma, degrees, share)


def flakes(
    random: draws.Random,
    shape: tuple[int, int],
    mean: float,
    deviation: float,
    size: float,
    threshold: float,
) -> np.ndarray:
    """Returns flakes that do not move, grey levels in float32 [H, W]; see `snow`."""
    layer = draws.normal(random, shape) * deviation + mean
    layer = filters.zoom(np.float32(layer), (float(size),))
    layer[layer < threshold] = 0
    return np.float32(to_bytes(layer * 255))


def snowed(
    picture: np.ndarray, layer: np.ndarray, radius: int, sigma: float, degrees: float, share: float
) -> np.ndarray:
    """Returns a picture with `flakes` that move in that direction; see `snow`."""
    moving = np.float32(to_bytes(filters.motion(layer, radius, sigma, degrees)))
    values = picture.astype(np.float32)
    grey = cv2.cvtColor(values, cv2.COLOR_RGB2GRAY) * 1.5 + 127.5
    bleached = cv2.addWeighted(values, share, cv2.max(values, cv2.merge([grey] * 3)), 1 - share, 0)
    bleached += cv2.merge([moving + moving[::-1, ::-1]] * 3)
    return to_bytes(bleached)


def frost(
    picture: np.ndarray,
    random: draws.Random,
    share: float,
    frost_share: float,
    size: float = 1.0,
    *,
    frost_pictures: Sequence[np.ndarray],
) -> np.ndarray:
    """Adds a part of a picture of frost, which is made `size` times as large."""
    height, width, _ = picture.shape
    frost = frost_pictures[int(draws.integers(random, 0, FROST_PICTURES))]
    if size != 1:
        frost = cv2.resize(frost, (0, 0), fx=size, fy=size)
    # Larger pictures than were thought of: one pixel more, so that there is a choice.
    factor = max((height + 1) / frost.shape[0], (width + 1) / frost.shape[1])
    if factor > 1:
        wanted = [max(int(np.ceil(side * factor)), 1) for side in frost.shape[1::-1]]
        frost = cv2.resize(frost, wanted, interpolation=cv2.INTER_CUBIC)
    top = int(draws.integers(random, 0, frost.shape[0] - height))
    left = int(draws.integers(random, 0, frost.shape[1] - width))
    frost = frost[top : top + height, left : left + width]
    return to_bytes(share * picture.astype(np.float64) + frost_share * frost)


def spatter(
    picture: np.ndarray,
    random: draws.Random,
    mean: float,
    deviation: float,
    sigma: float,
    threshold: float,
    strength: float,
    mud: bool,
) -> np.ndarray:
    """Lays drops of water or mud over a picture.

    Args:
        picture: uint8 [H, W, 3].
        random: Where the numbers come from.
        mean: Of the noise that becomes drops.
        deviation: Of the same.
        sigma: Of the Gaussian that makes drops of it, in pixels.
        threshold: Below which there is none.
        strength: Of the water; of mud the sigma of its edge in pixels.
        mud: Whether it is mud.
    """
    liquid = draws.normal(random, picture.shape[:2]).astype(np.float64) * deviation + mean
    liquid = filters.gaussian(liquid, sigma)
    liquid[liquid < threshold] = 0
    if mud:
        cover = filters.gaussian(np.float64(liquid > threshold), strength)
        cover[cover < 0.8] = 0
        cover = np.float32(cover)
        mud_added = cv2.merge([cover * level for level in _MUD])
        return to_bytes(picture * cv2.merge([1 - cover] * 3) + mud_added)
    return to_bytes(picture + water(liquid, strength))


def water(liquid: np.ndarray, strength: float) -> np.ndarray:
    """Returns what drops of water add to a picture, float32 [H, W, 3]; `liquid` is [H, W]."""
    drops = (liquid * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = cv2.filter2D(cv2.equalizeHist(distance), cv2.CV_8U, relief)
    light = drops * cv2.blur(light, (3, 3)).astype(np.float32)
    # Without a drop nothing is added; the published code divides by zero there.
    light *= strength / max(light.max(), 1)
    return cv2.merge([light * level for level in _WATER])
