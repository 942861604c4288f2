"""Each data set in a tiny copy of the layout in which it is published."""

import dataclasses
import hashlib
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets import catalog
from datasets.conversion import item_record
from datasets.conversion.command import CONVERTERS, differences
from datasets.conversion.image_check import BadImageError, check_image
from datasets.errors import DatasetError
from datasets.sets.aircraft import Aircraft
from datasets.sets.cars196 import Cars196, Cars196ZeroShot
from datasets.sets.cub200 import Cub200, Cub200Official, Cub200Percent
from datasets.sets.flowers102 import Flowers102
from datasets.sets.food101 import Food101
from datasets.sets.ifood2019 import IFood2019
from datasets.sets.online_products import OnlineProducts
from datasets.sets.pets import Pets
from datasets.sets.uec_food100 import UecFood100
from datasets.sources.hold_out import take_share
from datasets.sources.items import BytesSource, Item


def listed(listing):
    """(name, label) by split."""
    return {
        split: [(item.name, item.label) for item in items]
        for split, items in listing.splits.items()
    }


def text(*lines):
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture
def food(jpeg):
    names = [f"{dish}/{number}" for dish in ("apple_pie", "waffles") for number in (7, 12, 3)]
    files = {f"food-101/images/{name}.jpg": jpeg(index) for index, name in enumerate(names)}
    files["food-101/meta/classes.txt"] = text("apple_pie", "waffles")
    files["food-101/meta/train.txt"] = text(*names[:2], *names[3:5])
    files["food-101/meta/test.txt"] = text(names[2], names[5])
    return files


FOOD = {
    "train": [
        ("images/apple_pie/7.jpg", 0),
        ("images/apple_pie/12.jpg", 0),
        ("images/waffles/7.jpg", 1),
        ("images/waffles/12.jpg", 1),
    ],
    "validation": [("images/apple_pie/3.jpg", 0), ("images/waffles/3.jpg", 1)],
}


@pytest.mark.parametrize("kind", ["folder", "inner folder", "tar", "tar.gz", "zip"])
def test_food101(make_folder, food, tar, zipped, tmp_path, kind):
    if "folder" in kind:
        raw_dir = make_folder(food) + ("/food-101" if kind == "inner folder" else "")
    else:
        (tmp_path / "raw").mkdir()
        data = zipped(food) if kind == "zip" else tar(food, compressed=kind == "tar.gz")
        (tmp_path / "raw" / f"food-101.{kind}").write_bytes(data)
        raw_dir = str(tmp_path / "raw")
    listing = Food101(raw_dir).listing()
    assert listed(listing) == FOOD
    assert listing.labels == ("apple_pie", "waffles")
    first = listing.splits["train"][1].source.read()
    assert first == food["food-101/images/apple_pie/12.jpg"]


def test_the_same_shards_from_a_folder_and_from_archives(
    make_folder, food, tar, zipped, tmp_path, convert_listing
):
    sums = set()
    for kind, data in (("tar", tar(food)), ("tar.gz", tar(food, True)), ("zip", zipped(food))):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"food-101.{kind}").write_bytes(data)
    make_folder(food, "folder")
    for kind in ("tar", "tar.gz", "zip", "folder"):
        output = tmp_path / f"out-{kind}"
        manifest = convert_listing(Food101(str(tmp_path / kind)).listing(), output)
        sums.add(tuple(split["shards"][0]["sha256"] for split in manifest["splits"].values()))
        # The inflated copy is gone.
        assert sorted(path.name for path in output.iterdir()) == [
            "labels.txt",
            "manifest.json",
            "train-00000-of-00001",
            "validation-00000-of-00001",
        ]
    assert len(sums) == 1


def test_an_inflated_copy_goes_away_whatever_happens(
    tmp_path, food, tar, convert_listing, monkeypatch
):
    raw, output = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    output.mkdir()
    (output / ".inflated-0.tar.tmp").write_bytes(b"left by a run that was killed")
    good = food["food-101/images/waffles/12.jpg"]
    food["food-101/images/waffles/12.jpg"] = b"a text"
    (raw / "food-101.tgz").write_bytes(tar(food, True))
    with pytest.raises(DatasetError, match="waffles/12.jpg: not an image"):
        convert_listing(Food101(str(raw)).listing(), output, on_bad_record="fail")
    assert list(output.iterdir()) == []
    food["food-101/images/waffles/12.jpg"] = good
    (raw / "food-101.tgz").write_bytes(tar(food, True))
    listing = Food101(str(raw)).listing()
    manifest = convert_listing(listing, output)
    assert manifest["splits"]["train"]["num_images"] == 4
    # A finished conversion inflates nothing again.
    monkeypatch.setattr("datasets.conversion.inflate.inflate", None)
    assert convert_listing(listing, output)["num_written"] == 0


def test_food101_with_a_class_that_nobody_listed(make_folder, food):
    food["food-101/meta/test.txt"] = text("sushi/1")
    with pytest.raises(DatasetError, match="'sushi' in meta/test.txt is not in the list of the 2"):
        Food101(make_folder(food)).listing()


@pytest.mark.parametrize("kind", ["folder", "tar.gz"])
def test_a_missing_image_is_an_error_or_counted(
    make_folder, food, tar, tmp_path, convert_listing, kind
):
    del food["food-101/images/waffles/12.jpg"]
    packed = {"food-101.tar.gz": tar(food, True)}
    listing = Food101(make_folder(food if kind == "folder" else packed)).listing()
    with pytest.raises(
        DatasetError, match=r"images/waffles/12.jpg \(missing\) in split 'train'.*=skip"
    ):
        convert_listing(listing, tmp_path / "out", on_bad_record="fail")
    with pytest.raises(DatasetError, match="1 of 4 images of split 'train' cannot be used"):
        convert_listing(listing, tmp_path / "out")
    manifest = convert_listing(listing, tmp_path / "out", max_bad_fraction=0.25)
    assert manifest["splits"]["train"]["num_images"] == 3
    assert manifest["splits"]["train"]["skipped"] == [
        {"file": "images/waffles/12.jpg", "reason": "missing"}
    ]
    assert manifest["splits"]["validation"]["skipped"] == []


def test_a_class_without_an_image_that_is_there(make_folder, food):
    for number in (7, 12):
        del food[f"food-101/images/waffles/{number}.jpg"]
    with pytest.raises(
        DatasetError, match="waffles/7.jpg is missing, .* every other image of label 1 in split 'tr"
    ):
        Food101(make_folder(food)).listing()


def test_a_missing_image_leaves_the_72_8_20_split_as_it_is(make_folder, birds):
    whole = listed(Cub200Percent(make_folder(birds)).listing())
    lost = whole["train"][4]
    del birds[f"CUB_200_2011/{lost[0]}"]
    listing = Cub200Percent(make_folder(birds, "short")).listing()
    assert listed(listing) == {**whole, "train": [i for i in whole["train"] if i != lost]}
    skips = {split: [skip.file for skip in skips] for split, skips in listing.skipped.items()}
    assert skips == {"train": [lost[0]], "validation": [], "test": []}


@pytest.fixture
def birds(jpeg):
    """Four species of five images of 16 x 12 pixels."""
    kinds = ["001.Albatross", "002.Auklet", "003.Wren", "004.Yellowthroat"]
    names = [f"{kind}/{kind[4:]}_{number}.jpg" for kind in kinds for number in range(5)]
    root = "CUB_200_2011"
    files = {f"{root}/images/{name}": jpeg(index) for index, name in enumerate(names)}
    numbered = list(enumerate(names, 1))
    files[f"{root}/images.txt"] = text(*(f"{number} {name}" for number, name in numbered))
    files[f"{root}/classes.txt"] = text(*(f"{i} {kind}" for i, kind in enumerate(kinds, 1)))
    labels = text(*(f"{number} {(number - 1) // 5 + 1}" for number, _ in numbered))
    files[f"{root}/image_class_labels.txt"] = labels
    trains = text(*(f"{number} {int(number % 5 != 0)}" for number, _ in numbered))
    files[f"{root}/train_test_split.txt"] = trains
    # x, y, width, height; the last one exceeds the image.
    boxes = [f"{number} 4.0 3.0 8.0 6.0" for number, _ in numbered[:-1]]
    files[f"{root}/bounding_boxes.txt"] = text(*boxes, "20 8.0 6.0 100.0 100.0")
    return files


def test_cub_zero_shot(make_folder, birds, tmp_path, convert_listing, read_back):
    listing = Cub200(make_folder(birds)).listing()
    assert [item.label for item in listing.splits["train"]] == [0] * 5 + [1] * 5
    assert [item.label for item in listing.splits["validation"]] == [2] * 5 + [3] * 5
    manifest = convert_listing(listing, tmp_path / "out")
    assert (manifest["num_classes"], manifest["num_labels"]) == (2, 4)
    # What a classifier learns; the other species are only retrieved.
    assert (tmp_path / "out" / "labels.txt").read_text() == "001.Albatross\n002.Auklet\n"
    examples = {e["filename"].decode(): e for e in read_back(tmp_path / "out", "validation")}
    np.testing.assert_allclose(
        examples["images/003.Wren/Wren_0.jpg"]["bbox"], [[3 / 12, 4 / 16, 9 / 12, 12 / 16]]
    )
    last = examples["images/004.Yellowthroat/Yellowthroat_4.jpg"]
    np.testing.assert_allclose(last["bbox"], [[0.5, 0.5, 1.0, 1.0]])
    assert last["label"] == 3


def test_cub_without_boxes_and_cut_to_them(
    make_folder, birds, tmp_path, convert_listing, read_back
):
    raw_dir = make_folder(birds)
    none = Cub200(raw_dir, boxes="none").listing()
    assert all(not item.pixel_boxes for item in none.splits["train"])
    listing = Cub200(raw_dir, boxes="crop").listing()
    assert listing.digests({}) != none.digests({})
    convert_listing(listing, tmp_path / "out")
    examples = {e["filename"].decode(): e for e in read_back(tmp_path / "out", "validation")}
    first = examples["images/003.Wren/Wren_0.jpg"]
    assert first["bbox"].shape == (0, 4)
    whole = birds["CUB_200_2011/images/003.Wren/Wren_0.jpg"]
    pixels = tf.io.decode_jpeg(whole, channels=3, dct_method="INTEGER_ACCURATE")
    expected = tf.io.encode_jpeg(pixels[3:9, 4:12], format="rgb", quality=100).numpy()
    assert first["encoded"] == expected
    last = examples["images/004.Yellowthroat/Yellowthroat_4.jpg"]
    assert tf.io.decode_jpeg(last["encoded"]).shape == (6, 8, 3)


@pytest.mark.parametrize(
    "sides,message",
    [
        ("4.0 3.0 8.0 nan", "'4.0 3.0 8.0 nan' in bounding_boxes.txt: finite numbers are needed"),
        ("4.0 3.0 1e999 6.0", "finite numbers are needed"),
        ("4.0 3.0 8.0 wide", "finite numbers are needed"),
        ("4.0 3.0 8.0", "'4.0 3.0 8.0' in bounding_boxes.txt: x, y, width, height are needed"),
    ],
)
def test_boxes_of_cub_that_are_none(make_folder, birds, sides, message):
    birds["CUB_200_2011/bounding_boxes.txt"] = text(f"1 {sides}")
    with pytest.raises(DatasetError, match=message):
        Cub200(make_folder(birds), boxes="crop").listing()


def test_cub_official(make_folder, birds):
    splits = Cub200Official(make_folder(birds)).listing().splits
    assert [item.name[-5] for item in splits["validation"]] == ["4"] * 4
    assert len(splits["train"]) == 16


def test_cub_72_8_20(make_folder, birds):
    listing = Cub200Percent(make_folder(birds)).listing()
    # 20 images: 4 for the test, one in each species; of the other 16, 8 per cent of 20 are 2.
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 14,
        "validation": 2,
        "test": 4,
    }
    assert sorted(item.label for item in listing.splits["test"]) == [0, 1, 2, 3]
    names = [item.name for items in listing.splits.values() for item in items]
    assert len(set(names)) == 20


def test_shares_of_all_birds_are_those_of_the_catalogue():
    # 11,788 images of 200 species, 41 to 60 of each.
    items = [Item(f"{n}", BytesSource(b""), n * 200 // 11788) for n in range(11788)]
    rest, test = take_share(items, 0.2)
    train, validation = take_share(rest, 0.1)
    info = catalog.get("cub_200_2011_72_8_20")
    assert (len(train), len(validation), len(test)) == (
        info.num_train_images,
        info.num_validation_images,
        info.num_test_images,
    )
    per_class = np.bincount([item.label for item in test])
    assert set(per_class) <= {11, 12, 13}
    # Which ones does not depend on the order of the files.
    again = take_share(items[::-1], 0.2)[1]
    assert {item.name for item in again} == {item.name for item in test}


@pytest.fixture
def old_cars(jpeg, reference, tar):
    images = {f"car_ims/{number:06d}.jpg": jpeg(number) for number in range(1, 9)}
    return {"car_ims.tgz": tar(images, True), "cars_annos.mat": reference("cars_annos.mat")}


@pytest.fixture
def new_cars(jpeg, reference, tar):
    meta = {f"devkit/{name}": reference(name) for name in ("cars_meta.mat", "cars_train_annos.mat")}
    test = "cars_test_annos_withlabels.mat"
    return {
        "cars_train.tgz": tar({f"cars_train/{n:05d}.jpg": jpeg(n) for n in range(1, 5)}, True),
        "cars_test.tgz": tar({f"cars_test/{n:05d}.jpg": jpeg(n + 4) for n in range(1, 5)}, True),
        "car_devkit.tgz": tar(meta, True),
        test: reference(test),
    }


def bytes_and_labels(listing):
    return {
        split: sorted(
            (hashlib.sha256(item.source.read()).hexdigest(), item.label, item.pixel_boxes)
            for item in items
        )
        for split, items in listing.splits.items()
    }


def test_cars(make_folder, old_cars, new_cars):
    old = Cars196(make_folder(old_cars, "old")).listing()
    assert listed(old)["train"] == [(f"car_ims/{n:06d}.jpg", n - 1) for n in range(1, 5)]
    assert listed(old)["validation"] == [(f"car_ims/{n:06d}.jpg", n - 5) for n in range(5, 9)]
    # Left 1, top 2, right 9, bottom 12.
    assert old.splits["train"][0].pixel_boxes == ((2.0, 1.0, 12.0, 9.0),)
    assert old.labels[3] == "Audi R8 Coupé 2012"
    new = Cars196(make_folder(new_cars, "new")).listing()
    assert listed(new)["validation"][0] == ("cars_test/00001.jpg", 0)
    # The two forms hold the same images.
    assert bytes_and_labels(new) == bytes_and_labels(old)
    assert new.labels == old.labels


def test_cars_zero_shot(make_folder, old_cars):
    listing = Cars196ZeroShot(make_folder(old_cars)).listing()
    assert [item.label for item in listing.splits["train"]] == [0, 0, 1, 1]
    assert [item.label for item in listing.splits["validation"]] == [2, 2, 3, 3]
    # As in the original, the classifier has an output for all.
    assert listing.class_names == listing.labels


@pytest.mark.parametrize("kaggle", [False, True])
def test_cars_unpacked(make_folder, new_cars, jpeg, reference, kaggle):
    files = {
        # Kaggle's copy has each folder twice, and the older list, whose images it lacks.
        f"cars_{s}/{f'cars_{s}/' if kaggle else ''}{n:05d}.jpg": jpeg(n)
        for s in ("train", "test")
        for n in range(1, 5)
    }
    if kaggle:
        files["cars_annos.mat"] = reference("cars_annos.mat")
    for name in ("cars_meta.mat", "cars_train_annos.mat", "cars_test_annos_withlabels.mat"):
        files[f"devkit/{name}"] = reference(name)
    listing = Cars196(make_folder(files)).listing()
    assert [len(items) for items in listing.splits.values()] == [4, 4]


def test_flowers(make_folder, tar, jpeg, reference):
    images = {f"jpg/image_{number:05d}.jpg": jpeg(number) for number in range(1, 7)}
    files = {name: reference(name) for name in ("imagelabels.mat", "setid.mat")}
    listing = Flowers102(make_folder({**files, "102flowers.tgz": tar(images, True)})).listing()
    # trnid 2 and 3, valid 1, tstid 6, 4 and 5; labels 77, 1, 102, 1, 77, 102 from 1.
    assert listed(listing) == {
        "train": [
            ("jpg/image_00002.jpg", 0),
            ("jpg/image_00003.jpg", 101),
            ("jpg/image_00001.jpg", 76),
        ],
        "validation": [
            ("jpg/image_00006.jpg", 101),
            ("jpg/image_00004.jpg", 0),
            ("jpg/image_00005.jpg", 76),
        ],
    }
    assert (listing.labels[0], listing.labels[76]) == ("pink primrose", "passion flower")
    assert len(listing.labels) == 102
    assert listing.splits["train"][2].source.read() == images["jpg/image_00001.jpg"]


@pytest.mark.parametrize("packed", [True, False])
def test_pets(make_folder, tar, jpeg, packed):
    images = {
        f"images/{name}.jpg": jpeg(index)
        for index, name in enumerate(("Abyssinian_1", "american_bulldog_2", "Abyssinian_3"))
    }
    lists = {
        "annotations/trainval.txt": text("Abyssinian_1 1 1 1", "american_bulldog_2 2 2 1"),
        "annotations/test.txt": text("Abyssinian_3 1 1 1"),
    }
    # What else is in there: annotations in MATLAB files beside the images, and an overview.
    images["images/Abyssinian_1.mat"] = b"MATLAB 5.0 MAT-file"
    lists["annotations/list.txt"] = text("#Image CLASS-ID SPECIES BREED ID", "Abyssinian_1 1 1 1")
    lists["annotations/._trainval.txt"] = b"\x00\x05\x16\x07"
    archives = {"images.tar.gz": tar(images, True), "annotations.tar.gz": tar(lists, True)}
    listing = Pets(make_folder(archives if packed else {**images, **lists})).listing()
    assert listed(listing) == {
        "train": [("images/Abyssinian_1.jpg", 0), ("images/american_bulldog_2.jpg", 1)],
        "validation": [("images/Abyssinian_3.jpg", 0)],
    }
    assert listing.labels == ("Abyssinian", "american_bulldog")


def test_pets_that_are_no_jpegs(make_folder, convert_listing, tmp_path, jpeg, read_back):
    """Some files of that name are GIF or PNG, and in two JPEGs bytes were lost on the way."""
    pixels = np.random.default_rng(3).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    gif = io.BytesIO()
    Image.fromarray(pixels).quantize(16).save(gif, "GIF")
    image = jpeg(1, height=64, width=64)
    half = len(image) // 2
    damaged = image[:half] + image[half + 40 : -2] + bytes(240) + image[-2:]
    names = ("Egyptian_Mau_1", "Egyptian_Mau_2", "Abyssinian_1", "Abyssinian_2")
    data = (gif.getvalue(), tf.io.encode_png(pixels).numpy(), damaged, image)
    files = {f"images/{n}.jpg": d for n, d in zip(names, data, strict=True)}
    files["annotations/trainval.txt"] = text(
        *(f"{n} {1 + k // 2} 1 1" for k, n in enumerate(names))
    )
    files["annotations/test.txt"] = text("Abyssinian_2 1 1 1")
    listing = Pets(make_folder(files)).listing()
    manifest = convert_listing(listing, tmp_path / "out", on_bad_record="fail")
    assert manifest["splits"]["train"]["repaired"] == [
        {"file": "images/Egyptian_Mau_1.jpg", "reason": "GIF, now a PNG"}
    ]
    stored = {e["filename"].decode(): e["encoded"] for e in read_back(tmp_path / "out", "train")}
    assert stored["images/Egyptian_Mau_1.jpg"].startswith(b"\x89PNG")
    assert stored["images/Egyptian_Mau_2.jpg"] == data[1]
    # The decoder fills in what is lost, as it does in training.
    assert stored["images/Abyssinian_1.jpg"] == damaged


def test_aircraft(make_folder, tar, jpeg):
    root = "fgvc-aircraft-2013b/data"
    files = {f"{root}/images/{number}.jpg": jpeg(number) for number in (101, 102, 103)}
    files[f"{root}/variants.txt"] = text("707-320", "F/A-18", "Model B200")
    files[f"{root}/images_variant_train.txt"] = text("101 Model B200")
    files[f"{root}/images_variant_val.txt"] = text("102 707-320")
    files[f"{root}/images_variant_test.txt"] = text("103 F/A-18")
    files[f"{root}/images_box.txt"] = text("101 3 2 14 11", "103 1 1 16 12")
    listing = Aircraft(make_folder({"fgvc-aircraft-2013b.tar.gz": tar(files, True)})).listing()
    assert listed(listing) == {
        "train": [("images/101.jpg", 2), ("images/102.jpg", 0)],
        "validation": [("images/103.jpg", 1)],
    }
    # Pixels are counted from 1 and the last one belongs to the box.
    assert [item.pixel_boxes for item in listing.splits["train"]] == [((1, 2, 11, 14),), ()]
    assert listing.splits["validation"][0].pixel_boxes == ((0, 0, 12, 16),)
    files[f"{root}/images_box.txt"] = text("101 3 2 14")
    with pytest.raises(DatasetError, match="'3 2 14' in images_box.txt: xmin, ymin, xmax, ymax"):
        Aircraft(make_folder({"fgvc-aircraft-2013b.tar.gz": tar(files, True)})).listing()


def test_online_products(make_folder, zipped, jpeg):
    root = "Stanford_Online_Products"
    files = {
        f"{root}/{path}": jpeg(index)
        for index, path in enumerate(
            ("bicycle_final/11_0.JPG", "bicycle_final/11_1.JPG", "chair_final/22_0.JPG")
        )
    }
    head = "image_id class_id super_class_id path"
    files[f"{root}/Ebay_train.txt"] = text(
        head, "1 1 1 bicycle_final/11_0.JPG", "2 1 1 bicycle_final/11_1.JPG"
    )
    files[f"{root}/Ebay_test.txt"] = text(head, "3 2 2 chair_final/22_0.JPG")
    listing = OnlineProducts(make_folder({"Stanford_Online_Products.zip": zipped(files)})).listing()
    assert listed(listing) == {
        "train": [("bicycle_final/11_0.JPG", 0), ("bicycle_final/11_1.JPG", 0)],
        "validation": [("chair_final/22_0.JPG", 1)],
    }
    assert listing.labels == ("bicycle 1", "chair 2")
    assert listing.class_names == ("bicycle 1",)


@pytest.fixture
def dishes(jpeg):
    root = "UECFOOD100"
    files = {f"{root}/{1 + n % 2}/{n}.jpg": jpeg(n) for n in range(1, 21)}
    files[f"{root}/category.txt"] = text("id\tname", "1\trice", "2\teels on rice")
    for folder in (1, 2):
        rows = [f"{n} 2 3 10 9" for n in range(1, 21) if 1 + n % 2 == folder]
        # Two helpings of a dish: the original takes the later box.
        rows.insert(0, f"{rows[0].split()[0]} 0 0 1 1")
        files[f"{root}/{folder}/bb_info.txt"] = text("img x1 y1 x2 y2", *rows)
    return files


@pytest.mark.parametrize("form", ["published", "unpacked", "beside"])
def test_uec_food100_with_the_published_folds(make_folder, dishes, zipped, form):
    lists = {
        f"val{fold}.txt": text(
            *(f"UECFOOD100/{1 + n % 2}/{n}.jpg" for n in range(1, 21) if n % 5 == fold)
        )
        for fold in range(5)
    }
    # The larger set of the same publishers has lists of the same names.
    inside = {f"uecfood_split/uecfood256_split/{name}": b"" for name in lists}
    inside |= {f"uecfood_split/uecfood100_split/{name}": data for name, data in lists.items()}
    files = {
        "published": {"dataset100.zip": zipped(dishes), "uecfood_split.zip": zipped(inside)},
        "unpacked": {**{f"dataset100/{name}": data for name, data in dishes.items()}, **inside},
        "beside": {**dishes, **lists},
    }[form]
    listing = UecFood100(make_folder(files)).listing()
    assert listing.labels == ("rice", "eels on rice")
    assert listed(listing)["validation"] == [
        ("1/4.jpg", 0),
        ("2/9.jpg", 1),
        ("1/14.jpg", 0),
        ("2/19.jpg", 1),
    ]
    assert len(listing.splits["train"]) == 16
    assert listing.splits["train"][0].pixel_boxes == ((3, 2, 9, 10),)
    assert listing.source["folds"] is True


def test_uec_food100_with_some_lists_and_with_other_files(make_folder, dishes, zipped):
    with pytest.raises(DatasetError, match="only some are in .*raw: val0.txt is not"):
        UecFood100(make_folder({**dishes, "val3.txt": b""})).listing()
    other = make_folder({**dishes, "uecfood_split.zip": zipped({"val0.txt": b""})}, "other")
    with pytest.raises(DatasetError, match="holds no uecfood100_split/val0.txt"):
        UecFood100(other).listing()


def test_uec_food100_without_them(make_folder, dishes):
    listing = UecFood100(make_folder(dishes)).listing()
    assert sorted(item.label for item in listing.splits["validation"]) == [0, 0, 1, 1]
    assert len(listing.splits["train"]) == 16
    assert listing.source["folds"] is False


@pytest.mark.parametrize("edition", ["kaggle", "one zip", "authors", "unpacked"])
def test_ifood(make_folder, zipped, tar, jpeg, edition):
    rows = {"train": [("train_0.jpg", 1), ("train_1.jpg", 0)], "val": [("val_0.jpg", 1)]}
    lists, files = {"class_list.txt": text("0 macaron", "1 beignet")}, {}
    for split, images in rows.items():
        data = {f"{split}_set/{name}": jpeg(label) for name, label in images}
        lines = [f"{name},{label}" for name, label in images]
        if edition in ("kaggle", "one zip"):
            files.update({f"{split}_set.zip": zipped(data)} if edition == "kaggle" else data)
            files[f"{split}_labels.csv"] = text("img_name,label", *lines)
        else:
            files.update({f"{split}.tar": tar(data)} if edition == "authors" else data)
            lists[f"{split}_info.csv"] = text(*lines)
    if edition == "authors":
        files["annot.tar"] = tar({f"annot/{name}": data for name, data in lists.items()})
    else:
        folder = "annot/" if edition == "unpacked" else ""
        files.update({f"{folder}{name}": data for name, data in lists.items()})
    if edition == "one zip":
        files = {"ifood-2019-fgvc6.zip": zipped(files)}
    listing = IFood2019(make_folder(files)).listing()
    assert listed(listing) == {
        "train": [("train_set/train_0.jpg", 1), ("train_set/train_1.jpg", 0)],
        "validation": [("val_set/val_0.jpg", 1)],
    }
    assert listing.labels == ("macaron", "beignet")


@pytest.mark.parametrize(
    "name,lines,message",
    [
        ("class_list.txt", ["0 a", "5 b"], "number 5 where 1 is due; 2 classes .* 0 to 1, each"),
        ("class_list.txt", ["1 a", "2 b"], "class_list.txt in .*raw/ has the number 1 where 0"),
        ("class_list.txt", ["0 a", "0 b", "1 c"], "has the number 0 where 1 is due; 3 classes"),
        ("class_list.txt", ["x a", "1 b"], "'x' in class_list.txt in .*raw/: a whole number from"),
        ("val_labels.csv", ["a.jpg,2"], "label 2 of a.jpg in val_labels.csv; .* has 2 classes"),
        ("val_labels.csv", ["a" * 200_000 + ",1"], "val_labels.csv in .* is no CSV file: field"),
    ],
)
def test_unusable_lists_of_ifood(make_folder, jpeg, name, lines, message):
    files = {f"{split}_set/a.jpg": jpeg(1) for split in ("train", "val")}
    files |= {f"{split}_labels.csv": text("a.jpg,1") for split in ("train", "val")}
    files |= {"class_list.txt": text("0 macaron", "1 beignet"), name: text(*lines)}
    with pytest.raises(DatasetError, match=message):
        IFood2019(make_folder(files)).listing()


def test_every_data_set_of_the_catalogue_has_a_converter():
    assert set(CONVERTERS) - {"image_folder", "csv", "parquet", "tfds"} == set(catalog.names())
    for name in catalog.names():
        assert CONVERTERS[name].num_shards() == catalog.get(name).num_shards


def test_a_part_of_a_data_set_is_told_from_the_whole(make_folder, food):
    listing = Food101(make_folder(food)).listing()
    assert differences(listing) == [
        "2 classes, not 101",
        "4 train images, not 75,750",
        "2 validation images, not 25,250",
    ]
    assert differences(dataclasses.replace(listing, name="mine")) == []


def test_cmyk_and_png_become_rgb_jpegs(jpeg):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    png = check_image(tf.io.encode_png(pixels).numpy())
    repaired, change = item_record.to_rgb_jpeg(png)
    assert change == "PNG, now an RGB JPEG"
    expected = tf.io.encode_jpeg(pixels, format="rgb", quality=100).numpy()
    assert (repaired.encoded, repaired.image_format) == (expected, "JPEG")
    assert (repaired.height, repaired.width) == (9, 7)
    plain = check_image(jpeg(1))
    assert item_record.to_rgb_jpeg(plain) == (plain, "")
    gif = io.BytesIO()
    Image.fromarray(pixels).quantize(16).save(gif, "GIF")
    assert item_record.to_rgb_jpeg(check_image(gif.getvalue()))[1] == "GIF, now an RGB JPEG"


def test_a_box_without_a_pixel_is_a_bad_image(jpeg):
    image = check_image(jpeg(1, height=12, width=16))
    with pytest.raises(BadImageError, match="holds no pixel of the 12 x 16 image"):
        item_record.crop_to_box(image, (20.0, 2.0, 30.0, 9.0))
    assert item_record.fractions(((20.0, 2.0, 30.0, 9.0),), 12, 16) == ()
