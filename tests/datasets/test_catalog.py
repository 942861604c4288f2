import pytest

from datasets import catalog
from datasets.errors import DatasetError

# Table 14 of the paper: training images, test images, classes.
TABLE_14 = {
    "food101": (75750, 25250, 101),
    "cars196": (8144, 8041, 196),
    "oxford_flowers102": (2040, 6149, 102),
    "fgvc_aircraft": (6667, 3333, 100),
    "oxford_iiit_pet": (3680, 3669, 37),
}

# data_config.py of the original: training images, validation images, classes.
ORIGINAL = {
    "imagenet": (1281167, 50000, 1001),
    "cub_200_2011": (5864, 5924, 100),
    "iFood2019": (118475, 11994, 251),
    "SOP": (59551, 60502, 11318),
    "kaggle_flower": (12753, 3712, 104),
    "cars196_zeroshot": (8054, 8131, 196),
}


@pytest.mark.parametrize("name,expected", [*TABLE_14.items(), *ORIGINAL.items()])
def test_sizes(name, expected):
    info = catalog.get(name)
    found = (info.num_train_images, info.num_validation_images, info.num_classes)
    assert found == expected
    assert info.num_images == {"train": expected[0], "validation": expected[1]}


def test_every_name_is_checked():
    assert set(catalog.names()) == set(TABLE_14) | set(ORIGINAL)


def test_only_imagenet_has_a_background_class():
    assert {name: catalog.get(name).label_offset for name in catalog.names()} == {
        name: int(name == "imagenet") for name in catalog.names()
    }


def test_zero_shot_splits_hold_whole_data_sets():
    # CUB has 11,788 images, Stanford Cars 16,185, Online Products 120,053.
    totals = {"cub_200_2011": 11788, "cars196_zeroshot": 16185, "cars196": 16185, "SOP": 120053}
    for name, total in totals.items():
        assert sum(catalog.get(name).num_images.values()) == total


def test_shards_and_buffers():
    imagenet = catalog.get("imagenet")
    assert (imagenet.train_shards, imagenet.validation_shards) == (1024, 128)
    assert imagenet.shuffle_buffer == 10000
    assert catalog.get("SOP").shuffle_buffer == 50000
    assert catalog.get("food101").shuffle_buffer == 1000


def test_unknown_name_lists_the_known():
    with pytest.raises(DatasetError, match="'imagnet'.*imagenet, food101"):
        catalog.get("imagnet")
