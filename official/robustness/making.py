"""How one encoded photo becomes a corrupted one, as the sets were made: crop, corruption, JPEG."""

import dataclasses
import functools
import io

import numpy as np

import preprocessing
from official.robustness import frost, opencv
from official.run.robustness import RobustnessOptions
from preprocessing.corruptions.perturbations import PERTURBATIONS, PERTURBATIONS_EXTRA

# What stands for no corruption, at severity 0: the crop alone.
CLEAN = "clean"
# From which the crop is cut; pictures of 32 pixels are taken whole.
_CROP_SHARE = {"imagenet": 0.875, "cifar": 1.0}


@dataclasses.dataclass(frozen=True)
class Making:
    """What decides about the pixels, beside the photo and its number.

    Attributes:
      size: side of the square that is cut out, in pixels.
      jpeg: quality of the JPEG in between, as the published sets were stored (85); 0: none.
      parameters: strengths for pictures of 224 or of 32 pixels, see `preprocessing.corrupt`.
      seed: with the corruption, the severity and the photo's number it decides all that is drawn.
    """

    size: int = 224
    jpeg: int = 85
    parameters: str = "imagenet"
    seed: int = 0

    @classmethod
    def of(cls, options: RobustnessOptions, size: int) -> "Making":
        """Returns how the options want it; of `size` pixels unless they say.

        Raises:
          RunError: a package is missing.
        """
        opencv.require()
        return cls(
            options.corruption_size or size,
            options.corruption_jpeg,
            options.corruption_parameters,
            options.corruption_seed,
        )


def conditions(options: RobustnessOptions) -> list[tuple[str, int]]:
    """Returns the pairs of corruption and severity that are wanted, the clean crop first."""
    severities = sorted(set(options.severities))
    return [(CLEAN, 0), *((name, severity) for name in options.names for severity in severities)]


def make(encoded: bytes, number: int, name: str, severity: int, making: Making) -> bytes:
    """Returns an encoded photo of any size as a corrupted one: a JPEG, or a PNG without `jpeg`.

    Args:
      encoded: what Pillow decodes.
      number: of the photo among those that are scored.
      name: a corruption, or `CLEAN`.
      severity: 1 to 5; without effect on `CLEAN`.
      making: how.

    Raises:
      OSError: no such photo.
    """
    _one_thread()
    picture = crop(encoded, making.size, _CROP_SHARE[making.parameters])
    if name != CLEAN:
        place = preprocessing.CORRUPTIONS.index(name)
        random = np.random.default_rng([making.seed, place, severity, number])
        pictures = _frost() if name == "frost" else None
        picture = preprocessing.corrupt(
            picture, name, severity, random, making.parameters, pictures
        )
    return encode(picture, making.jpeg)


def make_sequence(encoded: bytes, number: int, name: str, making: Making) -> list[bytes]:
    """Returns the frames of a photo of any size as raw bytes, each uint8 [size, size, 3].

    The shorter side becomes size / 0.875 first; see `preprocessing.perturb`. There is no video in
    between, in which the published frames lost a little.

    Args:
      encoded: what Pillow decodes.
      number: of the photo among those that are scored.
      name: a perturbation.
      making: size and seed count.
    """
    _one_thread()
    photo = np.array(resized(encoded, int(making.size / _CROP_SHARE["imagenet"])))
    # Other numbers than those of the corruptions, whose second number is a place below 19.
    place = 100 + (*PERTURBATIONS, *PERTURBATIONS_EXTRA).index(name)
    random = np.random.default_rng([making.seed, place, 0, number])
    return [frame.tobytes() for frame in preprocessing.perturb(photo, name, making.size, random)]


def crop(encoded: bytes, size: int, share: float = 0.875) -> np.ndarray:
    """Returns the central square of a photo, uint8 [size, size, 3].

    As torchvision's Resize and CenterCrop on Pillow images: the shorter side becomes size / share,
    rounded down, bilinear with antialiasing.
    """
    image = resized(encoded, int(size / share))
    return np.array(central(image, size))


def resized(encoded: bytes, shorter: int):
    """Returns a photo as a Pillow image, RGB, with a shorter side of so many pixels."""
    from PIL import Image

    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    width, height = image.size
    if width <= height:
        sides = shorter, int(shorter * height / width)
    else:
        sides = int(shorter * width / height), shorter
    return image if sides == image.size else image.resize(sides, Image.BILINEAR)


def central(image, size: int):
    """Returns the central square of a Pillow image; of an odd margin, as Python rounds."""
    left, top = (int(round((side - size) / 2.0)) for side in image.size)
    return image.crop((left, top, left + size, top + size))


def encode(picture: np.ndarray, quality: int) -> bytes:
    """Returns uint8 [H, W, 3] as a JPEG of that quality, or as a PNG where it is 0."""
    from PIL import Image

    file = io.BytesIO()
    image = Image.fromarray(picture)
    if quality:
        image.save(file, "JPEG", quality=quality, optimize=True)
    else:
        image.save(file, "PNG", compress_level=1)
    return file.getvalue()


@functools.cache
def _one_thread() -> None:
    """Has OpenCV take one thread in this process: there is a process for each processor."""
    import cv2

    cv2.setNumThreads(1)


@functools.cache
def _frost() -> list[np.ndarray]:
    """Returns the pictures of frost, read once in a process."""
    return frost.pictures()
