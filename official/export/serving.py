"""An exported model, loaded: it classifies encoded images, of which some may be none."""

import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from official.run import files, paths
from official.run.errors import RunError
from official.run.export_options import ExportOptions
from official.run.folder import LABELS_FILE
from official.run.recipe import dataclass_from
from preprocessing.decode import WEBP_BUILT_IN, webp_available

DESCRIPTION_FILE = "export.json"
WEBP_HINT = "TensorFlow 2.15 has no decoder of its own for it: pip install -e .[webp]"

# What a model says of N images: [N, ...] by the name of the output.
Outputs = dict[str, np.ndarray]


class Exported:
    """What is known of an exported model without loading it; `path` is its versioned folder.

    `description` is what export.json says: image_size, decoder, checkpoint, step, ...; `options`
    is what was exported.
    """

    def __init__(self, path: str):
        """Reads about the newest version in `path`, or `path` itself.

        Raises:
          RunError: there is no SavedModel, or not one of this program.
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
        if "options" not in self.description:
            raise RunError(
                f"{self.path} was exported by an earlier version of this program, whose models say "
                "nothing about bad images: export the run again."
            )
        self.options = dataclass_from(ExportOptions, self.description["options"])
        self.class_names = files.read_text(os.path.join(assets, LABELS_FILE)).splitlines()
        if len(self.class_names) != self.description["num_classes"]:
            raise RunError(
                f"{assets}/{LABELS_FILE} has {len(self.class_names)} lines, the model "
                f"{self.description['num_classes']} classes: it was changed. Export again."
            )

    def require_classes(self) -> None:
        """Raises RunError for a model that gives embeddings only."""
        if self.options.export_embedding_only:
            raise RunError(
                f"{self.path} was exported with --export_embedding_only and knows no classes: "
                "export the run again without."
            )

    def in_its_batches(
        self, encoded: Sequence[bytes], ask: Callable[[Sequence[bytes]], Outputs]
    ) -> Outputs:
        """Returns what `ask` says of encoded images, [N, ...] by name, in batches of the model.

        Of a fixed batch what is missing in the last is made up by images without bytes, whose
        answers are left out.
        """
        size = self.options.export_batch_size or max(len(encoded), 1)
        parts = []
        for start in _starts(encoded, size):
            batch = encoded[start : start + size]
            found = ask([*batch, *[b""] * (size - len(batch))])
            parts.append({name: values[: len(batch)] for name, values in found.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Served(Exported):
    """An exported model, loaded."""

    def __init__(self, path: str):
        """Loads the newest version in `path`, or `path` itself.

        Raises:
          RunError: there is no SavedModel, or it needs a decoder that is not installed.
        """
        super().__init__(path)
        if not tf.io.gfile.exists(os.path.join(self.path, "saved_model.pb")):
            raise RunError(
                f"{self.path} holds no SavedModel, but {', '.join(self.options.others)}: export "
                "the run again with --format=savedmodel besides."
            )
        # Importing it registers the operation that such a model calls.
        if self.description["needs_tensorflow_io"] and not webp_available():
            raise RunError(f"{self.path} decodes WebP; {WEBP_HINT}")
        if self.description["needs_tensorflow_io"] and WEBP_BUILT_IN:
            raise RunError(
                f"{self.path} decodes WebP with tensorflow-io, which does not work with TensorFlow "
                f"{tf.__version__}: export the run again with this version."
            )
        with paths.plain_folder(self.path) as plain:
            self._loaded = tf.saved_model.load(plain)

    def signature(self, name: str) -> tf.types.experimental.ConcreteFunction:
        """Returns a signature: `serving_default` or `images`."""
        return self._loaded.signatures[name]

    def answers(self, encoded: Sequence[bytes]) -> Outputs:
        """Returns the outputs of `serving_default` for encoded images, [N, ...] by name."""
        return self.in_its_batches(encoded, self._call)

    def _call(self, encoded: Sequence[bytes]) -> Outputs:
        """Calls the model with a batch that it takes."""
        found = self.signature("serving_default")(image_bytes=tf.constant(encoded, tf.string))
        return {name: values.numpy() for name, values in found.items()}


def _starts(encoded: Sequence[bytes], size: int) -> Iterator[int]:
    """Yields where batches begin; one batch of nothing where there are no images."""
    yield from range(0, max(len(encoded), 1), size)


def resolve_version(path: str) -> str:
    """Returns the folder of an export: `path`, or its highest numbered version.

    Raises:
      RunError: neither is there.
    """
    versions = sorted(_versions(path), reverse=True)
    for folder in (path, *(os.path.join(path, str(version)) for version in versions)):
        for file in ("saved_model.pb", os.path.join("assets", DESCRIPTION_FILE)):
            if tf.io.gfile.exists(os.path.join(folder, file)):
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
