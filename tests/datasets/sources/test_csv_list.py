import os

import pytest

from datasets.errors import DatasetError
from datasets.sources.csv_list import CsvList


def listed(listing):
    return {
        split: [(item.name, item.label) for item in items]
        for split, items in listing.splits.items()
    }


TRAIN = b"path,label\nimages/b.jpg,dog\n images/a.jpg , cat \n"
VALIDATION = b"path,label\nimages/c.jpg,cat\n"


def test_a_file_for_each_split(make_folder):
    files = {"train.csv": TRAIN, "val.csv": VALIDATION, "images/a.jpg": b"a"}
    listing = CsvList(make_folder(files)).listing()
    assert listed(listing) == {
        "train": [("images/b.jpg", 1), ("images/a.jpg", 0)],
        "validation": [("images/c.jpg", 0)],
    }
    assert listing.labels == ("cat", "dog")
    assert listing.splits["train"][1].source.read() == b"a"


def test_one_file_with_a_column_for_the_split(make_folder, tmp_path):
    rows = b'"x, y.jpg",b,train\nv.jpg,a,train\nz.jpg,a,VALID\nw.jpg,a,test\n'
    folder = make_folder({"all.csv": b"File,Kind,Part\n" + rows})
    listing = CsvList(folder, f"{folder}/all.csv", ("File", "Kind", "Part")).listing()
    assert listed(listing) == {
        "train": [("x, y.jpg", 1), ("v.jpg", 0)],
        "validation": [("z.jpg", 0)],
        "test": [("w.jpg", 0)],
    }


def test_whole_numbers_stay_the_labels(make_folder):
    rows = "".join(f"{n}.jpg,{label}\n" for n, label in enumerate((10, 2, 10, 2)))
    folder = make_folder({"train.csv": b"path,label\n" + rows.encode()})
    listing = CsvList(folder, validation_fraction=0.5).listing()
    labels = sorted(item.label for items in listing.splits.values() for item in items)
    assert labels == [2, 2, 10, 10]
    assert [len(items) for items in listing.splits.values()] == [2, 2]
    assert listing.labels[10] == "10"
    assert len(listing.labels) == 11


def test_an_absolute_path_inside_is_fine(make_folder):
    folder = make_folder({"val.csv": VALIDATION})
    with open(f"{folder}/train.csv", "w") as file:
        file.write(f"path,label\n{folder}/images/a.jpg,cat\nimages/../b.jpg,dog\n")
    assert listed(CsvList(folder).listing())["train"] == [("images/a.jpg", 0), ("b.jpg", 1)]


@pytest.mark.parametrize(
    "files,message",
    [
        ({"a.txt": b""}, "holds no train.csv and validation.csv"),
        ({"train.csv": TRAIN}, "hold no validation split"),
        ({"validation.csv": VALIDATION}, "hold no training images"),
        ({"train.csv": b"file,label\n"}, "lacks the column path; its first line names: file, l"),
        ({"train.csv": b"path,label\n../a.jpg,cat\n"}, "line 2 .*'../a.jpg' lies outside"),
        ({"train.csv": b"path,label\n/etc/passwd,cat\n"}, "'/etc/passwd' lies outside"),
        ({"train.csv": b"path,label\na.jpg,\n"}, "line 2 .*path 'a.jpg', label ''; both needed"),
        ({"train.csv": b"path,label\n\xff\xfe,cat\n"}, "no CSV file in UTF-8"),
        (
            {"train.csv": b"path,label\na\0.jpg,cat\n"},
            r"line 2 .*'a\\x00.jpg' holds a NUL|line contains NUL",
        ),
        ({"train.csv": b"path,label\na.jpg,99999999999\n"}, "label 99999999999: numbers up to"),
        ({"train.csv": b"path,label\na.jpg,1000000\n"}, "label 1000000: numbers up to 999999"),
        ({"train.csv": b"path,label\na.jpg," + b"9" * 5000}, r"label 9{20}\.\.\.: numbers up"),
        (
            {"train.csv": b"path,label\na.jpg,x\n", "val.csv": b"path,label\na.jpg,x\n"},
            "one class only",
        ),
        (
            {"train.csv": TRAIN, "val.csv": VALIDATION + b"d.jpg,emu\ne.jpg,fox\n"},
            "no training images of the classes emu, fox; list some, or give the classes numbers",
        ),
    ],
)
def test_unusable_lists(make_folder, files, message):
    with pytest.raises(DatasetError, match=message):
        CsvList(make_folder(files)).listing()


def test_unknown_split(make_folder):
    folder = make_folder({"all.csv": b"path,label,split\na.jpg,x,holiday\n"})
    with pytest.raises(DatasetError, match="line 2 .*split 'holiday'; must be one of"):
        CsvList(folder, f"{folder}/all.csv").listing()


@pytest.mark.parametrize(
    "rows,columns,message",
    [
        (b"", ("path", "label", "split"), "all.csv lists no images; needed is a line for each"),
        (b"a.jpg,x,\n", ("path", "label", "split"), "line 2 of .*: split ''; must be one of"),
        (b"a.jpg,x\n", ("path", "label", "split"), "line 2 of .*: split ''; must be one of"),
        (
            b"a.jpg,x,train\n",
            ("path", "label", "Split"),
            "lacks the column Split; its first line names: path, label, split. .*--split_column",
        ),
    ],
)
def test_one_list_that_does_not_say_the_split(make_folder, rows, columns, message):
    folder = make_folder({"all.csv": b"path,label,split\n" + rows})
    with pytest.raises(DatasetError, match=message):
        CsvList(folder, f"{folder}/all.csv", columns, validation_fraction=0.5).listing()


@pytest.mark.parametrize("separator,word", [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators(make_folder, capsys, separator, word):
    rows = "path,label\na.jpg,x\nb.jpg,y\n".replace(",", separator).encode()
    listing = CsvList(make_folder({"Train.CSV": rows, "val.csv": VALIDATION})).listing
    with pytest.raises(DatasetError, match="no training images of the classes cat"):
        listing()
    assert f"Train.CSV is separated by {word}" in capsys.readouterr().err
    folder = make_folder({"train.csv": f"file{separator}label\n".encode()}, "other")
    with pytest.raises(DatasetError, match=f"names: file, label. The separator .* a {word[:-1]}"):
        CsvList(folder).listing()


def test_a_bad_line_is_left_out_and_counted(make_folder, convert_listing, tmp_path, jpeg):
    files = {f"{n}.jpg": jpeg(n) for n in range(40)}
    lines = [f"{n}.jpg,{'ab'[n % 2]}" for n in range(40)]
    lines += ["../out.jpg,a", "/etc/passwd,b", ",a", "7.jpg,"]
    files["all.csv"] = "\n".join(["path,label", *lines]).encode()
    folder = make_folder(files)
    listing = CsvList(folder, f"{folder}/all.csv", validation_fraction=0.1).listing()
    with pytest.raises(DatasetError, match="line 42 of .*'../out.jpg' lies outside.*4 cannot be"):
        convert_listing(listing, tmp_path / "out", on_bad_record="fail")
    train = convert_listing(listing, tmp_path / "out", max_bad_fraction=0.1)["splits"]["train"]
    assert (train["num_images"], train["num_skipped"]) == (36, 4)
    assert [skip["reason"][:12] for skip in train["skipped"]] == [
        "'../out.jpg'", "'/etc/passwd", "path '', lab", "path '7.jpg'",
    ]  # fmt: skip


def test_images_that_are_listed_twice_are_said(make_folder, capsys):
    rows = b"path,label\na.jpg,x\nb.jpg,y\na.jpg,x\n./b.jpg,x\n"
    folder = make_folder({"train.csv": rows, "val.csv": b"path,label\nc.jpg,x\n"})
    assert len(CsvList(folder).listing().splits["train"]) == 4
    said = capsys.readouterr().err
    assert "2 images are listed more than once, 1 of them with different labels, such as a" in said


def test_paths_as_other_systems_write_them(make_folder):
    rows = "path,label\ncats\\1.jpg,cat\ncaf\u00e9.jpg,dog\n".encode()
    files = {"train.csv": rows, "val.csv": VALIDATION}
    listing = CsvList(make_folder({**files, "cats/1.jpg": b"1", "cafe\u0301.jpg": b"2"})).listing()
    assert [item.source.read() for item in listing.splits["train"]] == [b"1", b"2"]
    assert listed(listing)["train"] == [("cats/1.jpg", 0), ("cafe\u0301.jpg", 1)]


def test_numbers_without_training_images_are_noted(make_folder, capsys):
    files = {
        "train.csv": b"path,label\na.jpg,000\nb.jpg,8\n",
        "val.csv": b"path,label\nc.jpg,9\n",
    }
    listing = CsvList(make_folder(files)).listing()
    assert listed(listing) == {"train": [("a.jpg", 0), ("b.jpg", 8)], "validation": [("c.jpg", 9)]}
    assert capsys.readouterr().err == (
        "note: 8 of the 10 labels have no training images: 1, 2, 3, 4, 5 and 3 more\n"
    )


def test_a_link_to_the_folder_and_absolute_paths(make_folder, tmp_path):
    folder = make_folder({"val.csv": VALIDATION, "images/a.jpg": b"a"})
    link = tmp_path / "link"
    os.symlink(folder, link)
    for raw_dir, root in ((link, folder), (folder, link)):
        with open(f"{folder}/train.csv", "w") as file:
            file.write(f"path,label\n{root}/images/a.jpg,cat\n{root}/b.jpg,dog\n")
        listing = CsvList(str(raw_dir)).listing()
        assert listed(listing)["train"] == [("images/a.jpg", 0), ("b.jpg", 1)]
        assert listing.splits["train"][0].source.read() == b"a"
    with open(f"{folder}/train.csv", "w") as file:
        file.write(f"path,label\n{link}/..,cat\n")
    with pytest.raises(DatasetError, match="lies outside"):
        CsvList(str(folder)).listing()
