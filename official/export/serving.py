"""The exported model: a SavedModel that takes encoded images, or prepared ones."""

import os

import tensorflow as tf

import preprocessing
from official.run import files, paths
from official.run.errors import RunError
from official.run.folder import LABELS_FILE
from preprocessing import PreprocessingConfig
from preprocessing.decode import webp_available

DESCRIPTION_FILE = "export.json"
WEBP_HINT = "TensorFlow 2.15 has no decoder of its own for it: pip install -e .[webp]"


class ServingModule(tf.Module):
    """A network with its preprocessing, for `tf.saved_model.save`.

    Signatures: `serving_default` (input `image_bytes`, string [N], encoded images) and `images`
    (input `images`, float32 [N, S, S, 3], prepared as for evaluation). Outputs of both:
    `classes` int64 [N], `probabilities` float32 [N, C], `logits` float32 [N, C], `embedding`
    float32 [N, D].
    """

    def __init__(
        self, network: tf.keras.Model, config: PreprocessingConfig, assets: dict[str, str]
    ):
        """Takes a float32 network with a layer `embedding`, and files to travel along by name."""
        super().__init__(name="serving")
        outputs = [network.outputs[0], network.get_layer("embedding").output]
        inference = tf.keras.Model(network.inputs, outputs)
        # Only the variables are tracked: a tracked Keras model would be traced layer by layer,
        # which takes minutes and writes functions that nobody calls.
        self.weights = list(inference.variables)
        self._classify = lambda images: inference(images, training=False)
        self.preprocessing = config
        self.assets = {name: tf.saved_model.Asset(path) for name, path in assets.items()}
        size = config.eval_size
        self.from_bytes = tf.function(
            self._from_bytes, input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")]
        )
        self.from_images = tf.function(
            self._predict,
            input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32, "images")],
        )

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns the concrete functions by signature name."""
        return {
            "serving_default": self.from_bytes.get_concrete_function(),
            "images": self.from_images.get_concrete_function(),
        }

    def _from_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Decodes, prepares and classifies encoded images, string [N]."""
        size = self.preprocessing.eval_size
        images = tf.map_fn(
            lambda encoded: preprocessing.eval_image(encoded, self.preprocessing),
            image_bytes,
            fn_output_signature=tf.TensorSpec([size, size, 3], tf.float32),
            parallel_iterations=32,
        )
        return self._predict(images)

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies prepared images, float32 [N, S, S, 3]."""
        logits, embedding = self._classify(images)
        return {
            "classes": tf.argmax(logits, axis=-1, output_type=tf.int64),
            "probabilities": tf.nn.softmax(logits),
            "logits": logits,
            "embedding": tf.cast(embedding, tf.float32),
        }


class Served:
    """A SavedModel loaded from `path`, its versioned folder.

    `description` is what export.json says: image_size, decoder, checkpoint, step, ...
    """

    def __init__(self, path: str):
        """Loads the newest version in `path`, or `path` itself.

        Raises:
          RunError: there is no SavedModel, or it needs a decoder that is not installed.
        """
        self.path = resolve_version(path)
        assets = os.path.join(self.path, "assets")
        description = os.path.join(assets, DESCRIPTION_FILE)
        if not tf.io.gfile.exists(description):
            raise RunError(
                f"{self.path} was not made by `python -m official.export`: "
                f"assets/{DESCRIPTION_FILE} is missing."
            )
        self.description = files.read_json(description)
        self.class_names = files.read_text(os.path.join(assets, LABELS_FILE)).splitlines()
        # Importing it registers the operation that such a model calls.
        if self.description["needs_tensorflow_io"] and not webp_available():
            raise RunError(f"{self.path} decodes WebP; {WEBP_HINT}")
        with paths.plain_folder(self.path) as plain:
            self._loaded = tf.saved_model.load(plain)

    def signature(self, name: str) -> tf.types.experimental.ConcreteFunction:
        """Returns a signature: `serving_default` or `images`."""
        return self._loaded.signatures[name]


def resolve_version(path: str) -> str:
    """Returns the folder that holds saved_model.pb: `path`, or its highest numbered version.

    Raises:
      RunError: neither is there.
    """
    versions = sorted(_versions(path), reverse=True)
    for folder in (path, *(os.path.join(path, str(version)) for version in versions)):
        if tf.io.gfile.exists(os.path.join(folder, "saved_model.pb")):
            return folder
    raise RunError(
        f"{path} holds no SavedModel: --saved_model must be a folder that "
        "`python -m official.export` wrote."
    )


def next_version(export_dir: str) -> int:
    """Returns the version after the highest one in `export_dir`, 1 if there is none."""
    return max(_versions(export_dir), default=0) + 1


def _versions(path: str) -> list[int]:
    """Returns the numbers that a folder holds; none if it does not exist."""
    names = tf.io.gfile.listdir(path) if tf.io.gfile.isdir(path) else []
    return [int(name.strip("/")) for name in names if name.strip("/").isdigit()]
