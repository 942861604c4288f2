"""The sequences of ImageNet-P: each yields frames, uint8 [size, size, 3], of a photo."""

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from PIL import Image

from preprocessing.corruptions import digital, draws, filters, noise, weather
from preprocessing.corruptions.noise import to_bytes

Frames = Iterator[np.ndarray]
_FRAMES = 31


def _crop(image: np.ndarray, size: int) -> np.ndarray:
    """Returns the central square of an image."""
    top, left = (int(round((side - size) / 2.0)) for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def _noisy(photo: np.ndarray, size: int, make: Callable[[np.ndarray], np.ndarray]) -> Frames:
    """Yields the crop, and then what `make` makes of it again and again."""
    crop = _crop(photo, size)
    yield crop.copy()
    for _ in range(1, _FRAMES):
        yield make(crop)


def gaussian_noise(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Noise of deviation 0.03."""
    return _noisy(photo, size, lambda crop: noise.gaussian_noise(crop, random, 0.03))


def shot_noise(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """White has 300 photons."""
    return _noisy(photo, size, lambda crop: noise.shot_noise(crop, random, 300))


def speckle_noise(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Noise of deviation 0.05 of the value."""
    return _noisy(photo, size, lambda crop: noise.speckle_noise(crop, random, 0.05))


def motion_blur(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Turns from -120 to 0 degrees."""
    crop = _crop(photo, size).astype(np.float32)
    for frame in range(_FRAMES):
        yield to_bytes(filters.motion(crop, 10, 3, 4 * (frame - 30)))


def gaussian_blur(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Sigma from 0.25 to 1.3 pixels."""
    crop = _crop(photo, size).astype(np.float32)
    for frame in range(_FRAMES):
        yield to_bytes(filters.gaussian(crop, 0.25 + 0.035 * frame, 6.0))


def zoom_blur(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """The mean of enlargements by 1, 1.004, ... so far."""
    total = _crop(photo, size).astype(np.float32)
    yield _crop(photo, size).copy()
    for frame in range(1, _FRAMES):
        total += _crop(_moved(photo, enlarged=1 + 0.004 * frame), size)
        yield to_bytes(total / (frame + 1))


def snow(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Flakes that turn from -150 to -30 degrees."""
    crop = _crop(photo, size)
    flakes = weather.flakes(random, crop.shape[:2], 0.05, 0.3, 3, 0.5)
    for frame in range(_FRAMES):
        yield weather.snowed(crop, flakes, 14, 4, 4 * frame - 150, 0.85)


def brightness(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """The value plus -0.3 to 0.3."""
    crop = _crop(photo, size)
    for frame in range(_FRAMES):
        yield digital.brightness(crop, random, (frame - 15) * 2 / 100)


def spatter(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Drops of water that run down."""
    crop = _crop(photo, size)
    liquid = draws.normal(random, crop.shape[:2]).astype(np.float64) * 0.27 + 0.65
    liquid = filters.gaussian(liquid, 3.7)
    liquid[liquid < 0.69] = 0
    for _ in range(_FRAMES):
        yield to_bytes(crop + weather.water(liquid, 0.6))
        liquid = run_down(liquid)


def run_down(liquid: np.ndarray) -> np.ndarray:
    """Returns drops, float64 [H, W], a frame later: most of it comes from two pixels above."""
    above = np.pad(liquid, [(2, 1), (0, 0)])
    # What is below, here, and one and two pixels above.
    parts = ((0.05, 3), (0.1, 2), (0.15, 1), (0.7, 0))
    return sum(share * above[begin : begin + len(liquid)] for share, begin in parts)


def translate(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """From 20 pixels to the left to 20 to the right."""
    for frame in range(41):
        yield _crop(_moved(photo, right=frame - 20, resample=Image.NEAREST), size)


def rotate(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """From -15 to 15 degrees, clockwise."""
    for frame in range(_FRAMES):
        yield _crop(_moved(photo, turned=frame - 15), size)


def shear(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """From -15 to 15 degrees."""
    for frame in range(_FRAMES):
        yield _crop(_moved(photo, sheared=frame - 15), size)


def scale(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """From 40 to 115 % of the size."""
    for frame in range(_FRAMES):
        yield _crop(_moved(photo, enlarged=(frame * 2.5 + 40) / 100), size)


def tilt(photo: np.ndarray, size: int, random: draws.Random) -> Frames:
    """Turned about both axes of the picture by -15 to 15 degrees, seen from its diagonal away.

    The picture lies one pixel behind the axes, so that it is a trifle smaller also where it is not
    turned.
    """
    height, width = photo.shape[:2]
    away = math.hypot(width, height)
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    step_back = np.eye(4) + away * np.outer([0, 0, 1, 0], [0, 0, 0, 1])
    to_picture = np.array([[away, 0, width / 2, 0], [0, away, height / 2, 0], [0, 0, 1, 0]])
    for frame in range(_FRAMES):
        angle = math.radians(frame - 15)
        sine, cosine = math.sin(angle), math.cos(angle)
        about_x, about_y = np.eye(4), np.eye(4)
        about_x[1:3, 1:3] = [[cosine, -sine], [sine, cosine]]
        about_y[:3:2, :3:2] = [[cosine, -sine], [sine, cosine]]
        matrix = to_picture @ step_back @ about_x @ about_y @ to_middle
        yield _crop(cv2.warpPerspective(photo, matrix, (width, height)), size)


def _moved(
    photo: np.ndarray,
    turned: float = 0,
    right: float = 0,
    enlarged: float = 1,
    sheared: float = 0,
    resample: int = Image.BILINEAR,
) -> np.ndarray:
    """Returns a photo turned clockwise by degrees, moved, enlarged, sheared; black beyond the edge.

    As torchvision 0.3 does it, whose centre lies half a pixel too far right and below.
    """
    height, width = photo.shape[:2]
    x, y = width * 0.5 + 0.5, height * 0.5 + 0.5
    angle, slope = math.radians(turned), math.radians(sheared)
    # The inverse of turning, shearing and enlarging.
    inverse = np.array(
        [
            [math.cos(angle + slope), math.sin(angle + slope)],
            [-math.sin(angle), math.cos(angle)],
        ]
    ) / (enlarged * math.cos(slope))
    offset = np.array([x, y]) - inverse @ np.array([x + right, y])
    rows = np.column_stack([inverse, offset])
    image = Image.fromarray(photo).transform((width, height), Image.AFFINE, rows.ravel(), resample)
    return np.array(image)
