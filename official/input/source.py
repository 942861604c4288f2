"""What a training reads: opened once, then handed to the loop as one thing."""

import contextlib
import dataclasses

import tensorflow as tf

from datasets.records import reader
from official.input import pipeline, search
from official.input.bad_records import SkippedRecords
from official.input.splits import evaluation_split, find_split
from official.run.configuration import RunConfig


@dataclasses.dataclass(frozen=True)
class Source:
    """The training and validation data of a run.

    Attributes:
      config: the run.
      training: the training shards.
      validation: those that are scored.
    """

    config: RunConfig
    training: reader.Split
    validation: reader.Split

    @classmethod
    def open(cls, config: RunConfig, training: reader.Split | None = None) -> "Source":
        """Finds the shards; `training` if they were found already.

        Raises:
          RunError or DatasetError: no such data, or damaged shards that may not be skipped.
        """
        data = config.data
        if training is None:
            training = find_split(data.data_dir, data.train_regex, data.on_bad_record)
        return cls(config, training, evaluation_split(config))

    @property
    def steps_per_epoch(self) -> int:
        """Updates of one epoch, at least one."""
        return max(1, self.training.num_examples // self.config.recipe.batch_size)

    def training_batches(self, step: int, skipped: int, replicas: int) -> tf.data.Dataset:
        """Returns the endless training data; see `pipeline.training_dataset`."""
        return pipeline.training_dataset(self.config, self.training, step, skipped, replicas)

    def validation_batches(self) -> tf.data.Dataset:
        """Returns the data that is scored; see `pipeline.evaluation_dataset`."""
        return pipeline.evaluation_dataset(self.config, self.validation)

    def account(self, model_dir: str, step: int) -> SkippedRecords:
        """Returns the callback that counts what is skipped, going on at `step`."""
        return SkippedRecords(model_dir, self.config, self.training, self.validation, step)

    def naming_bad_records(self) -> contextlib.AbstractContextManager[None]:
        """Returns a context that names the record that ended its body; see `search.named`."""
        return search.named(self.config, self.training, self.validation)
