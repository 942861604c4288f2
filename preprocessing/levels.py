"""What a level from 0 to 10 means for each AutoAugment operation."""

LARGEST_LEVEL = 10.0
FILL = 128

_ROTATE_DEGREES = 30.0
_SHEAR = 0.3
_TRANSLATE_PIXELS = 250.0
_CUTOUT_PIXELS = 100.0
_SOLARIZE_THRESHOLD = 256
_SOLARIZE_ADDITION = 110
_POSTERIZE_BITS = 4

WITHOUT_ARGUMENT = ("AutoContrast", "Equalize", "Invert")
ENHANCE = ("Color", "Contrast", "Brightness", "Sharpness")
SIGNED = ("Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY")

_SCALES = {
    "Rotate": _ROTATE_DEGREES,
    "ShearX": _SHEAR,
    "ShearY": _SHEAR,
    "TranslateX": _TRANSLATE_PIXELS,
    "TranslateY": _TRANSLATE_PIXELS,
}
_WHOLE_NUMBER_SCALES = {
    "Posterize": _POSTERIZE_BITS,
    "Solarize": _SOLARIZE_THRESHOLD,
    "SolarizeAdd": _SOLARIZE_ADDITION,
    "Cutout": _CUTOUT_PIXELS,
}

OPERATION_NAMES = WITHOUT_ARGUMENT + ENHANCE + tuple(_SCALES) + tuple(_WHOLE_NUMBER_SCALES)


def level_to_arg(name: str, level: float) -> float | int | None:
    """Returns an operation's argument at a level, with positive sign.

    Args:
        name: Operation, one of `OPERATION_NAMES`.
        level: From 0 to 10.

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
    return int(share * _WHOLE_NUMBER_SCALES[name])


def changes_nothing(name: str, level: float) -> bool:
    """Tells whether an operation at a level gives back every picture as it was."""
    argument = level_to_arg(name, level)
    if name in ENHANCE:
        return argument == 1.0
    if name in SIGNED or name in ("SolarizeAdd", "Cutout"):
        return argument == 0
    return False
