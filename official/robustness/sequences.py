"""Where sequences of frames come from: made as they are wanted, or read from folders of frames."""

import os
from collections.abc import Iterator, Sequence
from typing import Protocol

import tensorflow as tf

import preprocessing
from datasets.conversion.pool import Workers
from datasets.records import reader
from datasets.sources import pictures
from official.input import pipeline
from official.robustness.making import Making, make_sequence
from official.robustness.sources import identity_of, named
from official.run.configuration import RunConfig
from official.run.errors import RunError


class SequenceSource(Protocol):
    """Where frames come from.

    Attributes:
      names: the perturbations that there are.
      facts: what decides about the frames, for the record of a result; JSON values.
    """

    names: list[str]
    facts: dict

    def sequences(self, name: str) -> Iterator[list[bytes]]:
        """Yields the frames of each sequence, as `prepare` takes them."""

    def prepare(self, frame: tf.Tensor) -> tf.Tensor:
        """Returns the network's input of a frame, float32 [size, size, 3]."""

    def identity(self, name: str, severity: int) -> dict:
        """Returns what changes when the frames of a perturbation may have; JSON values."""


class MadeSequences:
    """Moves the photos of TFRecords, in processes."""

    def __init__(
        self,
        config: RunConfig,
        split: reader.Split,
        making: Making,
        names: Sequence[str],
        workers: Workers,
    ):
        """Takes the run as it reads those records, the records, how, what, and who does it."""
        self._config, self._split, self._making = config, split, making
        self._workers = workers
        self.names = list(names)
        facts = {"size": making.size, "seed": making.seed}
        self.facts = {**facts, "records": split.num_examples}

    def sequences(self, name: str) -> Iterator[list[bytes]]:
        """Yields raw frames; see `SequenceSource`."""
        photos = pipeline.photos(self._config, self._split).prefetch(16).as_numpy_iterator()
        tasks = (
            (encoded, number, name, self._making) for number, (encoded, _, _) in enumerate(photos)
        )
        return self._workers.each(made_sequence, tasks)

    def prepare(self, frame: tf.Tensor) -> tf.Tensor:
        """Returns the network's input of a frame; see `SequenceSource`."""
        size = self._making.size
        pixels = tf.reshape(tf.io.decode_raw(frame, tf.uint8), [size, size, 3])
        return preprocessing.pixels_to_input(pixels, self._config.preprocessing)

    def identity(self, name: str, severity: int) -> dict:
        """Returns nothing: the facts say it all."""
        return {}


def made_sequence(task: tuple) -> list[bytes]:
    """Returns what `make_sequence` makes of its arguments; see `named`."""
    return named(make_sequence, task)


class StoredSequences:
    """Reads DIR/PERTURBATION/CLASS/SEQUENCE/ with a picture for each frame, in sorted order."""

    def __init__(
        self, folder: str, config: RunConfig, size: int, resized: bool, names: Sequence[str]
    ):
        """Looks what there is of these names.

        Raises:
          RunError: nothing.
        """
        self._folder, self._config = folder, config
        self._size, self._resized = size, resized
        self.names = [name for name in names if os.path.isdir(os.path.join(folder, name))]
        if not self.names:
            raise RunError(
                f"--corrupted_dir={folder} holds no folder of a perturbation that is wanted, such "
                f"as {os.path.join(folder, names[-1])}, with CLASS/SEQUENCE/FRAME.png in it. The "
                "published videos become frames by: ffmpeg -i NAME.mp4 NAME/%03d.png"
            )
        self.facts = {"corrupted_dir": os.path.abspath(folder), "size": size, "resized": resized}

    def sequences(self, name: str) -> Iterator[list[bytes]]:
        """Yields encoded frames; see `SequenceSource`.

        Raises:
          RunError: a sequence of fewer than two frames, or none at all.
        """
        found = 0
        for place, _, names in sorted(os.walk(os.path.join(self._folder, name))):
            frames = sorted(one for one in names if not pictures.is_junk(one))
            if not frames:
                continue
            if len(frames) < 2:
                raise RunError(f"{place} has a single frame; a sequence needs two at least.")
            found += 1
            encoded = []
            for frame in frames:
                with open(os.path.join(place, frame), "rb") as file:
                    encoded.append(file.read())
            yield encoded
        if not found:
            raise RunError(f"{os.path.join(self._folder, name)} holds no frames.")

    def prepare(self, frame: tf.Tensor) -> tf.Tensor:
        """Returns the network's input of a frame; see `SequenceSource`."""
        config = self._config.preprocessing
        return preprocessing.stored_image(frame, config, self._size, self._resized)

    def identity(self, name: str, severity: int) -> dict:
        """Returns the number, the size and the last change of the files; see `SequenceSource`."""
        return identity_of(os.path.join(self._folder, name))
