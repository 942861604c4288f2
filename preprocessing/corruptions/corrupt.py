"""A picture, corrupted as in ImageNet-C: the one way to the nineteen corruptions."""

from collections.abc import Callable, Sequence

import numpy as np

from preprocessing.corruptions import parameters as tables
from preprocessing.corruptions.draws import Random


def corrupt(
    picture: np.ndarray,
    name: str,
    severity: int,
    random: Random,
    parameters: str = "imagenet",
    frost_pictures: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Returns a picture with one of the corruptions of ImageNet-C (1903.12261, section 4.1).

        random = np.random.default_rng(1)
        foggy = preprocessing.corrupt(picture, "fog", 3, random)

    With a `RandomState` it draws what the published code draws after `numpy.random.seed`, in that
    order; docs/robustness.md says how near each corruption comes to it. A `Generator` is faster.

    Args:
        picture: uint8 [H, W, 3], RGB. It is not changed.
        name: Out of `preprocessing.CORRUPTIONS`, such as `gaussian_noise`.
        severity: 1 to 5.
        random: A `numpy.random.RandomState` or `Generator`, where random numbers come from.
        parameters: `imagenet`, for pictures of about 224 pixels, or `cifar`, for those of 32.
        frost_pictures: For `frost`: the five published pictures of frost, uint8 [h, w, 3], RGB;
            `official.robustness.frost.pictures()` fetches them.

    Returns:
        uint8 [H, W, 3], another array; cut off, not rounded, where the published code does so.

    Raises:
        ValueError: No such name, severity or parameters, or no picture of that kind.
        ImportError: OpenCV or SciPy are missing (`pip install -e .[robustness]`).
    """
    _check(picture, name, severity, random, parameters)
    chosen = tables.PARAMETERS[parameters][name][severity - 1]
    values = chosen if isinstance(chosen, tuple) else (chosen,)
    function = _function(name)
    if name != "frost":
        return function(picture, random, *values)
    _check_frost(frost_pictures)
    return function(picture, random, *values, frost_pictures=frost_pictures)


def _function(name: str) -> Callable[..., np.ndarray]:
    """Returns the function of that name; only here OpenCV is needed."""
    try:
        from preprocessing.corruptions import blur, digital, fog, noise, weather
    except ImportError as error:
        raise ImportError(
            f"corruptions of pictures need OpenCV, SciPy and Pillow ({error}): pip install -e "
            ".[robustness], or pip install opencv-python-headless scipy pillow"
        ) from error
    rooms = (noise, blur, weather, fog, digital)
    return next(function for room in rooms if (function := getattr(room, name, None)))


def _check(picture: np.ndarray, name: str, severity: int, random: Random, parameters: str) -> None:
    """Raises ValueError for what `corrupt` cannot use."""
    if name not in tables.NAMES:
        raise ValueError(f"name must be one of {', '.join(tables.NAMES)}. Received: {name!r}")
    if isinstance(severity, bool) or severity not in (1, 2, 3, 4, 5):
        raise ValueError(f"severity must be 1, 2, 3, 4 or 5. Received: {severity!r}")
    if parameters not in tables.PARAMETERS:
        known = " or ".join(tables.PARAMETERS)
        raise ValueError(f"parameters must be {known}. Received: {parameters!r}")
    if not isinstance(random, Random):
        raise ValueError(
            "random must be a numpy.random.RandomState or numpy.random.Generator, such as "
            f"numpy.random.default_rng(1). Received: {random!r}"
        )
    _check_picture("picture", picture)


def _check_frost(pictures: Sequence[np.ndarray] | None) -> None:
    """Raises ValueError unless there are five pictures."""
    from preprocessing.corruptions.weather import FROST_PICTURES

    if pictures is None or len(pictures) < FROST_PICTURES:
        received = "none" if pictures is None else str(len(pictures))
        raise ValueError(
            f"frost needs frost_pictures, the {FROST_PICTURES} published pictures of frost: "
            f"official.robustness.frost.pictures() fetches them. Received: {received}"
        )
    for number, picture in enumerate(pictures):
        _check_picture(f"frost_pictures[{number}]", picture)


def _check_picture(what: str, picture: np.ndarray) -> None:
    """Raises ValueError unless that is a picture."""
    if not isinstance(picture, np.ndarray):
        raise ValueError(
            f"{what} must be a NumPy array, uint8 [H, W, 3]. Received: {picture!r:.60}"
        )
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        shape = "x".join(map(str, picture.shape))
        raise ValueError(f"{what} must be uint8 [H, W, 3]. Received: {picture.dtype} [{shape}]")
