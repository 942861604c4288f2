import json

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

# Of the CUB-200-2011 splits for classification: the publishers', and that of the paper's
# ablation, 11,788 images split 72/8/20.
BIRDS = {
    "cub_200_2011_official": (5994, 5794, 200),
    "cub_200_2011_72_8_20": (8487, 943, 200),
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


@pytest.mark.parametrize("name,expected", [*TABLE_14.items(), *BIRDS.items(), *ORIGINAL.items()])
def test_sizes(name, expected):
    info = catalog.get(name)
    found = (info.num_train_images, info.num_validation_images, info.num_classes)
    assert found == expected
    counts = info.num_images
    assert (counts.pop("train"), counts.pop("validation")) == expected[:2]
    assert counts == ({"test": 2358} if name == "cub_200_2011_72_8_20" else {})


def test_every_name_is_checked():
    others = {"uec_food100", "kaggle_flower_all_sizes"}
    assert set(catalog.names()) == {*TABLE_14, *BIRDS, *ORIGINAL, *others}


def test_the_folds_of_uec_food100():
    folds = (2913, 2894, 2869, 2849, 2836)
    info = catalog.get("uec_food100")
    assert info.num_images == {"train": sum(folds[:4]), "validation": folds[4]}
    assert sum(info.num_images.values()) == 14361
    assert all(count for name in catalog.names() for count in catalog.get(name).num_images.values())


def test_table_14_is_the_papers(reference):
    tables = json.loads(reference("table14.json"))
    names = {
        "Food-101": "food101",
        "Stanford Cars": "cars196",
        "Oxford-Flowers": "oxford_flowers102",
        "FGVC Aircraft": "fgvc_aircraft",
        "Oxford-IIIT Pets": "oxford_iiit_pet",
    }
    assert tables["columns"] == ["dataset", "train_images", "test_images", "classes"]
    for dataset, *numbers in tables["rows"]:
        info = catalog.get(names[dataset])
        assert [info.num_train_images, info.num_validation_images, info.num_classes] == numbers
    assert len(tables["rows"]) == len(names)


def test_other_counts_of_the_papers_tables():
    # flowers104_resnet: 51,012 training and 14,848 validation images in four sizes.
    flowers = catalog.get("kaggle_flower").num_images
    assert (4 * flowers["train"], 4 * flowers["validation"]) == (51012, 14848)
    assert catalog.get("kaggle_flower_all_sizes").num_images == {
        "train": 51012,
        "validation": 14848,
    }
    # bag_of_tricks_cub200: 11,788 images split 72/8/20, 200 classes.
    birds = catalog.get("cub_200_2011_72_8_20")
    shares = {split: count / 11788 for split, count in birds.num_images.items()}
    assert {split: round(100 * share) for split, share in shares.items()} == {
        "train": 72,
        "validation": 8,
        "test": 20,
    }
    assert birds.num_classes == 200


def test_classes_that_are_only_retrieved():
    labels = {name: catalog.get(name).num_labels for name in catalog.names()}
    more = {name: n for name, n in labels.items() if n != catalog.get(name).num_classes}
    # 100 more birds, 11,316 more products.
    assert more == {"cub_200_2011": 200, "SOP": 11318 + 11316}


def test_only_imagenet_has_a_background_class():
    assert {name: catalog.get(name).label_offset for name in catalog.names()} == {
        name: int(name == "imagenet") for name in catalog.names()
    }


def test_zero_shot_splits_hold_whole_data_sets():
    # CUB has 11,788 images, Stanford Cars 16,185, Online Products 120,053.
    totals = {name: 11788 for name in catalog.names() if name.startswith("cub")}
    totals |= {"cars196_zeroshot": 16185, "cars196": 16185, "SOP": 120053}
    for name, total in totals.items():
        assert sum(catalog.get(name).num_images.values()) == total


def test_shards_and_buffers():
    imagenet = catalog.get("imagenet")
    assert (imagenet.train_shards, imagenet.validation_shards) == (1024, 128)
    assert imagenet.shuffle_buffer == 10000
    assert catalog.get("SOP").shuffle_buffer == 50000
    assert catalog.get("food101").shuffle_buffer == 1000
    # As the original's converters write them.
    assert catalog.get("food101").num_shards == {"train": 128, "validation": 16, "test": 16}
    assert catalog.get("cars196_zeroshot").num_shards["validation"] == 128
    assert catalog.get("uec_food100").num_shards["train"] == 64


def test_unknown_name_lists_the_known():
    with pytest.raises(DatasetError, match="'imagnet'.*imagenet, food101"):
        catalog.get("imagnet")
