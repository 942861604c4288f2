"""What a configuration leaves open, worked out from the data."""

import dataclasses
import os

from official.input.source import Source
from official.input.splits import find_split, shuffle_buffer
from official.run.classes import count_classes
from official.run.configuration import RunConfig
from official.run.errors import RunError


def resolve(config: RunConfig) -> Source:
    """Returns the data of a run, with a configuration in which nothing is left open.

    Raises:
      RunError or DatasetError: no such data, too little of it, or a network of another number of
        classes.
    """
    data = config.data
    if not data.data_dir:
        raise RunError("--data_dir must be given; see --help.")
    split = find_split(data.data_dir, data.train_regex, data.on_bad_record)
    classes = count_classes(data.data_dir, data.dataset_name, data.num_classes, data.label_offset)
    if classes != config.model.num_classes:
        raise RunError(
            f"the network has num_classes={config.model.num_classes}, the data in {data.data_dir} "
            f"{classes} classes: build it with num_classes={classes}."
        )
    if split.num_examples < config.recipe.batch_size:
        raise RunError(
            f"--batch_size={config.recipe.batch_size} is larger than the {split.num_examples} "
            f"training images in {data.data_dir}"
            + (f", of whose files {len(split.damage)} are damaged." if split.damage else ".")
        )
    local = "://" not in data.data_dir
    data = dataclasses.replace(
        data,
        data_dir=os.path.abspath(data.data_dir) if local else data.data_dir,
        num_classes=classes,
        num_images=split.num_examples,
        shuffle_buffer=shuffle_buffer(data.dataset_name, data.shuffle_buffer),
    )
    return Source.open(dataclasses.replace(config, data=data), split)
