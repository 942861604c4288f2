"""What a configuration leaves open, worked out from the data."""

import dataclasses
import shlex
from typing import NamedTuple

from datasets import catalog
from datasets.records import reader, schema
from official import teachers
from official.input.splits import evaluation_split, find_split, shuffle_buffer
from official.run import paths
from official.run.classes import count_classes, names_of
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.train.schedules import epoch_bn_momentum, fitting_bn_momentum


class Source(NamedTuple):
    """A run in whose configuration nothing is left open, with the shards that it reads."""

    config: RunConfig
    training: reader.Split
    validation: reader.Split

    @property
    def steps_per_epoch(self) -> int:
        """Updates of one epoch, at least one."""
        return max(1, self.training.num_examples // self.config.recipe.batch_size)


def resolve(config: RunConfig) -> Source:
    """Finds the data of a run, and works out what `config` leaves open.

    Raises:
      RunError or DatasetError: no such data, too little of it, or a network of another number of
        classes.
    """
    data = dataclasses.replace(config.data, data_dir=paths.absolute(config.data.data_dir))
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
    if config.recipe.balanced_sampling and data.data_service:
        raise RunError(
            "--balanced_sampling cannot be had with --data_service, whose workers deal out whole "
            "files; --class_weights=balanced can."
        )
    _require_views(config)
    if config.recipe.reads_logits:
        _require_logits(config, split, classes)
    data = dataclasses.replace(
        data,
        data_dir=paths.absolute(data.data_dir),
        num_classes=classes,
        class_names=names_of(data.data_dir, data.label_offset),
        upright=bool((reader.load_manifest(data.data_dir) or {}).get("upright")),
        num_images=split.num_examples,
        shuffle_buffer=shuffle_buffer(data.dataset_name, data.shuffle_buffer, split),
    )
    recipe = dataclasses.replace(
        config.recipe,
        teacher=teachers.absolute(config.recipe.teacher),
        teacher_weights=teachers.absolute(config.recipe.teacher_weights),
    )
    config = _with_bn_momentum(dataclasses.replace(config, data=data, recipe=recipe))
    return Source(config, split, evaluation_split(config))


def planned(config: RunConfig) -> RunConfig:
    """Works out what `config` leaves open without the data, where the catalogue knows it.

    The names of the classes stay open, and the shuffle buffer is the catalogue's, which `resolve`
    makes smaller where memory is short. Of data that has no name in the catalogue, or that is known
    already, it is what `resolve` says.

    Raises:
      RunError or DatasetError: no such data.
    """
    if config.data.num_images:
        return config
    if not config.data.dataset_name:
        return resolve(config).config
    info = catalog.get(config.data.dataset_name)
    config = config.with_data(
        num_images=info.num_train_images,
        shuffle_buffer=config.data.shuffle_buffer or info.shuffle_buffer,
    )
    return _with_bn_momentum(config)


def _with_bn_momentum(config: RunConfig) -> RunConfig:
    """Returns the configuration with the momentum of batch norm that follows from the steps."""
    if config.model.bn_momentum:
        return config
    recipe, images = config.recipe, config.data.num_images
    if recipe.auto_bn_momentum:
        momentum = epoch_bn_momentum(images // recipe.batch_size)
    else:
        momentum = fitting_bn_momentum(recipe.total_steps(images))
    model = dataclasses.replace(config.model, bn_momentum=momentum)
    return dataclasses.replace(config, model=model)


def _require_views(config: RunConfig) -> None:
    """Raises RunError where AugMix's consistency has no views, or some of changing size."""
    weight, prepared = config.recipe.augmix_consistency, config.preprocessing
    if weight and not prepared.augmix_severity:
        raise RunError(
            f"--augmix_consistency={weight:g} needs AugMix: give --augmix_severity, in the paper 3."
        )
    if weight and prepared.multi_scale:
        raise RunError(
            f"--augmix_consistency={weight:g} and --multi_scale exclude each other: leave one out."
        )


def _require_logits(config: RunConfig, split: reader.Split, classes: int) -> None:
    """Raises RunError if the first record has no teacher's logits, or not one for each class."""
    records = reader.read_records(split, skip_damage=True).map(
        lambda record: schema.count_logits(record["serialized"])
    )
    counts = records.ignore_errors().take(1).as_numpy_iterator()
    count = int(next(counts, classes))
    if count == classes:
        return
    what = f"--kd_temp={config.recipe.kd_temp:g} (distillation) needs a teacher's logits in the "
    if count:
        raise RunError(
            f"{what}records, one for each of the {classes} classes; those in "
            f"{config.data.data_dir} have {count}. They must be of a teacher with the same classes "
            "in the same order."
        )
    raise RunError(
        f"{what}records (image/logit), and those in {config.data.data_dir} have none. `python -m "
        f"official.distill --teacher=TEACHER --data_dir={shlex.quote(config.data.data_dir)} "
        "--output_dir=NEW` writes them; --teacher=TEACHER lets one run along; for ImageNet `python "
        "-m datasets.convert imagenet --logits_file_path=DIR` writes those of the original's "
        "teachers. Leave --kd_temp out to train without."
    )
