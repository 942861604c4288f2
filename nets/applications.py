"""One function for every named network, in the manner of `tf.keras.applications`."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nets.network import Network
from nets.registry import CHANNEL_MEANS, NAMED_MODELS, Variant, named_config

_ENDINGS = (".h5", ".keras")

_DOCUMENTATION = """Builds the network {name}, evaluated at {size} x {size}.

    network = nets.{name}(classes=5, input_shape=(224, 224, 3))
    x = nets.preprocess_input(images, nets.NAMED_MODELS["{name}"].channel_means)
    network.compile("sgd", tf.keras.losses.CategoricalCrossentropy(from_logits=True))
    network.fit(x, labels)

Args:
    include_top: Whether pooling and classifier follow the last map.
    weights: None for fresh weights, or the path of a file that this network saved:
        `save_weights` (.weights.h5, .h5) or the whole model (.keras, .h5).
    input_shape: Height, width (None: any) and channels of the images.
    pooling: With `include_top=False`: None for the last map, [N, h, w, C], "avg" or "max" for its
        mean or maximum, float32 [N, C].
    classes: Width of the classifier; 1001 is ImageNet with a background class at 0, and 1000,
        without one, the default of networks whose weights others publish.
    classifier_activation: Name of the activation behind the logits; None: logits.
    name: Of the model, which must differ from others in one functional model; None: {name}.
    dtype: Precision policy, or its name; None: the global policy.
    **fields: Fields of `nets.ModelConfig` that shall differ, such as `use_dropblock=True`.

Returns:
    A Keras model from images [N, H, W, 3], as `nets.preprocess_input` gives them, to float32
    logits [N, classes].

Raises:
    ValueError: An argument or field is impossible, or the file of weights does not fit.
"""


def _function_of(variant: Variant) -> Callable[..., Network]:
    """The function that builds one network of the registry."""

    def build(
        include_top: bool = True,
        weights: str | os.PathLike[str] | None = None,
        input_shape: Sequence[int | None] = (None, None, 3),
        pooling: str | None = None,
        classes: int = variant.config.num_classes,
        classifier_activation: str | None = None,
        name: str | None = None,
        dtype: str | tf.keras.mixed_precision.Policy | None = None,
        **fields: Any,
    ) -> Network:
        if "num_classes" in fields:
            raise ValueError(f"num_classes={fields['num_classes']!r}: it is called classes here")
        network = Network(
            named_config(variant.name, num_classes=classes, **fields),
            input_shape,
            include_top=include_top,
            pooling=pooling,
            classifier_activation=classifier_activation,
            name=name or variant.name,
            dtype=dtype,
        )
        if weights is not None:
            _load(network, os.fspath(weights))
        return network

    build.__name__ = build.__qualname__ = variant.name
    build.__module__ = "nets"
    build.__doc__ = _DOCUMENTATION.format(name=variant.name, size=variant.image_size)
    return build


FUNCTIONS: Mapping[str, Callable[..., Network]] = {
    name: _function_of(variant) for name, variant in NAMED_MODELS.items()
}


def _load(network: Network, path: str) -> None:
    """Loads the weights of a file, or raises a ValueError that names it."""
    right = f"it must be the path of a {' or '.join(_ENDINGS)} file that {network.name} saved"
    if not path.endswith(_ENDINGS):
        raise ValueError(
            f"weights={path!r}: {right}; no weights come with nets, and official.load_network "
            "reads those of Keras, torchvision and timm"
        )
    if not tf.io.gfile.exists(path):
        raise ValueError(f"weights={path!r}: there is no such file; {right}")
    try:
        if path.endswith(".keras"):
            _load_from_archive(network, path)
        else:
            network.load_weights(path)
    except Exception as error:  # Keras raises whatever its reader of that format raises.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"weights={path!r} does not fit {network.name}: {right}, with the same classes and "
            f"fields ({reason})"
        ) from error


def load_model(path: str | os.PathLike[str]) -> tf.keras.Model:
    """Loads a whole model from a .keras or .h5 file, as `tf.keras.models.load_model` does.

    It takes seconds, where Keras takes twenty and more for a large .keras file: Keras reads the
    weights inside of the archive, and there Python below 3.13 starts at its front again for every
    step back. Here they are unpacked first.

    Raises:
        ValueError: There is no such file, or it is no model.
    """
    name = os.fspath(path)
    if not name.endswith(_ENDINGS):
        raise ValueError(f"load_model({name!r}): it must be a {' or '.join(_ENDINGS)} file")
    if not tf.io.gfile.exists(name):
        raise ValueError(f"load_model({name!r}): there is no such file")
    if name.endswith(".h5"):
        return tf.keras.models.load_model(name)
    try:
        with tf.io.gfile.GFile(name, "rb") as file, zipfile.ZipFile(file) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, tf.errors.OpError) as error:
        raise ValueError(f"load_model({name!r}): it is no .keras file ({error})") from error
    model = tf.keras.saving.deserialize_keras_object(config)
    _load_from_archive(model, name)
    return model


def _load_from_archive(network: tf.keras.Model, path: str) -> None:
    """Loads the weights of a whole model, unpacked: Keras takes 50 times as long in the archive."""
    with tempfile.TemporaryDirectory() as folder, tf.io.gfile.GFile(path, "rb") as file:
        with zipfile.ZipFile(file) as archive:
            network.load_weights(archive.extract("model.weights.h5", folder))


def preprocess_input(images: Any, channel_means: Sequence[float] = CHANNEL_MEANS) -> tf.Tensor:
    """Makes of images what the networks here take: the channel means subtracted, no division.

    The means are the original's; networks whose weights come from elsewhere have their own
    (`nets.NAMED_MODELS[name].channel_means`).

    [..., H, W, 3], red, green, blue, 0 to 255, integers or floats, to float32 of the same shape.

    Raises:
        ValueError: These are no numbers, the last axis is not 3, or there are too few axes.
    """
    images = tf.convert_to_tensor(images)
    if not (images.dtype.is_integer or images.dtype.is_floating):
        hint = "; decode the files first" if images.dtype == tf.string else ""
        raise ValueError(
            "preprocess_input takes numbers from 0 to 255 (uint8 or float), not "
            f"{images.dtype.name}{hint}"
        )
    rank = images.shape.rank
    if rank is not None and (rank < 3 or images.shape[-1] not in (3, None)):
        raise ValueError(
            f"preprocess_input takes images [..., height, width, 3], not of shape {images.shape}"
        )
    return tf.cast(images, tf.float32) - tf.constant(channel_means, tf.float32)
