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


JPEG, PNG, HEIC = b"\xff\xd8\xff\xe0 and more", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x18ftypheic\0\0\0\0"


def listed(make_folder, files, **arguments):
    """Image names by class of the training split, and the whole listing."""
    arguments = {"validation_fraction": "auto", **arguments}
    listing = ImageFolder(make_folder(files), **arguments).listing()
    everything = [item for items in listing.splits.values() for item in items]
    by_class = {
        name: {item.name for item in everything if item.label == label}
        for label, name in enumerate(listing.labels)
    }
    return by_class, listing


def test_folders_below_a_class_belong_to_it(make_folder, capsys):
    files = {f"cat/{n}.jpg": X for n in range(2)} | {f"cat/batch1/{n}.jpg": X for n in range(5)}
    files |= {f"dog/2020/may/{n}.jpg": X for n in range(3)}
    by_class, _ = listed(make_folder, files)
    assert [len(found) for found in by_class.values()] == [7, 3]
    assert "8 training pictures lie in folders below the class folders" in capsys.readouterr().err


def test_links_that_lead_back_up_are_followed_once(make_folder):
    folder = make_folder(flat(3, 3))
    os.symlink("..", f"{folder}/cat/up")
    os.symlink(folder, f"{folder}/dog/all")
    listing = ImageFolder(folder, validation_fraction=0.5).listing()
    assert sum(map(len, listing.splits.values())) == 6


def test_pictures_are_told_by_their_bytes(make_folder):
    files = {
        **{f"cat/{n}.jpg": X for n in range(2)},
        **{"cat/a.jfif": JPEG, "cat/b.jpg_large": JPEG, "cat/c": PNG, "cat/d.heic": JPEG},
        **{f"dog/{n}.PNG": X for n in range(2)},
        **{"cat/0.txt": X, "cat/1.jpg.json": X, "cat/1.mov": b"\0\0\0\x14ftypqt  "},
        **{"dog/e.heic": HEIC, "dog/f.dat": b"\0\1\2", "dog/notes.txt": X},
        **{"cat/Thumbs.db": X, "__MACOSX/cat/._0.jpg": X, "dog/@eaDir/0.jpg": X},
    }
    by_class, listing = listed(make_folder, files)
    assert by_class["cat"] == {
        f"cat/{name}" for name in ("0.jpg", "1.jpg", "a.jfif", "b.jpg_large", "c", "d.heic")
    }
    assert by_class["dog"] == {"dog/0.PNG", "dog/1.PNG"}
    skips = {skip.file: (skip.bad, skip.beside) for skip in listing.skipped["train"]}
    assert skips == {
        "cat/0.txt": (False, True),
        "cat/1.jpg.json": (False, True),
        "cat/1.mov": (False, True),
        "dog/e.heic": (True, False),
        "dog/f.dat": (True, False),
        "dog/notes.txt": (False, False),
    }
    reason = next(skip.reason for skip in listing.skipped["train"] if skip.file == "dog/e.heic")
    assert "a HEIC file" in reason and "heif-convert" in reason


def test_a_large_share_that_is_left_out_stops(make_folder, convert_listing, tmp_path, jpeg):
    """30 of 111 photos of a phone, once by their bytes and once by their names alone."""
    for number, data in enumerate((HEIC, b"text")):
        files = {f"{name}/{n}.jpg": jpeg(n) for name in ("cat", "dog") for n in range(40)}
        files |= {f"cat/h{n}.heic": data for n in range(30)}
        folder = make_folder(files, f"raw{number}")
        listing = ImageFolder(folder, validation_fraction=0.2).listing()
        out = tmp_path / f"out{number}"
        with pytest.raises(DatasetError, match="30 cannot be used.*--on_bad_record=skip"):
            convert_listing(listing, out, on_bad_record="fail")
        with pytest.raises(DatasetError, match="30 of 94 images of split 'train'.*HEIC"):
            convert_listing(listing, out)
    files = {f"{name}/{n}.jpg": jpeg(n) for name in ("cat", "dog") for n in range(4)}
    files |= {f"cat/lost{n}.txt": X for n in range(3)}
    listing = ImageFolder(make_folder(files, "raw2"), validation_fraction=0.25).listing()
    with pytest.raises(DatasetError, match="3 of 9 images of split 'train'"):
        convert_listing(listing, tmp_path / "out2", on_bad_record="fail")


@pytest.mark.parametrize(
    "splits,found",
    [
        # Test pictures of a competition, flat or in one folder, have no labels.
        ({"TRAIN/{}": 4, "Val/{}": 2, "Test": 3}, {"train": 8, "validation": 4}),
        ({"train/{}": 4, "dev/{}": 2, "test/images": 3}, {"train": 8, "validation": 4}),
        ({"Training/{}": 5, "Testing/{}": 2}, {"train": 8, "validation": 2, "test": 4}),
        ({"seg_train/seg_train/{}": 5, "seg_test/seg_test/{}": 2},
         {"train": 8, "validation": 2, "test": 4}),
        ({"train/train/{}": 5, "valid/valid/{}": 1}, {"train": 10, "validation": 2}),
        # Classes that are called like splits, told by where the pictures are.
        ({"{}": 5, "train": 5, "test": 5}, {"train": 16, "validation": 4}),
    ],
)  # fmt: skip
def test_layouts_as_people_have_them(make_folder, splits, found):
    files = {
        f"{folder.format(name)}/{number}.jpg": X
        for folder, count in splits.items()
        for name in (("cat", "dog") if "{" in folder else ("",))
        for number in range(count)
    }
    _, listing = listed(make_folder, {**files, "sample_submission.csv": X})
    assert {split: len(items) for split, items in listing.splits.items()} == found


def test_one_validation_split_is_enough(make_folder, capsys):
    files = {f"train/{name}": X for name in flat(10, 5)} | {
        f"test/{name}": X for name in flat(2, 2)
    }
    _, listing = listed(make_folder, files)
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 12,
        "validation": 3,
        "test": 4,
    }
    assert "no validation split: 20% of each class" in capsys.readouterr().err
    _, listing = listed(lambda files: make_folder(files, "whole"), two_splits())
    assert len(listing.splits["validation"]) == 4 and not capsys.readouterr().err


@pytest.mark.parametrize(
    "files,message",
    [
        (
            {f"fruit/{c}/1.jpg": X for c in "ab"},
            "one class .fruit.*one level deeper, in a, b.*/fruit$",
        ),
        ({f"{c}/{s}/1.jpg": X for c in "ab" for s in ("train", "test")}, "called like splits"),
        ({f"{s}/1.jpg": X for s in ("train", "test")}, "train has no class folders.*datasets.conv"),
        ({"a/1.jpg": X, "b/1.txt": X, "c/1.heic": HEIC}, "/b, .*/c have no images.*HEIC"),
        ({f"{c}/1.jpg": X for c in "abc"} | flat(2, 2), "3 classes have one image only: a, b, c. "),
    ],
)
def test_what_is_unclear_is_said(make_folder, files, message):
    with pytest.raises(DatasetError, match=message):
        listed(make_folder, files)


def test_accents_and_names_that_are_no_text(make_folder):
    files = {f"train/{name}/{n}.jpg": X for name in ("caf\u00e9", "$$", "日本") for n in range(2)}
    files |= {f"val/{name}/1.jpg": X for name in ("cafe\u0301", "$$", "日本")}
    folder = make_folder(files)
    for split in ("train", "val"):
        odd = os.path.join(os.fsencode(folder), split.encode(), b"\xe9")
        os.mkdir(odd)
        with open(os.path.join(odd, b"\xff.jpg"), "wb") as file:
            file.write(X)
    listing = ImageFolder(folder).listing()
    assert listing.labels == ("$$", "caf\u00e9", "日本", "\ufffd")
    assert [item.label for item in listing.splits["validation"]] == [0, 1, 2, 3]
    assert listing.splits["validation"][3].source.read() == X


def test_a_class_without_validation_pictures_has_an_empty_folder(make_folder, capsys):
    folder = make_folder(two_splits(**{"train/eel/1.jpg": X}))
    os.mkdir(f"{folder}/validation/eel")
    listing = ImageFolder(folder).listing()
    assert listing.labels == ("cat", "dog", "eel")
    assert "no validation pictures of: eel" in capsys.readouterr().err
