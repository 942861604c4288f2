"""Opens a teacher: a run, an exported model, another SavedModel, or a network by name."""

import dataclasses
import hashlib
import os

import numpy as np
import tensorflow as tf

from nets import NAMED_MODELS, build_model
from official.checkpoints import from_run
from official.checkpoints.loading import load_network
from official.export import serving
from official.run import checkpoints, configuration, devices, paths
from official.run.classes import names_or_numbers
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE
from official.run.network import input_shape
from official.teachers import foreign
from official.teachers.teacher import Teacher
from preprocessing import PreprocessingConfig


def load(
    name: str,
    weights: str = "",
    image_size: int = 0,
    normalization: str = "",
    dtype: str = "fp32",
) -> Teacher:
    """Opens a teacher; call inside the strategy's scope.

    Args:
      name: a MODEL_DIR or a checkpoint in it; a SavedModel; `keras:NAME` of
        `tf.keras.applications`; or a network of `nets` by its name.
      weights: of a network by name: `imagenet`, which is downloaded, or a file; empty: imagenet.
      image_size: side of its images in pixels; 0: as it says itself.
      normalization: what a SavedModel of another program does to grey levels; see
        `recipe_choices.NORMALIZATIONS`.
      dtype: precision of what is not a SavedModel, whose own it has.

    Raises:
      RunError: there is no such teacher, or it does not say what it wants to see.
    """
    path = os.path.expanduser(name)
    is_folder = tf.io.gfile.isdir(path)
    if normalization and not (is_folder and foreign.is_foreign(path)):
        raise RunError(
            f"--teacher_normalization={normalization} is for a SavedModel of another program; "
            f"{name} says itself what it wants to see."
        )
    by_name = foreign.is_keras(name) or (name in NAMED_MODELS and not is_folder)
    if weights and not by_name:
        raise RunError(f"--teacher_weights={weights} is for a network by name; {name} has its own.")
    if foreign.is_keras(name):
        with devices.precision(dtype):
            teacher = foreign.keras_application(name, weights, image_size)
        return teacher
    if is_folder and tf.io.gfile.exists(os.path.join(path, CONFIG_FILE)):
        return _sized(_of_run(name, path, "", dtype), image_size)
    if tf.io.gfile.exists(f"{path}.index"):
        return _sized(_of_run(name, from_run.folder_of(path), path, dtype), image_size)
    if is_folder and foreign.is_foreign(path):
        return foreign.saved_model(name, path, image_size, normalization)
    if is_folder:
        return _exported(name, path, image_size)
    if by_name:
        return _sized(_named(name, weights or "imagenet", dtype), image_size)
    raise RunError(
        f"--teacher={name} is no MODEL_DIR, no SavedModel and no network by name: give a folder "
        "that `python -m official.train` or `python -m official.export` wrote, keras:NAME such as "
        "keras:EfficientNetB7, or a name of `python -m official.models`."
    )


def _of_run(name: str, model_dir: str, checkpoint: str, dtype: str) -> Teacher:
    """The network of a run."""
    config = configuration.load(model_dir)
    with devices.precision(dtype):
        network = build_model(config.model, input_shape(config))
    checkpoints.restore_network(network, model_dir, checkpoint or None)
    names = tuple(names_or_numbers(config)) if config.data.class_names else ()
    prepared = dataclasses.replace(config.preprocessing, exif_orientation=False)
    return of_network(name, network, prepared, names)


def _named(name: str, weights: str, dtype: str) -> Teacher:
    """A network of `nets` with downloaded weights, or those of a file."""
    loaded = load_network(name, weights)
    with devices.precision(dtype):
        network = build_model(loaded.config)
    network.set_weights(loaded.get_weights())
    return of_network(name, network, loaded.preprocessing)


def of_network(
    name: str,
    network: tf.keras.Model,
    prepared: PreprocessingConfig,
    names: tuple[str, ...] = (),
) -> Teacher:
    """Returns a Keras network, from prepared images to logits, as a teacher."""
    return Teacher(
        name,
        prepared,
        lambda images: tf.cast(network(images, training=False), tf.float32),
        network.output_shape[-1],
        names,
        _digest_of(network.get_weights()),
    )


def _exported(name: str, path: str, image_size: int) -> Teacher:
    """A SavedModel of `official.export`, whose description says how it is fed."""
    served = serving.Served(path)
    prepared = PreprocessingConfig.from_dict(served.description["preprocessing"])
    if image_size and image_size != prepared.eval_size:
        raise RunError(
            f"--teacher_image_size={image_size}: {name} was exported for {prepared.eval_size} "
            "pixels, and takes no others."
        )
    classify = served.signature("images")
    names = tuple(served.class_names)
    numbers = tuple(map(str, range(len(names))))
    return Teacher(
        name,
        dataclasses.replace(prepared, exif_orientation=False),
        lambda images: classify(images=images)["logits"],
        served.description["num_classes"],
        () if names == numbers else names,
        foreign.digest_of_files(served.path),
    )


def _sized(teacher: Teacher, image_size: int) -> Teacher:
    """Returns a teacher that sees images of another size."""
    if not image_size:
        return teacher
    prepared = dataclasses.replace(teacher.preprocessing, eval_image_size=image_size)
    return dataclasses.replace(teacher, preprocessing=prepared)


def _digest_of(weights: list[np.ndarray]) -> str:
    """Returns a number for all weights of a network."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def absolute(name: str) -> str:
    """Returns a teacher's name, or that of its weights, in full where it is a path."""
    if not name:
        return ""
    path = os.path.expanduser(name)
    there = tf.io.gfile.exists(path) or tf.io.gfile.exists(f"{path}.index")
    return paths.absolute(path) if there else name
