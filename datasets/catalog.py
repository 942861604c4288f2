"""What each data set of the paper is: the one source of class and image counts.

Sizes of the fine-grained sets are those of the paper's table 14; the others and the buffer
sizes are those of the original's data_config.py; shard counts are those that its converters
write (where it has one; else its usual 128 and 16).
"""

import dataclasses

from datasets.errors import DatasetError


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Facts about one data set.

    Attributes:
        name: Name on the command line (`--dataset_name`), as in the original.
        num_classes: Size of the classifier's output, the background class included.
        label_offset: Label of the first real class (1 where 0 is a background class).
        num_train_images: Images of the training split.
        num_validation_images: Images of the validation split.
        shuffle_buffer: Encoded records that training shuffles over.
        train_shards: TFRecord files of the training split.
        validation_shards: TFRecord files of the validation split.
        num_labels: Labels that occur in the records; more than `num_classes` where validation
            holds classes that are only retrieved. 0 stands for `num_classes`.
        num_test_images: Images of a third split, where there is one.
        test_shards: TFRecord files of the third split.
    """

    name: str
    num_classes: int
    label_offset: int
    num_train_images: int
    num_validation_images: int
    shuffle_buffer: int = 1000
    train_shards: int = 128
    validation_shards: int = 16
    num_labels: int = 0
    num_test_images: int = 0
    test_shards: int = 16

    def __post_init__(self):
        """Fills in the number of labels."""
        if not self.num_labels:
            object.__setattr__(self, "num_labels", self.num_classes)

    @property
    def num_images(self) -> dict[str, int]:
        """Number of images by split name."""
        counts = {"train": self.num_train_images, "validation": self.num_validation_images}
        if self.num_test_images:
            counts["test"] = self.num_test_images
        return counts

    @property
    def num_shards(self) -> dict[str, int]:
        """Number of TFRecord files by split name."""
        shards = (self.train_shards, self.validation_shards, self.test_shards)
        return dict(zip(("train", "validation", "test"), shards, strict=True))


_ALL = (
    # Published ImageNet TFRecords have 128 validation shards; label 0 has no images.
    DatasetInfo("imagenet", 1001, 1, 1281167, 50000, 10000, 1024, 128),
    DatasetInfo("food101", 101, 0, 75750, 25250),
    # Zero-shot: the first 100 species train, the other 100 are only retrieved.
    DatasetInfo("cub_200_2011", 100, 0, 5864, 5924, 100, num_labels=200),
    # The publishers' split.
    DatasetInfo("cub_200_2011_official", 200, 0, 5994, 5794),
    # 72, 8 and 20 per cent of the 11,788 images.
    DatasetInfo("cub_200_2011_72_8_20", 200, 0, 8487, 943, num_test_images=2358),
    DatasetInfo("iFood2019", 251, 0, 118475, 11994),
    # Validation labels go on from 11318: those classes are only retrieved.
    DatasetInfo("SOP", 11318, 0, 59551, 60502, 50000, num_labels=22634),
    DatasetInfo("oxford_flowers102", 102, 0, 2040, 6149),
    DatasetInfo("kaggle_flower", 104, 0, 12753, 3712),
    # Each picture in four sizes.
    DatasetInfo("kaggle_flower_all_sizes", 104, 0, 51012, 14848),
    DatasetInfo("cars196", 196, 0, 8144, 8041),
    # Labels 0 to 97 train, 98 to 195 are only retrieved.
    DatasetInfo("cars196_zeroshot", 196, 0, 8054, 8131, validation_shards=128),
    DatasetInfo("oxford_iiit_pet", 37, 0, 3680, 3669),
    DatasetInfo("fgvc_aircraft", 100, 0, 6667, 3333),
    # Neither the paper nor data_config.py has it, but there is a converter. The publishers' lists
    # val0.txt to val4.txt have 2,913, 2,894, 2,869, 2,849 and 2,836 images, 14,361 in all.
    DatasetInfo("uec_food100", 100, 0, 11525, 2836, train_shards=64),
)

_BY_NAME = {info.name: info for info in _ALL}


def names() -> tuple[str, ...]:
    """Names of all data sets of the catalogue."""
    return tuple(_BY_NAME)


def get(name: str) -> DatasetInfo:
    """Returns the facts about the data set `name`.

    Raises:
        DatasetError: No data set has that name.
    """
    if name not in _BY_NAME:
        raise DatasetError(
            f"unknown data set name {name!r}; the catalogue has: {', '.join(names())}"
        )
    return _BY_NAME[name]
