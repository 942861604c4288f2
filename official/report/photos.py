"""The photos of a report: worst mistakes and nearest ties, and what the network looks at."""

import base64
import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import tensorflow as tf

import preprocessing
from official.evaluate.evaluation import Scored
from official.input import pipeline
from official.report import grad_cam, statistics
from preprocessing.decode import decode_image

# Of each kind, and the longer side of a picture in pixels.
_PHOTOS = 12
_SIDE = 200
_QUALITY = 80
# How much of a picture the colour of the map may cover.
_COVER = 0.6


def choose(scored: Scored, names: list[str]) -> dict[str, list[dict]]:
    """Returns the photos to look at, as JSON can hold them.

    Only they are kept while the records are read once more.

    Returns:
      `worst` (see `statistics.worst`) and `uncertain` (see `statistics.uncertain`), lists of: name
      (of the file, as the records have it), true, answer and next (names of classes), probability
      and next_probability in 0 to 1, photo and map (JPEG in base64): the photo, and the
      part of it that the network sees with its Grad-CAM for the answer.
    """
    wanted = {
        "worst": statistics.worst(scored.answers, _PHOTOS),
        "uncertain": statistics.uncertain(scored.answers, _PHOTOS),
    }
    config = scored.config
    if not scored.result.get("bad_records"):
        # Then nothing has to be decoded to know which ones are left out.
        config = config.with_data(on_bad_val_record="fail")
    needed = set(sum(wanted.values(), []))
    draw = grad_cam.grad_cam(scored.network)
    drawn: dict[int, dict] = {}
    for number, record in enumerate(pipeline.photos(config, scored.split)):
        if len(drawn) == len(needed):
            break
        if number in needed:
            encoded, _, name = record
            true, answer, following, *shares = scored.answers[number].tolist()
            photo, overlay = _pictures(encoded, config.preprocessing, draw, int(answer))
            drawn[number] = {
                "name": name.numpy().decode(errors="backslashreplace"),
                "true": names[int(true)],
                "answer": names[int(answer)],
                "next": names[int(following)],
                "probability": shares[0],
                "next_probability": shares[1],
                "photo": photo,
                "map": overlay,
            }
    return {kind: [drawn[number] for number in numbers] for kind, numbers in wanted.items()}


def _pictures(
    encoded: tf.Tensor, config: preprocessing.PreprocessingConfig, draw: Callable, answer: int
) -> tuple[str, str]:
    """Returns an encoded image in a small size, and what the network looks at in it."""
    photo = PIL.Image.fromarray(decode_image(encoded, config.decoder).numpy())
    photo.thumbnail((_SIDE, _SIDE))
    seen = preprocessing.eval_image(encoded, config)
    pixels = preprocessing.pixels_of(seen, config).numpy()
    heat = draw(seen[tf.newaxis], tf.constant([answer]))[0]
    return _as_jpeg(photo), _as_jpeg(overlay(pixels, heat))


def overlay(pixels: np.ndarray, heat: np.ndarray) -> PIL.Image.Image:
    """Returns an image, uint8 [H, W, 3], with a map in 0 to 1, float32 [h, w], in colours on it.

    The image is in grey levels, which are as they were where the map is 0; its longer side becomes
    200 pixels.
    """
    from matplotlib import colormaps

    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = PIL.Image.fromarray(pixels).convert("L").convert("RGB")
    picture = np.asarray(grey.resize(size, PIL.Image.BILINEAR), np.float32)
    large = np.asarray(PIL.Image.fromarray(heat, "F").resize(size, PIL.Image.BILINEAR))
    share = _COVER * np.clip(large, 0, 1)[..., np.newaxis]
    colours = 255 * colormaps["turbo"](large)[..., :3]
    return PIL.Image.fromarray((picture * (1 - share) + colours * share).astype(np.uint8))


def _as_jpeg(picture: PIL.Image.Image) -> str:
    """Returns a picture as JPEG in base64."""
    buffer = io.BytesIO()
    picture.save(buffer, "jpeg", quality=_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(picture: str) -> PIL.Image.Image:
    """Returns the picture of such a text."""
    return PIL.Image.open(io.BytesIO(base64.b64decode(picture)))
