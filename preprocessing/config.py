"""What a preprocessing pipeline does: one frozen dataclass, checked when it is made."""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

from preprocessing.crops.resize import CHANNEL_MEANS, INTERPOLATIONS

AUTOAUGMENT_TYPES = ("", "imagenet", "v0", "cifar10", "cifar", "svhn", "good")
DECODERS = ("jpeg", "png", "webp", "any")
# Empty: the system's own choice, which is INTEGER_FAST in TensorFlow's builds.
DCT_METHODS = ("INTEGER_ACCURATE", "INTEGER_FAST", "")
PREPROCESSING_TYPES = (
    "imagenet", "imagenet_SIZE", "imagenet_SIZEa", "imagenet_224_256", "imagenet_224_256a",
    "reid", "reid_224", "inception_331", "inception_600",
)  # fmt: skip

_SIZED_TYPE = re.compile(r"imagenet_([1-9][0-9]{1,3})(a?)")
_TRAINED_AND_TESTED = ("imagenet_224_256", "imagenet_224_256a")
_SMALLEST_SIZE = 16
# `reid` training crops a square of 256 pixels.
_REID_LARGEST_SIZE = 256


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_size(value: Any) -> bool:
    return _is_whole(value) and value >= _SMALLEST_SIZE


def _is_type(value: Any) -> bool:
    if not isinstance(value, str) or "SIZE" in value:
        return False
    return value in PREPROCESSING_TYPES or _SIZED_TYPE.fullmatch(value) is not None


def _are_means(value: Any) -> bool:
    three = isinstance(value, tuple) and len(value) == 3
    return three and all(_is_number(mean) and 0 <= mean <= 255 for mean in value)


def _choice(choices: tuple[str, ...]) -> tuple[str, Callable[[Any], bool]]:
    """An entry of `_RIGHT_VALUES` for one of several words."""
    return "one of " + ", ".join(map(repr, choices)), lambda value: value in choices


_SIZE = f"a whole number of pixels, at least {_SMALLEST_SIZE}"
_TYPE = ", ".join(PREPROCESSING_TYPES)
_SWITCH = "True or False", lambda value: isinstance(value, bool)
_SIZES = "a tuple of numbers of pixels", lambda value: isinstance(value, tuple)
# For each field what is right, in words and as a check.
_RIGHT_VALUES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "preprocessing_type": (f"one of {_TYPE} (SIZE in pixels, as in imagenet_160)", _is_type),
    "autoaugment_type": _choice(AUTOAUGMENT_TYPES),
    "dct_method": _choice(DCT_METHODS),
    "decoder": _choice(DECODERS),
    "image_size": (_SIZE, _is_size),
    "eval_image_size": (_SIZE, lambda v: v == 0 or _is_size(v)),
    "training_random_crop": _SWITCH,
    "use_bounding_boxes": _SWITCH,
    "randaugment_num_layers": ("a whole number, 0: off", lambda v: _is_whole(v) and v >= 0),
    "randaugment_magnitude": ("from 0 to 10", lambda v: _is_number(v) and 0 <= v <= 10),
    "augmix_severity": (
        "0 (off) or from 0.1 to 10",
        lambda v: _is_number(v) and (v == 0 or 0.1 <= v <= 10),
    ),
    "augmix_width": ("a whole number, at least 1", lambda v: _is_whole(v) and v >= 1),
    "augmix_depth": ("-1 or at least 1", lambda v: _is_whole(v) and (v == -1 or v >= 1)),
    "augmix_alpha": ("greater than 0 and finite", lambda v: _is_number(v) and 0 < v < math.inf),
    "rotation_degrees": ("from 0 (off) to 180", lambda v: _is_number(v) and 0 <= v <= 180),
    "color_augmentation": ("at least 0", lambda v: _is_number(v) and 0 <= v < math.inf),
    "exif_orientation": _SWITCH,
    "channel_means": ("three numbers from 0 to 255: red, green, blue", _are_means),
    "crop_share": ("from 0.5 to 1", lambda v: _is_number(v) and 0.5 <= v <= 1),
    "interpolation": _choice(INTERPOLATIONS),
    "scale_augmentation": _SIZES,
    "multi_scale": _SIZES,
}


@dataclasses.dataclass(frozen=True)
class PreprocessingConfig:
    """How encoded images become the input of a model.

    Attributes:
        preprocessing_type: One of `PREPROCESSING_TYPES`, where SIZE is a number of pixels.
            `imagenet*`: distorted crop for training; for evaluation the shorter side becomes
            size / `crop_share` (names ending in `a`: size + 1), then the central square.
            `reid*`: no aspect-preserving step, the whole image is squeezed into a square.
            `inception_*`: values in [0, 1], colour distortion in training.
        image_size: Side in pixels, used where the type's name does not fix the size.
        eval_image_size: Side of evaluation images in pixels; 0 takes what the type says.
        autoaugment_type: One of `AUTOAUGMENT_TYPES`; empty: no AutoAugment.
        dct_method: How JPEG's inverse cosine transform is computed, one of `DCT_METHODS`. The
            inception types always take INTEGER_FAST, as the original does.
        training_random_crop: Whether a training crop may leave out part of the object; if not,
            the whole image (or bounding box) has to be inside.
        use_bounding_boxes: Whether a training crop has to cover a tenth of one of the record's
            bounding boxes; if not, as in the original, a tenth of the image.
        decoder: One of `DECODERS`. `jpeg` and `png` both look at the bytes and take either;
            `webp` takes WebP only; `any` takes these, GIF (first frame) and BMP.
        randaugment_num_layers: RandAugment's N, operations per image; 0: off.
        randaugment_magnitude: RandAugment's M, the level of each operation, 0 to 10.
        augmix_severity: AugMix: largest level of an operation, 0.1 to 10; 0: off. The paper's: 3.
        augmix_width: AugMix: number of chains.
        augmix_depth: AugMix: operations in a chain; -1: 1 to 3, drawn for each.
        augmix_alpha: AugMix: parameter of its Dirichlet and Beta distributions.
        scale_augmentation: Smallest and largest shorter side in pixels of which a random square is
            cut for training, instead of the distorted crop (imagenet types); empty: off.
        rotation_degrees: Training images are rotated by up to that many degrees; 0: off.
        color_augmentation: Deviation of the random strengths with which the principal components
            of ImageNet's colours are added to training images, 0.1 in AlexNet; 0: off.
        exif_orientation: Whether evaluation and serving turn a JPEG as its EXIF orientation says.
            Training does not: the conversion to records has turned people's own photos.
        multi_scale: Sides in pixels, one of which is drawn for each training batch; empty: always
            the training size. Single images have that size; whoever makes batches resizes them.
        channel_means: Red, green and blue that are subtracted from grey levels of 0 to 255
            (imagenet and reid types). The default is the original's; imported weights bring theirs.
        crop_share: Side of the central square of evaluation, as a share of the shorter side
            (imagenet types whose names do not end in `a`).
        interpolation: How images are resized (imagenet types): `tf1_bilinear`, as the original
            does, or `bilinear` or `bicubic`, as Pillow, and with it torchvision and timm.

    Raises:
        ValueError: If a value is not allowed; the message repeats it and lists what is.
    """

    preprocessing_type: str = "imagenet"
    image_size: int = 224
    eval_image_size: int = 0
    autoaugment_type: str = ""
    dct_method: str = "INTEGER_ACCURATE"
    training_random_crop: bool = True
    use_bounding_boxes: bool = False
    decoder: str = "jpeg"
    randaugment_num_layers: int = 0
    randaugment_magnitude: float = 9.0
    augmix_severity: float = 0.0
    augmix_width: int = 3
    augmix_depth: int = -1
    augmix_alpha: float = 1.0
    scale_augmentation: tuple[int, ...] = ()
    rotation_degrees: float = 0.0
    color_augmentation: float = 0.0
    multi_scale: tuple[int, ...] = ()
    exif_orientation: bool = False
    channel_means: tuple[float, float, float] = CHANNEL_MEANS
    crop_share: float = 0.875
    interpolation: str = "tf1_bilinear"

    def __post_init__(self) -> None:
        """Refuses what no pipeline can be built from."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # As JSON has it.
                object.__setattr__(self, field.name, tuple(value))
        for field, (right, allowed) in _RIGHT_VALUES.items():
            value = getattr(self, field)
            if not allowed(value):
                _refuse(field, value, right)
        size = _SIZED_TYPE.fullmatch(self.preprocessing_type)
        if size and int(size[1]) < _SMALLEST_SIZE:
            raise ValueError(
                f"PreprocessingConfig.preprocessing_type: SIZE must be at least {_SMALLEST_SIZE}. "
                f"Received: preprocessing_type={self.preprocessing_type!r}"
            )
        for field in ("scale_augmentation", "multi_scale"):
            for side in getattr(self, field):
                if not _is_size(side):
                    _refuse(field, side, _SIZE)
        bounds = self.scale_augmentation
        if bounds and (len(bounds) != 2 or not self.train_size <= bounds[0] <= bounds[1]):
            right = (
                "the smallest and the largest shorter side, not below the training size of "
                f"{self.train_size} pixels, such as (256, 480)"
            )
            _refuse("scale_augmentation", bounds, right)
        self._check_combination()

    def _check_combination(self) -> None:
        """Refuses values that are allowed alone but not together."""
        chosen = self._given("autoaugment_type", "randaugment_num_layers", "augmix_severity")
        if len(chosen) > 1:
            raise ValueError(
                "Only one of AutoAugment, RandAugment and AugMix can be on. "
                f"Received: {', '.join(chosen)}"
            )
        chosen += self._given("rotation_degrees", "color_augmentation")
        if self.family == "inception" and chosen:
            raise ValueError(
                "These work on the imagenet and reid types only; inception types distort colours "
                "themselves. Received: "
                f"preprocessing_type={self.preprocessing_type!r}, {', '.join(chosen)}"
            )
        if self.family != "imagenet" and self.scale_augmentation:
            raise ValueError(
                "Scale augmentation replaces the crop of the imagenet types only. Received: "
                f"preprocessing_type={self.preprocessing_type!r}, "
                f"scale_augmentation={self.scale_augmentation!r}"
            )
        for field in self._idle_fields():
            if getattr(self, field) != type(self).__dataclass_fields__[field].default:
                right = f"left at its default with preprocessing_type={self.preprocessing_type!r}"
                _refuse(field, getattr(self, field), right)
        if self.family == "reid" and self.image_size > _REID_LARGEST_SIZE:
            raise ValueError(
                f"reid types crop from a square of {_REID_LARGEST_SIZE} pixels, so image_size may "
                f"not exceed that. Received: image_size={self.image_size}"
            )

    def _given(self, *fields: str) -> list[str]:
        """Those that are on, as `field=value`."""
        return [f"{name}={getattr(self, name)!r}" for name in fields if getattr(self, name)]

    def _idle_fields(self) -> tuple[str, ...]:
        """Fields of which the type takes no notice."""
        if self.family == "imagenet":
            return ("crop_share",) if self.preprocessing_type.endswith("a") else ()
        reid = ("crop_share", "interpolation")
        return reid if self.family == "reid" else (*reid, "channel_means")

    @property
    def family(self) -> str:
        """`imagenet`, `reid` or `inception`."""
        return self.preprocessing_type.split("_")[0]

    @property
    def train_size(self) -> int:
        """Side of a training image in pixels: the one in the type's name, else `image_size`."""
        size = re.search("_([0-9]+)", self.preprocessing_type)
        return int(size[1]) if size and self.family != "reid" else self.image_size

    @property
    def eval_size(self) -> int:
        """Side of an evaluation image in pixels."""
        if self.eval_image_size:
            return self.eval_image_size
        if self.preprocessing_type in _TRAINED_AND_TESTED:
            return 256
        if self.preprocessing_type == "reid":
            return shorter_side_before_crop(self.image_size)
        return self.train_size

    @property
    def augments_bytes(self) -> bool:
        """Whether training images are bytes after augmentation (AutoAugment, RandAugment)."""
        return bool(self.autoaugment_type or self.randaugment_num_layers)

    @property
    def decode_dct_method(self) -> str:
        """The `dct_method` that this type decodes with."""
        return "INTEGER_FAST" if self.family == "inception" else self.dct_method

    @property
    def eval_shorter_side(self) -> int:
        """Length in pixels of the shorter side before the central crop (imagenet types)."""
        if self.preprocessing_type.endswith("a"):
            return self.eval_size + 1
        shorter = shorter_side_before_crop(self.eval_size, self.crop_share)
        # TensorFlow 1's way to compute the sides may come out a pixel short.
        return max(shorter, self.eval_size + (self.interpolation == "tf1_bilinear"))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "PreprocessingConfig":
        """Builds a configuration from what `to_dict` returned; fields left out take their defaults.

        Raises:
            ValueError: If a key is no field of this class.
        """
        fields = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ValueError(
                f"PreprocessingConfig has no field(s) {unknown}; it has {fields}. "
                f"Received: {values!r}"
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def shorter_side_before_crop(size: int, crop_share: float = 0.875) -> int:
    """Returns the shorter side in pixels from which squares of `size` are cut: 256 for 224."""
    return int(size / crop_share)


def _refuse(field: str, value: Any, right: str) -> None:
    """Raises ValueError: the field, what is right, and what came."""
    raise ValueError(f"PreprocessingConfig.{field} must be {right}. Received: {field}={value!r}")
