import os
import stat

import pytest

from datasets.conversion import command
from datasets.errors import DatasetError
from datasets.sources.image_folder import ImageFolder

# Listing opens no image: the contents do not matter here.
X = b"x"


def two_splits(**more):
    files = {
        f"{split}/{label}/{index}.jpg": X
        for split in ("train", "validation")
        for label in ("dog", "cat")
        for index in range(2)
    }
    return {**files, **more}


def names(items):
    return [item.name for item in items]


def test_labels_are_the_sorted_folder_names(make_folder):
    listing = ImageFolder(make_folder(two_splits())).listing()
    assert listing.labels == ("cat", "dog")
    assert list(listing.splits) == ["train", "validation"]
    assert names(listing.splits["train"]) == [
        "train/cat/0.jpg",
        "train/cat/1.jpg",
        "train/dog/0.jpg",
        "train/dog/1.jpg",
    ]
    assert [item.label for item in listing.splits["train"]] == [0, 0, 1, 1]
    assert listing.splits["train"][3].source.read() == X


@pytest.mark.parametrize("folder", ["val", "valid", "Validation", "VAL"])
def test_other_names_of_splits(make_folder, folder):
    files = {name.replace("validation", folder): X for name in two_splits()}
    files = {name.replace("train", "Train"): X for name in files}
    files["TEST/cat/a.jpg"] = files["TEST/dog/b.jpg"] = X
    listing = ImageFolder(make_folder(files)).listing()
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 4,
        "validation": 4,
        "test": 2,
    }


def test_extensions_in_any_case(make_folder):
    kinds = ["A.JPG", "b.Jpeg", "c.png", "d.BMP", "e.gif", "f.WebP"]
    files = {f"train/cat/{name}": X for name in kinds}
    listing = ImageFolder(make_folder({**two_splits(), **files})).listing()
    found = {os.path.basename(name) for name in names(listing.splits["train"])}
    assert found == {*kinds, "0.jpg", "1.jpg"}


def test_other_files_are_counted_and_hidden_ones_ignored(make_folder):
    files = two_splits(
        **{
            "train/cat/notes.txt": X,
            "train/cat/README": X,
            "train/cat/.DS_Store": X,
            "train/cat/more/1.jpg": X,
            "train/stray.jpg": X,
            ".git/config": X,
            "train/.cache/1.jpg": X,
        }
    )
    listing = ImageFolder(make_folder(files)).listing()
    assert {skip.file: skip.reason for skip in listing.skipped["train"]} == {
        "train/cat/notes.txt": "not an image file (.txt)",
        "train/cat/README": "not an image file (no extension)",
        "train/stray.jpg": "not in a class folder",
    }
    # The picture one folder deeper is one of the class.
    assert len(listing.splits["train"]) == 5


def test_what_is_no_file_is_a_bad_image(make_folder, convert_listing, tmp_path, jpeg):
    """A pipe would be waited for until somebody writes to it."""
    folders = ("train/cat", "train/dog", "validation/cat", "validation/dog")
    raw = make_folder({f"{folder}/a.jpg": jpeg(n) for n, folder in enumerate(folders)})
    os.mkfifo(f"{raw}/train/cat/pipe.jpg")
    os.symlink("/dev/zero", f"{raw}/train/dog/device.jpg")
    os.mknod(f"{raw}/train/dog/socket.jpg", stat.S_IFSOCK | 0o600)
    manifest = convert_listing(ImageFolder(raw).listing(), tmp_path / "out", max_bad_fraction=0.6)
    train = manifest["splits"]["train"]
    assert train["num_images"] == 2
    assert {skip["file"]: skip["reason"] for skip in train["skipped"]} == {
        f"train/{name}.jpg": "cannot be read: no regular file"
        for name in ("cat/pipe", "dog/device", "dog/socket")
    }


def flat(cats, dogs):
    files = {f"cat/{index:02d}.jpg": X for index in range(cats)}
    return {**files, **{f"dog/{index:02d}.jpg": X for index in range(dogs)}}


def test_hold_out_is_a_share_of_each_class(make_folder):
    folder = make_folder(flat(20, 11))
    listing = ImageFolder(folder, validation_fraction=0.2).listing()
    validation = names(listing.splits["validation"])
    assert sum(name.startswith("cat") for name in validation) == 4
    assert sum(name.startswith("dog") for name in validation) == 2
    together = validation + names(listing.splits["train"])
    assert sorted(together) == sorted(flat(20, 11))


def test_hold_out_depends_on_seed_and_name_only(make_folder):
    def held_out(folder, seed):
        listing = ImageFolder(folder, validation_fraction=0.3, seed=seed).listing()
        return set(names(listing.splits["validation"]))

    first = make_folder(flat(20, 20), "first")
    second = make_folder(flat(20, 10), "second")
    assert held_out(first, 0) == held_out(first, 0)
    assert held_out(first, 0) != held_out(first, 1)
    # Other dogs do not move a cat.
    cats = {name for name in held_out(first, 0) if name.startswith("cat")}
    assert cats == {name for name in held_out(second, 0) if name.startswith("cat")}


def test_hold_out_beside_train_and_test(make_folder):
    files = {f"train/{name}": X for name in flat(5, 5)}
    files.update({f"test/{name}": X for name in flat(2, 2)})
    listing = ImageFolder(make_folder(files), validation_fraction=0.2).listing()
    sizes = {split: len(items) for split, items in listing.splits.items()}
    assert sizes == {"train": 8, "validation": 2, "test": 4}


def test_each_split_keeps_an_image_of_each_class(make_folder):
    for fraction in (0.01, 0.99):
        listing = ImageFolder(make_folder(flat(2, 3)), validation_fraction=fraction).listing()
        for items in listing.splits.values():
            assert {item.label for item in items} == {0, 1}


def without(files, start):
    return {name: data for name, data in files.items() if not name.startswith(start)}


@pytest.mark.parametrize(
    "files,message",
    [
        ({".keep": X}, "has no class folders; needed are"),
        ({"a.jpg": X}, "has no class folders; needed are"),
        (flat(3, 3), "no validation split.*--validation_fraction=0.2"),
        (without(two_splits(), "validation"), "no validation split.*--validation_fraction=0.2"),
        (without(two_splits(), "train"), "no train folder; it has: validation"),
        ({"train/a.jpg": X, "validation/a.jpg": X}, "train has no class folders"),
        (without(two_splits(), ("train/dog", "validation/dog")), "only one class .cat."),
        (two_splits(**{"train/eel/notes.txt": X}), "train/eel has no images"),
        (two_splits(**{"train/eel/1.jpg": X}), "validation lacks eel"),
        (two_splits(**{"validation/eel/1.jpg": X}), "validation has eel too"),
        (two_splits(**{"val/cat/1.jpg": X}), "two folders for split 'validation'"),
        (two_splits(**{"holiday/1.jpg": X}), "splits and other folders: holiday"),
    ],
)
def test_unusable_folders(make_folder, files, message):
    with pytest.raises(DatasetError, match=message):
        ImageFolder(make_folder(files)).listing()


def test_empty_class_folder_is_named(make_folder):
    folder = make_folder(two_splits())
    os.mkdir(os.path.join(folder, "train", "eel"))
    with pytest.raises(DatasetError, match="train/eel has no images"):
        ImageFolder(folder).listing()


def test_missing_folder_and_file_for_a_folder(tmp_path):
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        ImageFolder(str(tmp_path / "nowhere")).listing()
    (tmp_path / "file").write_bytes(X)
    with pytest.raises(DatasetError, match="is no directory"):
        ImageFolder(str(tmp_path / "file")).listing()


def test_unusable_fractions(make_folder):
    for fraction in (0.0, 1.0, -0.2):
        with pytest.raises(DatasetError, match="must be more than 0 and less than 1"):
            ImageFolder("anywhere", validation_fraction=fraction)
    with pytest.raises(DatasetError, match="leave the flag out"):
        ImageFolder(make_folder(two_splits()), validation_fraction=0.2).listing()
    with pytest.raises(DatasetError, match="one image only"):
        ImageFolder(make_folder(flat(1, 4), "single"), validation_fraction=0.2).listing()


def test_digest_follows_the_input(make_folder):
    folder = make_folder(two_splits())
    before = ImageFolder(folder).listing().digests({"seed": 0})
    assert ImageFolder(folder).listing().digests({"seed": 0}) == before
    assert ImageFolder(folder).listing().digests({"seed": 1}) != before
    with open(os.path.join(folder, "train/cat/0.jpg"), "wb") as file:
        file.write(b"other")
    assert ImageFolder(folder).listing().digests({"seed": 0}) != before


@pytest.mark.parametrize("inside", ["tfrecords", ".", "train/../out/more"])
def test_records_may_not_lie_among_the_photos(make_folder, capsys, inside):
    """The second run would take them for a class, or for a split."""
    raw = make_folder({"train/a/1.jpg": b"", "validation/a/1.jpg": b""})
    arguments = ["image_folder", "--raw_dir", raw, "--output_dir", f"{raw}/{inside}"]
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert "lies in --raw_dir" in error and error.count("\n") == 1
