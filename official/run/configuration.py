"""What a run is: network, images, recipe and data, resolved. MODEL_DIR/config.json holds it."""

import dataclasses
import os
from typing import Any

import tensorflow as tf

from nets import ModelConfig
from official.run import class_names, files
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE, LABELS_FILE
from official.run.recipe import RecipeConfig, dataclass_from
from official.run.recipe_checks import require
from preprocessing import PreprocessingConfig

ON_BAD_RECORD = ("skip", "fail")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which records a run reads; fields are the flags of the same names.

    Attributes:
      data_dir: Folder of TFRecord shards (train-*, validation-*), labels.txt, manifest.json, as
        `python -m datasets.convert` writes it or as the original did.
      dataset_name: Name in datasets/catalog.py (imagenet, food101, ...), which gives the number of
        classes. Without it labels.txt in DATA_DIR does.
      train_regex: Glob of the training shards in DATA_DIR.
      val_regex: Glob of the evaluation shards in DATA_DIR.
      num_classes: Number of classes; 0: as DATA_DIR or catalogue say.
      num_images: Training images that the schedules were made for; 0: as many as there are.
      label_offset: Added to the labels of the records; 1 where they count from 0 and the network
        has a background class at 0.
      shuffle_buffer: Records in the shuffle buffer, which holds encoded images; 0: the data set's
        own (catalogue), else 10,000, but at most 2 GiB and an eighth of the memory.
      val_batch_size: Images in one evaluation batch.
      private_threads: Threads of the input pipeline; 0: TensorFlow chooses.
      on_bad_record: Training records that cannot be used (damaged shard or image, label out of
        range, wrong number of teacher logits): skip and count them, or fail.
      on_bad_val_record: Records of the validation split that cannot be used: fail, or leave them
        out of the score, which says how many images it counts.
      max_bad_records: Bad records in one pass over the training data above which the run stops;
        below 1: a share of all. Default: 1 % of the records, at least 100, at most half.
      data_service: HOST:PORT of a tf.data service (`python -m official.data_service`) whose
        workers decode and augment the training images; default: this process does.
      class_names: A name for each class of the network, from labels.txt; empty where there is none.
      upright: Whether the conversion turned photos as their EXIF orientation says, from
        manifest.json; an exported network does the same then.
      label_map: The class of the network for each label of the records, where those are of other
        data than the run's; empty: as `label_offset` says.
    """

    data_dir: str
    dataset_name: str = ""
    train_regex: str = "train-*"
    val_regex: str = "validation-*"
    num_classes: int = 0
    num_images: int = 0
    label_offset: int = 0
    shuffle_buffer: int = 10_000
    val_batch_size: int = 256
    private_threads: int = 0
    on_bad_record: str = "fail"
    on_bad_val_record: str = "fail"
    max_bad_records: float | None = None
    data_service: str = ""
    class_names: tuple[str, ...] = ()
    upright: bool = False
    label_map: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for values that cannot be read with."""
        for name in ("on_bad_record", "on_bad_val_record"):
            good = getattr(self, name) in ON_BAD_RECORD
            require(self, name, good, f"one of {list(ON_BAD_RECORD)}")
        limit = self.max_bad_records
        require(self, "max_bad_records", limit is None or limit >= 0, "at least 0")

    def bad_record_limit(self, num_examples: int) -> int:
        """Returns how many of `num_examples` records may be bad before a run stops."""
        if self.max_bad_records is None:
            return min(max(100, num_examples // 100), num_examples // 2)
        if self.max_bad_records < 1:
            return int(self.max_bad_records * num_examples)
        return int(self.max_bad_records)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that evaluate and export need to know of a run."""

    model: ModelConfig
    preprocessing: PreprocessingConfig
    recipe: RecipeConfig
    data: DataConfig

    def to_dict(self) -> dict[str, Any]:
        """Returns nested plain values; tuples become lists in JSON."""
        return {
            "model": self.model.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "recipe": dataclasses.asdict(self.recipe),
            "data": dataclasses.asdict(self.data),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "RunConfig":
        """Makes the configuration that `to_dict` describes; other keys are left alone.

        Raises:
          ValueError or TypeError: unknown or missing settings.
        """
        return cls(
            model=ModelConfig.from_dict(value["model"]),
            preprocessing=PreprocessingConfig.from_dict(value["preprocessing"]),
            recipe=dataclass_from(RecipeConfig, value["recipe"]),
            data=dataclass_from(DataConfig, value["data"]),
        )

    def with_data(self, **changes: Any) -> "RunConfig":
        """Returns a copy whose `data` differs in these fields."""
        return dataclasses.replace(self, data=dataclasses.replace(self.data, **changes))


def load(model_dir: str) -> RunConfig:
    """Returns the configuration of the run in `model_dir`.

    Raises:
      RunError: there is no run, or its config.json cannot be read.
    """
    path = os.path.join(model_dir, CONFIG_FILE)
    if not model_dir:
        raise RunError("--model_dir is missing: the folder that `python -m official.train` wrote.")
    if not tf.io.gfile.exists(path):
        parent, name = os.path.split(model_dir.rstrip("/"))
        inside = tf.io.gfile.exists(os.path.join(parent, CONFIG_FILE))
        raise RunError(
            f"{path} does not exist: --model_dir must be a folder that "
            "`python -m official.train` or `python -m official.import_checkpoint` wrote."
            + (
                f" {parent or '.'} is one, of which evaluate, export and report take --checkpoint="
                f"{name}."
                if inside
                else ""
            )
        )
    try:
        config = RunConfig.from_dict(files.read_json(path))
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} cannot be read as the configuration of a run: {error}") from error
    return _with_class_names(config, model_dir)


def _with_class_names(config: RunConfig, model_dir: str) -> RunConfig:
    """Returns the configuration with the names of labels.txt, which runs of before have only there.

    Raises:
      RunError: they are other names than config.json has, or not one for each class.
    """
    names, known = class_names.read(model_dir), config.data.class_names
    path = os.path.join(model_dir, LABELS_FILE)
    if names and len(names) != config.model.num_classes:
        raise RunError(
            f"{path} has {len(names)} lines, but the network has {config.model.num_classes} "
            "classes; it must name each, in the order of the training."
        )
    if names and known and names != known:
        raise RunError(
            f"{path} was changed: {CONFIG_FILE} beside it has other class names (its "
            f"`class_names`): {class_names.differences(known, names)}. Delete {LABELS_FILE}, or "
            "write a new name into both."
        )
    return config.with_data(class_names=known or names)


def differences(saved: RunConfig, wanted: RunConfig) -> list[str]:
    """Returns a line `section.field: saved -> wanted` for each difference that forbids resuming.

    The folder of the data, evaluation, how bad records are met, what does the reading and where
    images are mixed may change between a run and its continuation. Class names are compared where
    both have any.
    """
    free = {
        "data_dir", "val_regex", "val_batch_size", "private_threads", "data_service",
        "on_bad_record", "on_bad_val_record", "max_bad_records", "mixup_on_device",
        "class_names",
    }  # fmt: skip
    old, new = saved.to_dict(), wanted.to_dict()
    lines = [
        f"{section}.{field}: {old[section].get(field)!r} -> {value!r}"
        for section, fields in new.items()
        for field, value in fields.items()
        if field not in free and old[section].get(field) != value
    ]
    names = saved.data.class_names, wanted.data.class_names
    if all(names) and names[0] != names[1]:
        lines.append(f"class names: {class_names.differences(*names)}")
    return lines
