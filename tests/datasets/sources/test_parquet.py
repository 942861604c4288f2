import json
import os
import pickle

import pyarrow
import pyarrow.parquet as parquet
import pytest

from datasets.conversion import command
from datasets.errors import DatasetError
from datasets.sources.parquet import ParquetTable


def write(path, columns, rows_per_group=None, names=None):
    """Writes a Parquet file; `names` are left in it as Hugging Face does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table(columns)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(metadata)
    parquet.write_table(table, path, row_group_size=rows_per_group)


def images(jpeg, numbers):
    return [{"bytes": jpeg(number), "path": f"{number}.jpg"} for number in numbers]


@pytest.fixture
def hugging_face(tmp_path, jpeg):
    """Three files as Hugging Face has them: rows 0 to 3, 4 to 7, and two for validation."""
    folder = tmp_path / "raw" / "data"
    names = ["dog", "cat"]
    for number in range(2):
        columns = {
            "image": images(jpeg, range(4 * number, 4 * number + 4)),
            "label": [0, 1, 0, 1],
        }
        name = f"train-0000{number}-of-00002-abc{number}.parquet"
        write(folder / name, columns, 3, names)
    columns = {"image": images(jpeg, [20, 21]), "label": [1, 0]}
    write(folder / "val-00000-of-00001-f00.parquet", columns, names=names)
    return tmp_path / "raw"


def test_what_hugging_face_has(hugging_face, jpeg):
    listing = ParquetTable(str(hugging_face)).listing()
    assert listing.labels == ("dog", "cat")
    train = listing.splits["train"]
    assert [item.label for item in train] == [0, 1] * 4
    assert [item.source.read() for item in train] == [jpeg(n) for n in range(8)]
    assert [item.source.row_group for item in train] == [0, 0, 0, 1] * 2
    assert [item.name for item in train[3:5]] == [
        "data/train-00000-of-00002-abc0/000003",
        "data/train-00001-of-00002-abc1/000000",
    ]
    assert [(i.label, i.source.read()) for i in listing.splits["validation"]] == [
        (1, jpeg(20)),
        (0, jpeg(21)),
    ]
    # It is sent to workers: a place, not an image.
    assert len(pickle.dumps(train[0].source)) < 400
    assert len({item.source.fingerprint() for item in train[:4]}) == 4


def test_a_conversion_of_what_hugging_face_has(hugging_face, tmp_path, jpeg, read_back, capsys):
    output = tmp_path / "out"
    arguments = ["parquet", "--raw_dir", str(hugging_face), "--output_dir", str(output)]
    assert command.main([*arguments, "--train_shards=2"]) == 0
    assert (output / "labels.txt").read_text() == "dog\ncat\n"
    found = {e["encoded"]: e["label"] for e in read_back(output, "train")}
    assert found == {jpeg(n): n % 2 for n in range(8)}
    assert not [name for name in os.listdir(output) if name.startswith(".")]
    assert command.main([*arguments, "--train_shards=2"]) == 0
    assert "converted already" in capsys.readouterr().err


def test_plain_bytes_names_and_a_column_for_the_split(tmp_path):
    columns = {
        "picture": [b"a", b"b", b"a", b"c", b"d"],
        "kind": ["pear", "apple", "pear", "apple", "pear"],
        "part": ["train", "train", "test", "val", "test"],
    }
    write(tmp_path / "all.parquet", columns, 2)
    arguments = (str(tmp_path / "all.parquet"), "picture", "kind", "part")
    listing = ParquetTable(*arguments).listing()
    assert listing.labels == ("apple", "pear")
    assert {
        split: [(item.name, item.label, item.source.read()) for item in items]
        for split, items in listing.splits.items()
    } == {
        "train": [("all/000000", 1, b"a"), ("all/000001", 0, b"b")],
        "validation": [("all/000003", 0, b"c")],
        "test": [("all/000002", 1, b"a"), ("all/000004", 1, b"d")],
    }
    once = ParquetTable(*arguments, drop_duplicates=True).listing()
    assert [item.source.read() for item in once.splits["test"]] == [b"d"]


def test_folders_and_shares_make_the_splits(tmp_path):
    columns = {"image": [bytes([n]) for n in range(10)], "label": [3, 5] * 5}
    write(tmp_path / "raw" / "0000.parquet", columns)
    listing = ParquetTable(str(tmp_path / "raw"), validation_fraction=0.2).listing()
    assert {split: len(items) for split, items in listing.splits.items()} == {
        "train": 8,
        "validation": 2,
    }
    assert listing.labels == tuple("012345")
    for folder in ("train", "valid"):
        write(tmp_path / "folders" / "default" / folder / "0000.parquet", columns)
    listing = ParquetTable(str(tmp_path / "folders")).listing()
    assert [len(items) for items in listing.splits.values()] == [10, 10]


def test_rows_without_labels(tmp_path, capsys):
    names = ["x", "y"]
    write(
        tmp_path / "train.parquet", {"image": [b"1", b"2", b"3"], "label": [0, 1, 7]}, None, names
    )
    write(tmp_path / "validation.parquet", {"image": [b"4", b"5"], "label": [1, None]}, None, names)
    write(tmp_path / "test.parquet", {"image": [b"6", b"7"], "label": [-1, -1]}, None, names)
    listing = ParquetTable(str(tmp_path)).listing()
    assert list(listing.splits) == ["train", "validation"]
    assert [(skip.file, skip.reason) for skips in listing.skipped.values() for skip in skips] == [
        ("train/000002", "label 7; 0 to 1 is possible"),
        ("validation/000001", "no label"),
    ]
    assert "the test images have no labels and are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "columns,changes,message",
    [
        (
            {"image": [b"a"], "kind": [1]},
            {},
            "lacks the column label; it has: image, kind. See --im",
        ),
        ({"image": ["a"], "label": [1]}, {}, "column image of .* holds string; it must hold bytes"),
        (
            {"image": [b"a"], "label": [0.5]},
            {},
            "label of .* holds double; .*whole numbers or text",
        ),
        (
            {"image": [b"a"], "label": [1], "split": ["odd"]},
            {},
            "row 0 of .*: split 'odd'; must be one of dev, eval, evaluation, test, testing, train",
        ),
        (
            {"image": [b"a"], "label": [1]},
            {"split_column": "part"},
            "lacks the column part; it has",
        ),
        (
            {"image": [b"a", b"b"], "label": [0, 1]},
            {},
            "hold no validation split; add one, or pass",
        ),
        ({"image": [b"a"], "label": [None]}, {"label_column": "label"}, "holds null; it must hold"),
    ],
)
def test_unusable_tables(tmp_path, columns, changes, message):
    write(tmp_path / "a.parquet", columns)
    with pytest.raises(DatasetError, match=message):
        ParquetTable(str(tmp_path), **changes).listing()


def test_files_that_are_none(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no files \*.parquet"):
        ParquetTable(str(tmp_path)).listing()
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        ParquetTable(str(tmp_path / "nowhere")).listing()
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more of it")
    with pytest.raises(DatasetError, match="a.parquet is no Parquet file: ") as caught:
        ParquetTable(str(tmp_path)).listing()
    assert "\n" not in str(caught.value)


def test_damage_behind_the_listing(hugging_face, tmp_path, convert_listing):
    listing = ParquetTable(str(hugging_face)).listing()
    path = listing.splits["train"][0].source.path
    with open(path, "rb+") as file:
        file.seek(10)
        file.write(b"\xff" * 200)
    with pytest.raises(DatasetError, match="train-00000-of-00002-abc0.parquet"):
        convert_listing(listing, tmp_path / "out")
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".inflated")]
