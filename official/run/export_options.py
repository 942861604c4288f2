"""What is exported of a run, and in which form."""

import dataclasses

from official.run.recipe_checks import require
from preprocessing import PreprocessingConfig

FORMATS = ("savedmodel", "onnx", "tflite", "tflite_int8", "openvino")
DECODERS = ("jpeg", "png", "webp", "any")
# How weights are stored, and TensorFlow's name for it; all are computed with in float32.
WEIGHTS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
ANY = "any"
CALIBRATED = "calibrated"
_MEGA = 1_000_000


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """What an exported model takes and gives; fields are the flags of the same names.

    Attributes:
      export_decoder_type: What `image_bytes` holds: jpeg and png take JPEG and PNG alike, any
        takes WebP and BMP besides. webp needs `pip install -e .[webp]` in lane A, also where it is
        served. GIFs are refused.
      export_image_size: Side of the images in pixels; empty: that of the run's evaluation; any:
        the signature `images` takes every size, `image_bytes` makes that of the evaluation.
      export_batch_size: Images in every request; 0: any number.
      export_embedding_only: Give the embedding, and no classes.
      export_weights: How weights are stored: fp32, fp16, bf16. The arithmetic stays float32.
      export_temperature: Divides the logits before they become probabilities; calibrated: the
        number with which those fit the evaluation's images best.
      export_max_megapixels: Images of more millions of pixels are answered with a status; their
        pixels are not allocated.
      format: What is written: savedmodel, onnx, tflite, tflite_int8, openvino. The others take
        prepared images and need an extra of the same name: `pip install -e .[onnx]`.
      calibration_images: Images of the training split with whose values int8 is calibrated.
      fold_batch_norm: Fold batch norm into the convolutions: faster, logits equal to rounding.
    """

    export_decoder_type: str = "jpeg"
    export_image_size: str = ""
    export_batch_size: int = 0
    export_embedding_only: bool = False
    export_weights: str = "fp32"
    export_temperature: str = "1"
    export_max_megapixels: float = 50.0
    format: tuple[str, ...] = ("savedmodel",)
    calibration_images: int = 200
    fold_batch_norm: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for what cannot be exported."""
        one_of = {"export_decoder_type": DECODERS, "export_weights": tuple(WEIGHTS)}
        for name, choices in one_of.items():
            require(self, name, getattr(self, name) in choices, f"one of {', '.join(choices)}")
        size = self.export_image_size
        good = size in ("", ANY) or (size.isdecimal() and int(size) >= 16)
        require(self, "export_image_size", good, "a number of pixels, at least 16, or any")
        require(self, "export_batch_size", self.export_batch_size >= 0, "at least 0")
        good = self.export_temperature == CALIBRATED or self._temperature() > 0
        require(self, "export_temperature", good, f"a number above 0, or {CALIBRATED}")
        good = not (self.export_embedding_only and self.export_temperature != "1")
        right = "left alone with --export_embedding_only, which gives no probabilities"
        require(self, "export_temperature", good, right)
        known = bool(self.format) and set(self.format) <= set(FORMATS)
        require(self, "format", known, f"some of {', '.join(FORMATS)}, separated by commas")
        good = not self.others or self.export_weights == "fp32"
        require(self, "export_weights", good, f"fp32 with --format={','.join(self.others)}")
        require(self, "calibration_images", self.calibration_images >= 1, "at least 1")
        # Beyond 2^29 pixels TensorFlow's decoders give up.
        good = 0.1 <= self.export_max_megapixels <= 500
        require(self, "export_max_megapixels", good, "from 0.1 to 500")

    def _temperature(self) -> float:
        """Returns the temperature as a number; 0 for what is none."""
        try:
            number = float(self.export_temperature)
        except ValueError:
            return 0.0
        return number if number < float("inf") else 0.0

    @property
    def temperature(self) -> float:
        """The temperature, once it is a number."""
        return float(self.export_temperature)

    @property
    def others(self) -> tuple[str, ...]:
        """The formats besides the SavedModel, each once."""
        return tuple(name for name in FORMATS[1:] if name in self.format)

    @property
    def takes_any_size(self) -> bool:
        """Whether `images` takes every size."""
        return self.export_image_size == ANY

    @property
    def max_pixels(self) -> int:
        """Most pixels of an image."""
        return round(self.export_max_megapixels * _MEGA)

    def prepared(self, trained: PreprocessingConfig, upright: bool) -> PreprocessingConfig:
        """Returns how the exported model prepares images.

        Raises:
          ValueError: the size is impossible for the run's kind of preprocessing.
        """
        sized = {}
        if self.export_image_size not in ("", ANY):
            sized["eval_image_size"] = int(self.export_image_size)
        prepared = dataclasses.replace(
            trained, decoder=self.export_decoder_type, exif_orientation=upright, **sized
        )
        # Else a square image, the best there is, would be too large.
        good = prepared.eval_shorter_side**2 <= self.max_pixels
        require(self, "export_max_megapixels", good, f"enough for {prepared.eval_size} x "
                f"{prepared.eval_size} pixels and what is cut off around them")  # fmt: skip
        return prepared
