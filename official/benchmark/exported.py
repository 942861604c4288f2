"""What has a checkpoint, ready to be measured: a MODEL_DIR, a SavedModel, its other formats."""

import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nets import ModelConfig, cost, fold_batch_norm
from official.benchmark import made_up_photos
from official.benchmark.networks import MODEL_DIR, SAVED_MODEL, Case
from official.export import formats, runtimes, serving
from official.run import network, paths
from official.run.errors import RunError

Prepared = tuple[Callable[[], None], dict[str, float | int]]


def prepare(case: Case) -> Prepared:
    """Returns a function that does one call and waits for its result, and facts of the network.

    Raises:
      RunError: there is no such run, model or format.
    """
    if case.kind == MODEL_DIR:
        return _of_run(case)
    if case.kind == SAVED_MODEL:
        return _of_saved_model(case)
    return _of_file(case)


def _of_run(case: Case) -> Prepared:
    """The network of a run, its batch norms folded."""
    loaded = network.load(case.model)
    size = case.image_size or loaded.preprocessing.eval_size
    facts = _facts(loaded.config, size)
    if case.fold:
        loaded = fold_batch_norm(loaded)
    images = tf.constant(_images(case, size))
    infer = tf.function(lambda batch: loaded(batch, training=False))
    return lambda: infer(images).numpy(), facts


def _of_saved_model(case: Case) -> Prepared:
    """A SavedModel: prepared images that lie on the device, or encoded ones."""
    served = serving.Served(case.model)
    facts = _described(served)
    output = "embedding" if served.options.export_embedding_only else "logits"
    fixed = served.options.export_batch_size
    if fixed and fixed != case.batch_size:
        raise RunError(f"{served.path} takes batches of {fixed}: give --batch_size={fixed}.")
    if not case.from_bytes:
        images = tf.constant(_images(case, facts["image_size"]))
        call = served.signature("images")
        return lambda: call(images=images)[output].numpy(), facts
    random = np.random.default_rng(0)
    photos = [
        tf.io.encode_jpeg(made_up_photos.photo(random, 375, 500), quality=92).numpy()
        for _ in range(min(case.batch_size, 16))
    ]
    encoded = tf.constant([photos[place % len(photos)] for place in range(case.batch_size)])
    from_bytes = served.signature("serving_default")
    return lambda: from_bytes(image_bytes=encoded)[output].numpy(), facts


def _of_file(case: Case) -> Prepared:
    """Another format of an export, in its own runtime; images lie in the host's memory."""
    exported = serving.Exported(case.model)
    one = formats.FORMATS[case.kind]
    path = os.path.join(exported.path, *one.file.split("/"))
    if not tf.io.gfile.exists(path):
        raise RunError(
            f"{exported.path} has no {one.file}: export the run with --format={case.kind} besides."
        )
    formats.require_converters(exported.options)
    facts = _described(exported)
    images = _images(case, facts["image_size"])
    with paths.plain_folder(os.path.dirname(path)) as folder:
        run = runtimes.load(one.runtime, os.path.join(folder, os.path.basename(path)), case.threads)
    return lambda: run(images), facts


def _described(exported: serving.Exported) -> dict[str, float | int]:
    """Returns the facts of an export."""
    described = exported.description
    return _facts(ModelConfig.from_dict(described["model"]), described["image_size"])


def _facts(config: ModelConfig, size: int) -> dict[str, float | int]:
    """Returns parameters, billions of multiply-adds of an image, and its side in pixels."""
    counted = cost(config, size)
    return {
        "parameters": counted.parameters,
        "gflops": round(counted.multiply_adds / 1e9, 3),
        "image_size": size,
    }


def _images(case: Case, size: int) -> np.ndarray:
    """Returns random images, float32 [N, size, size, 3]."""
    random = np.random.default_rng(0)
    shape = (case.batch_size, size, size, 3)
    return random.uniform(-120, 150, shape).astype(np.float32)
