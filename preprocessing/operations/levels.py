"""What a level from 0 to 10 means for each AutoAugment operation."""

from typing import NamedTuple

LARGEST_LEVEL = 10.0
# Grey level of what comes from outside of an image.
FILL = 128


class Ranges(NamedTuple):
    """What level 10 means where methods differ.

    Attributes:
        translate: Pixels of a translation.
        cutout: Half the side of Cutout in pixels.
    """

    translate: float
    cutout: float


# Both from EfficientNet's code for TPUs, where the original's AutoAugment comes from. With
# AutoAugment's own ranges a quarter of RandAugment's images at level 9 would be one grey area.
AUTO_AUGMENT = Ranges(translate=250.0, cutout=100.0)
RAND_AUGMENT = Ranges(translate=100.0, cutout=40.0)

WITHOUT_ARGUMENT = ("AutoContrast", "Equalize", "Invert")
ENHANCE = ("Color", "Contrast", "Brightness", "Sharpness")
SIGNED = ("Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY")

# Arguments at level 10: degrees, tangents; and whole numbers, which are cut off at lower levels.
_SCALES = {"Rotate": 30.0, "ShearX": 0.3, "ShearY": 0.3}
_TRANSLATIONS = ("TranslateX", "TranslateY")
_WHOLE_NUMBER_SCALES = {"Posterize": 4, "Solarize": 256, "SolarizeAdd": 110}

OPERATION_NAMES = (
    *WITHOUT_ARGUMENT, *ENHANCE, *_SCALES, *_TRANSLATIONS, *_WHOLE_NUMBER_SCALES, "Cutout",
)  # fmt: skip


def level_to_arg(name: str, level: float, ranges: Ranges = AUTO_AUGMENT) -> float | int | None:
    """Returns the argument of one of `OPERATION_NAMES` at a level, 0 to 10, with positive sign.

    Returns:
        Rotate: degrees. Shear: tangent. Translate: pixels. Enhancing operations: blending factor
        (1: unchanged). Posterize: bits. Solarize: threshold. SolarizeAdd: grey levels. Cutout: half
        the side in pixels. None for an operation without argument.

    Raises:
        ValueError: If there is no such operation or level.
    """
    if name not in OPERATION_NAMES:
        raise ValueError(
            f"AutoAugment has the operations {', '.join(OPERATION_NAMES)}. Received: name={name!r}"
        )
    if not 0 <= level <= LARGEST_LEVEL:
        raise ValueError(f"AutoAugment's levels go from 0 to 10. Received: level={level!r}")
    share = level / LARGEST_LEVEL
    if name in WITHOUT_ARGUMENT:
        return None
    if name in ENHANCE:
        return share * 1.8 + 0.1
    if name in _SCALES:
        return share * _SCALES[name]
    if name in _TRANSLATIONS:
        return share * ranges.translate
    if name == "Cutout":
        return int(share * ranges.cutout)
    return int(share * _WHOLE_NUMBER_SCALES[name])


def changes_nothing(name: str, level: float, ranges: Ranges = AUTO_AUGMENT) -> bool:
    """Tells whether an operation at a level gives back every image as it was."""
    argument = level_to_arg(name, level, ranges)
    if name in ENHANCE:
        return argument == 1.0
    if name in SIGNED or name in ("SolarizeAdd", "Cutout"):
        return argument == 0
    return False
