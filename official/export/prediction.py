"""What an exported model says of encoded images."""

import numpy as np
import tensorflow as tf

from official.export import serving
from official.run.errors import explain


def predict(served: serving.Served, encoded: list[bytes]) -> np.ndarray:
    """Returns the probabilities of encoded images, float32 [N, C]."""
    classify = served.signature("serving_default")
    return classify(image_bytes=tf.constant(encoded))["probabilities"].numpy()


def best(probabilities: np.ndarray, names: list[str], k: int) -> list[tuple[str, float]]:
    """Returns the `k` most probable classes of one image as (name, probability)."""
    order = np.argsort(-probabilities, kind="stable")[:k]
    return [(names[index], float(probabilities[index])) for index in order]


def reason(error: BaseException, served: serving.Served) -> str:
    """Returns why an image could not be classified."""
    if isinstance(error, tf.errors.NotFoundError):
        return "no such file"
    if isinstance(error, tf.errors.InvalidArgumentError):
        decoder = served.description["decoder"]
        return f"cannot be decoded; this model was exported for {decoder} images"
    return explain(error) if isinstance(error, tf.errors.OpError) else str(error)
