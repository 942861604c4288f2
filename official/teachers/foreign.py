"""Teachers of other programs: Keras' applications, and SavedModels that say little."""

import hashlib
import os
import types

import tensorflow as tf

from official.export import serving
from official.run import paths
from official.run.errors import RunError, short
from official.run.recipe_choices import NORMALIZATIONS
from official.teachers.teacher import Teacher
from preprocessing import PreprocessingConfig

_PREFIX = "keras:"
# EfficientNet was scored on a central crop that leaves a margin of 32 pixels, by cubic
# interpolation (the code of 1905.11946).
_EFFICIENT_NETS, _MARGIN = "EfficientNet", 32


def is_keras(name: str) -> bool:
    """Whether that names a network of `tf.keras.applications`."""
    return name.lower().startswith(_PREFIX)


def is_foreign(path: str) -> bool:
    """Whether a folder holds a SavedModel that `official.export` did not write."""
    description = os.path.join(path, "assets", serving.DESCRIPTION_FILE)
    there = tf.io.gfile.exists(os.path.join(path, "saved_model.pb"))
    return there and not tf.io.gfile.exists(description)


def keras_application(name: str, weights: str = "", image_size: int = 0) -> Teacher:
    """Returns a classifier of `tf.keras.applications`, such as keras:EfficientNetB7.

    Its own `preprocess_input` is part of it. The first time weights are downloaded, by Keras.

    Raises:
      RunError: no such network, or its weights cannot be had.
    """
    wanted = name[len(_PREFIX) :]
    modules = [m for m in vars(tf.keras.applications).values() if isinstance(m, types.ModuleType)]
    # A function of that name and its module, which has the preprocessing.
    known = {
        key: (value, module)
        for module in modules
        for key, value in vars(module).items()
        if key[0].isupper() and callable(value)
    }
    found = {key.lower(): key for key in known}.get(wanted.lower())
    if found is None:
        raise RunError(
            f"--teacher={name}: tf.keras.applications has no {wanted}; it has "
            f"{', '.join(sorted(known))}."
        )
    make, module = known[found]
    shape = (image_size, image_size, 3) if image_size else None
    try:
        network = make(
            weights=os.path.expanduser(weights) or "imagenet",
            input_shape=shape,
            classifier_activation=None,
        )
    except Exception as error:  # Keras raises a bare Exception where a download fails.
        raise RunError(
            f"--teacher={name}: its weights cannot be had ({short(error)}). Without a network put "
            "Keras' file into ~/.keras/models, or give its path: --teacher_weights=FILE"
        ) from error
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return Teacher(
        name,
        _as_pixels(network.input_shape[1], found.startswith(_EFFICIENT_NETS)),
        lambda images: tf.cast(
            network(module.preprocess_input(images), training=False), tf.float32
        ),
        network.output_shape[-1],
        digest=digest.hexdigest(),
    )


def saved_model(name: str, path: str, image_size: int, normalization: str) -> Teacher:
    """Returns a SavedModel whose signature takes a batch of images and gives one of logits.

    Probabilities are taken for what they are: their logarithms are logits.

    Raises:
      RunError: its size or normalisation is not known, or it has no such signature.
    """
    if not normalization:
        raise RunError(
            f"{name} was not written by `python -m official.export`, so it does not say what it "
            f"wants to see: give --teacher_normalization, one of {', '.join(NORMALIZATIONS[1:])}."
        )
    with paths.plain_folder(path) as plain:
        loaded = tf.saved_model.load(plain)
    classify = loaded.signatures.get("serving_default")
    takes = classify.structured_input_signature[1] if classify else {}
    if len(takes) != 1 or next(iter(takes.values())).shape.rank != 4:
        raise RunError(f"{name} has no signature serving_default of one batch of images.")
    argument, spec = next(iter(takes.items()))
    size = image_size or spec.shape[1]
    if not size:
        raise RunError(f"{name} takes images of any size: give --teacher_image_size.")
    outputs = classify.structured_outputs
    key = "logits" if "logits" in outputs else next(iter(outputs))
    if len(outputs) > 1 and key != "logits":
        raise RunError(f"{name} has the outputs {', '.join(outputs)}, none of which is `logits`.")

    def network(images: tf.Tensor) -> tf.Tensor:
        if normalization != "raw":
            images = tf.keras.applications.imagenet_utils.preprocess_input(
                images, data_format="channels_last", mode=normalization
            )
        found = classify(**{argument: tf.cast(images, spec.dtype)})[key]
        return tf.cast(found, tf.float32)

    first = network(tf.zeros([1, size, size, 3]))
    gives = network
    if first.shape.rank == 2 and abs(float(tf.reduce_sum(first)) - 1.0) < 1e-3:
        gives = lambda images: tf.math.log(tf.maximum(network(images), 1e-30))  # noqa: E731
    return Teacher(name, _as_pixels(size), gives, first.shape[-1], digest=digest_of_files(path))


def digest_of_files(folder: str) -> str:
    """Returns a number for graph and weights of a SavedModel."""
    digest = hashlib.sha256()
    variables = os.path.join(folder, "variables")
    names = [os.path.join(folder, "saved_model.pb")]
    names += [os.path.join(variables, name) for name in sorted(paths.list_names(variables))]
    for name in names:
        with tf.io.gfile.GFile(name, "rb") as file:
            while chunk := file.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()


def _as_pixels(size: int, efficient_net: bool = False) -> PreprocessingConfig:
    """How images become grey levels of 0 to 255 of one size."""
    fields = {"preprocessing_type": f"imagenet_{size}", "channel_means": (0.0, 0.0, 0.0)}
    if efficient_net:
        crop = {"crop_share": max(0.5, size / (size + _MARGIN)), "interpolation": "bicubic"}
        return PreprocessingConfig(**fields, **crop)
    return PreprocessingConfig(**fields, interpolation="bilinear")
