"""What cameras, programs and files do to a picture."""

import functools
import io

import cv2
import numpy as np
from PIL import Image

from preprocessing.corruptions import draws, filters
from preprocessing.corruptions.noise import to_bytes


def brightness(picture: np.ndarray, random: draws.Random, added: float) -> np.ndarray:
    """Adds to the value of a pixel (its largest channel), with hue and saturation as they are."""
    largest, _ = extremes(picture)
    places = np.multiply(cv2.merge([largest] * 3), 256, dtype=np.uint16)
    return _brightened(added).ravel()[places + picture]


def extremes(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest and the smallest channel of each pixel, uint8 [H, W]."""
    red, green, blue = cv2.split(picture)
    largest = cv2.max(cv2.max(red, green), blue)
    return largest, cv2.min(cv2.min(red, green), blue)


@functools.lru_cache(64)
def _brightened(added: float) -> np.ndarray:
    """Returns the new level of a channel by the largest one and its own, uint8 [256, 256]."""
    levels = np.arange(256) / 255
    largest = np.clip(levels + added, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = levels * (largest / levels)[:, None]
    # Black becomes grey; and the largest channel is the value itself.
    table[0] = largest[0]
    np.fill_diagonal(table, largest)
    return (np.clip(table, 0, 1) * 255).astype(np.uint8)


def saturate(picture: np.ndarray, random: draws.Random, factor: float, added: float) -> np.ndarray:
    """Multiplies the saturation of a pixel and adds to it, with hue and value as they are.

    Grey has the hue of red.
    """
    largest, smallest = extremes(picture)
    ratio = _saturated(factor, added)[largest, smallest]
    top = cv2.merge([largest] * 3).astype(np.float32)
    values = top - (top - picture) * cv2.merge([ratio] * 3)
    if added:
        grey = largest == smallest
        values[grey, 1:] = top[grey, 1:] * (1 - added)
    return to_bytes(values)


@functools.lru_cache(16)
def _saturated(factor: float, added: float) -> np.ndarray:
    """Returns new by old saturation, by largest and smallest channel: float32 [256, 256]."""
    largest, smallest = np.arange(256.0)[:, None], np.arange(256.0)
    before = np.maximum(largest - smallest, 0) / np.maximum(largest, 1)
    after = np.clip(before * factor + added, 0, 1)
    return np.float32(np.divide(after, before, out=np.zeros_like(before), where=before > 0))


def contrast(picture: np.ndarray, random: draws.Random, factor: float) -> np.ndarray:
    """Draws each channel nearer to its mean."""
    levels = (np.arange(256) / 255)[:, None]
    means = np.array(cv2.mean(picture)[:3]) / 255
    table = np.clip((levels - means) * factor + means, 0, 1) * 255
    return cv2.LUT(picture, table.astype(np.uint8)[None])


def pixelate(picture: np.ndarray, random: draws.Random, factor: float) -> np.ndarray:
    """Makes a picture small and large again."""
    image = Image.fromarray(picture)
    small = [max(1, int(side * factor)) for side in image.size]
    # Enlarging by boxes takes the nearest pixel.
    return np.array(image.resize(small, Image.BOX).resize(image.size, Image.NEAREST))


def jpeg_compression(picture: np.ndarray, random: draws.Random, quality: int) -> np.ndarray:
    """Encodes as JPEG of that quality, and decodes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def elastic_transform(
    picture: np.ndarray, random: draws.Random, alpha: float, sigma: float, reach: float
) -> np.ndarray:
    """Moves three points and the plane with them, then every pixel by a smooth random field.

    Args:
        picture: uint8 [H, W, 3].
        random: Where the numbers come from.
        alpha: By which the field is multiplied, in pixels.
        sigma: Of the Gaussian that smooths it, in pixels.
        reach: How far the points move at most, in pixels.
    """
    height, width, _ = picture.shape
    centre = np.float32([height, width]) // 2
    arm = max(1, min(height, width) // 3)
    points = np.float32([centre + arm, [centre[0] + arm, centre[1] - arm], centre - arm])
    moved = points + np.float32(draws.uniform(random, -reach, reach, points.shape))
    matrix = cv2.getAffineTransform(points, moved)
    values = picture.astype(np.float32)
    values = cv2.warpAffine(values, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    right, down = (
        filters.mirrored_gaussian(draws.uniform(random, -1, 1, (height, width)), sigma, 3.0) * alpha
        for _ in range(2)
    )
    places = down + np.arange(height)[:, None], right + np.arange(width)
    return to_bytes(_interpolated(values, *places))


def _interpolated(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns float32 [H, W, 3] at the places [H, W], between the four pixels around.

    Beyond the edge as SciPy 1.0 has it, with which the sets were made: the place is mirrored at the
    outer edge of the last pixel, but its neighbours at the middle of that. OpenCV would take places
    in steps of 1/32 pixel only.
    """
    lines, down = _around(rows, values.shape[0])
    places, right = _around(columns, values.shape[1])

    def pixels(line: np.ndarray, place: np.ndarray) -> np.ndarray:
        return cv2.remap(values, cv2.merge((place, line)), None, cv2.INTER_NEAREST)

    def blended(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
        second -= first
        second *= share
        second += first
        return second

    upper, lower = (blended(*(pixels(line, place) for place in places), right) for line in lines)
    return blended(upper, lower, down)


def _around(places: np.ndarray, size: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the two neighbours of places, int16 [H, W], and how near the second is, [H, W, 3]."""
    turned = places % (2 * size)
    turned = np.where(turned < size, turned, 2 * size - 1 - turned)
    below = np.floor(turned)
    share = np.float32(turned - below)
    neighbours = []
    for step in (0, 1):
        place = np.abs(below + step)
        place = np.minimum(place, 2 * (size - 1) - place)
        neighbours.append(np.clip(place, 0, size - 1).astype(np.int16))
    return neighbours, cv2.merge([share] * 3)
