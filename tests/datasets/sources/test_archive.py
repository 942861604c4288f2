import io
import os
import pickle
import stat
import tarfile
import zipfile

import pytest

from datasets.conversion import inflate
from datasets.conversion.shard import ShardTask
from datasets.errors import DatasetError
from datasets.sources import archive
from datasets.sources.items import Item

FILES = {
    "set/list.txt": b"one\n\n two \n",
    "set/images/a.jpg": b"aaaa",
    "set/images/b.jpg": b"b" * 900,
}


@pytest.fixture
def packed(tmp_path, tar, zipped):
    """Writes FILES, or others, as an archive of a kind and returns its path."""

    def pack(kind, files=FILES):
        data = zipped(files) if kind == "zip" else tar(files, compressed=kind == "tgz")
        path = tmp_path / f"set.{kind}"
        path.write_bytes(data)
        return str(path)

    return pack


@pytest.mark.parametrize("kind", ["tar", "tgz", "zip"])
def test_archives_and_folders_look_the_same(packed, make_folder, kind):
    tree = archive.open_archive(packed(kind))
    folder = archive.open_folder(make_folder(FILES))
    assert tree.names() == folder.names() == sorted(FILES)
    # Backwards too: a compressed tar has to start over.
    for name in [*sorted(FILES), *sorted(FILES, reverse=True)]:
        assert tree.source(name).read() == folder.source(name).read() == FILES[name]
        # Workers get the sources by mail.
        assert pickle.loads(pickle.dumps(tree.source(name))).read() == FILES[name]
    assert tree.lines("set/list.txt") == ["one", "two"]
    assert tree.below("set").names("images/") == ["images/a.jpg", "images/b.jpg"]
    assert tree.folder_of("images/b.jpg") == "set"


@pytest.mark.parametrize("kind", ["tar", "tgz", "zip"])
def test_hidden_files_are_left_out_as_in_folders(packed, make_folder, tar, kind):
    hidden = {"set/images/._a.jpg": b"1", "._set": b"2", "set/.cache/c.jpg": b"3"}
    tree = archive.open_archive(packed(kind, {**FILES, **hidden}))
    assert tree.names() == sorted(FILES)
    assert archive.open_folder(make_folder({**FILES, **hidden})).names() == sorted(FILES)
    outer = archive.open_archive(packed("tar", {"n01.tar": tar({**FILES, **hidden})}))
    assert archive.open_inner_tar(outer.source("n01.tar"), "n01.tar").names() == sorted(FILES)
    with pytest.raises(DatasetError, match="points out of the archive"):
        archive.open_archive(packed(kind, {**FILES, ".hidden/../../a.jpg": b"x"}))


@pytest.mark.parametrize("kind", ["tar", "tgz", "zip"])
def test_nothing_is_unpacked(packed, tmp_path, kind):
    raw = packed(kind)
    tree = archive.find(str(tmp_path), "list.txt", ("set",))
    assert tree.names() == ["images/a.jpg", "images/b.jpg", "list.txt"]
    assert tree.read("images/a.jpg") == b"aaaa"
    assert os.listdir(tmp_path) == [os.path.basename(raw)]


@pytest.mark.parametrize("kind", ["tar", "tgz", "zip"])
@pytest.mark.parametrize(
    "name", ["../evil.jpg", "/etc/evil.jpg", "set/../../evil.jpg", "C:/evil.jpg", "..\\evil.jpg"]
)
def test_a_name_that_leads_out_is_refused(packed, kind, name):
    with pytest.raises(DatasetError, match="points out of the archive"):
        archive.open_archive(packed(kind, {**FILES, name: b"x"}))


def test_links_and_devices_are_left_out(tmp_path):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as file:
        for name, kind in (("a", tarfile.SYMTYPE), ("b", tarfile.LNKTYPE), ("c", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd"
            file.addfile(info)
    (tmp_path / "set.tar").write_bytes(output.getvalue())
    assert archive.open_archive(str(tmp_path / "set.tar")).names() == []


def test_links_in_a_zip_are_left_out_and_links_to_folders_are_followed(tmp_path, make_folder):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        link = zipfile.ZipInfo("set/passwd.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("set/a.jpg", b"1")
    assert archive.open_archive(str(tmp_path / "a.zip")).names() == ["set/a.jpg"]
    raw = make_folder({"list.txt": b"", "elsewhere/a.jpg": b"1"})
    os.symlink(f"{raw}/elsewhere", f"{raw}/images")
    os.symlink(raw, f"{raw}/elsewhere/round")
    assert archive.open_folder(raw).names() == ["elsewhere/a.jpg", "images/a.jpg", "list.txt"]


def test_a_tar_inside_a_tar_is_read_in_place(packed, tar):
    inner = tar({"x.JPEG": b"x" * 700, "y.JPEG": b"yy"})
    outer = archive.open_archive(packed("tar", {"first": b"1", "n01.tar": inner}))
    tree = archive.open_inner_tar(outer.source("n01.tar"), "n01.tar")
    assert tree.names() == ["x.JPEG", "y.JPEG"]
    assert tree.source("x.JPEG").path == outer.where
    assert tree.read("x.JPEG") == b"x" * 700
    assert tree.read("y.JPEG") == b"yy"


def test_inflated_items_read_the_copy(packed, tmp_path):
    tree = archive.open_archive(packed("tgz"))
    items = [Item(name, tree.source(name), 0) for name in tree.names()]
    (task,) = inflate.inflate_archives([ShardTask("shard", items)], str(tmp_path))
    images = [item for item in task.items if item.name.endswith(".jpg")]
    assert {item.source.path for item in images} == {str(tmp_path / ".inflated-0.tmp")}
    assert [item.source.read() for item in task.items] == [item.source.read() for item in items]
    assert [item.name for item in task.items] == tree.names()


@pytest.mark.parametrize("kind", ["tar", "tgz", "zip"])
def test_cut_off_archives_are_named(packed, kind):
    path = packed(kind)
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) * 6 // 10 if kind != "tar" else 2100)
    with pytest.raises(DatasetError, match=f"set.{kind} is damaged or cut off"):
        archive.open_archive(path)


def test_a_changed_byte_in_a_zip_is_noticed(packed):
    path = packed("zip")
    source = archive.open_archive(path).source("set/images/a.jpg")
    with open(path, "rb+") as file:
        file.seek(source.offset + 30 + len("set/images/a.jpg") + 1)
        file.write(b"\x00")
    with pytest.raises(OSError, match="damaged"):
        source.read()


def test_fingerprints_follow_the_archive(packed):
    path = packed("tar")
    before = archive.open_archive(path).source("set/images/a.jpg").fingerprint()
    assert archive.open_archive(path).source("set/images/a.jpg").fingerprint() == before
    os.utime(path, ns=(1, 1))
    assert archive.open_archive(path).source("set/images/a.jpg").fingerprint() != before


def test_what_is_missing_is_said(tmp_path, packed):
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        archive.find(str(tmp_path / "nowhere"), "list.txt", ("set",))
    with pytest.raises(DatasetError, match="neither list.txt nor an archive set{.tar.*nothing"):
        archive.find(str(tmp_path), "list.txt", ("set",))
    packed("tar")
    with pytest.raises(DatasetError, match="holds no other.txt; it holds: set/images/a.jpg"):
        archive.find(str(tmp_path), "other.txt", ("set",))
    tree = archive.find(str(tmp_path), "list.txt", ("set",))
    with pytest.raises(DatasetError, match="set.tar/set lacks the file c.jpg"):
        tree.source("c.jpg")
    with pytest.raises(DatasetError, match="line 1 of list.txt.*'one'; 2 words"):
        tree.table("list.txt", 2)
