import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys

import pytest
import tensorflow as tf

import datasets
from datasets import disk
from datasets.conversion import shard
from datasets.conversion.plan import WriterConfig, ordered_items, shard_ranges
from datasets.conversion.progress import locked
from datasets.conversion.shard import ShardTask
from datasets.conversion.writer import write_dataset
from datasets.errors import DatasetError
from datasets.records import reader, schema
from datasets.sources.items import BytesSource, FileSource, Item, Skip

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(datasets.__file__)))


def config(**changes):
    values = {"num_shards": {"train": 4, "validation": 2}, "show_progress": False, **changes}
    return WriterConfig(**values)


def contents(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = file.read()
    return found


def records(directory, pattern):
    split = reader.find_split(str(directory), pattern)
    parsed = reader.read_records(split).map(
        lambda record: schema.parse_example(record["serialized"])
    )
    return list(parsed.as_numpy_iterator())


def test_writes_every_image_once_with_its_label(tmp_path, make_listing):
    listing = make_listing()
    manifest = write_dataset(listing, str(tmp_path), config())
    for split, items in listing.splits.items():
        found = {
            record["filename"].decode(): (record["label"], record["encoded"])
            for record in records(tmp_path, f"{split}-*")
        }
        assert found == {item.name: (item.label, item.source.read()) for item in items}
    assert manifest["num_written"] == 24
    assert (tmp_path / "labels.txt").read_text() == "cat\ndog\n"


def test_manifest_describes_what_is_on_disk(tmp_path, make_listing):
    write_dataset(make_listing(), str(tmp_path), config(seed=5))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["format_version"] == 1
    assert (manifest["dataset"], manifest["num_classes"], manifest["seed"]) == ("toy", 2, 5)
    train = manifest["splits"]["train"]
    assert train["num_images"] == 20
    assert train["class_counts"] == {"cat": 10, "dog": 10}
    assert [entry["name"] for entry in train["shards"]] == [
        f"train-{index:05d}-of-00004" for index in range(4)
    ]
    for entry in train["shards"] + manifest["splits"]["validation"]["shards"]:
        data = (tmp_path / entry["name"]).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        count = sum(1 for _ in tf.data.TFRecordDataset(str(tmp_path / entry["name"])))
        assert entry["images"] == count


def test_nothing_but_the_data_set_is_left(tmp_path, make_listing):
    write_dataset(make_listing(), str(tmp_path), config())
    assert sorted(os.listdir(tmp_path)) == [
        "labels.txt",
        "manifest.json",
        *(f"train-{index:05d}-of-00004" for index in range(4)),
        *(f"validation-{index:05d}-of-00002" for index in range(2)),
    ]


def test_same_input_and_seed_give_the_same_bytes(tmp_path, make_listing):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_dataset(make_listing(), str(tmp_path / name), config(seed=seed))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (
        contents(tmp_path / "a")["train-00000-of-00004"]
        != (contents(tmp_path / "c")["train-00000-of-00004"])
    )


def test_two_workers_write_the_same_bytes_and_the_same_manifest(tmp_path, make_listing):
    bad = {"train/007.jpg": b"text", "train/013.jpg": b""}
    listing = make_listing(replace=bad)
    one = write_dataset(listing, str(tmp_path / "one"), config())
    two = write_dataset(listing, str(tmp_path / "two"), config(num_workers=2, small_set=0))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    # How long it took differs.
    assert one.pop("seconds") and two.pop("seconds")
    assert one == two
    assert one["splits"]["train"]["num_skipped"] == 2


def test_shuffling_spreads_classes_over_shards():
    items = [Item(str(index), BytesSource(b""), index // 100) for index in range(200)]
    ordered = ordered_items("train", items, seed=0)
    assert sorted(ordered, key=lambda item: int(item.name)) == items
    for first, last in shard_ranges(200, 4):
        counts = collections.Counter(item.label for item in ordered[first:last])
        assert min(counts.values()) > 10
    assert ordered_items("validation", items, seed=0) == items


def test_the_order_for_a_seed_never_changes():
    items = [Item(str(index), BytesSource(b""), 0) for index in range(8)]
    names = [item.name for item in ordered_items("train", items, seed=0)]
    assert "".join(names) == "37140526"


def test_shard_sizes_differ_by_one_at_most():
    assert shard_ranges(10, 4) == [(0, 2), (2, 5), (5, 7), (7, 10)]


def test_no_more_shards_than_images(tmp_path, make_listing, capsys):
    listing = make_listing(num_train=3, num_validation=2)
    write_dataset(listing, str(tmp_path), config(num_shards={"train": 8, "validation": 2}))
    assert reader.find_split(str(tmp_path)).counts == (1, 1, 1)
    assert "3 images: 3 shards are written, not 8" in capsys.readouterr().err


def test_bad_images_are_counted_with_their_reasons(tmp_path, make_listing, jpeg):
    bad = {"train/003.jpg": b"just text", "train/010.jpg": jpeg(10)[:200]}
    manifest = write_dataset(make_listing(replace=bad), str(tmp_path), config())
    train = manifest["splits"]["train"]
    reasons = {skip["file"]: skip["reason"] for skip in train["skipped"]}
    assert reasons["train/003.jpg"] == "not an image (starts with b'just tex')"
    assert reasons["train/010.jpg"].startswith("truncated or damaged JPEG")
    assert (train["num_images"], train["num_skipped"]) == (18, 2)
    assert train["class_counts"] == {"cat": 9, "dog": 9}
    assert len(records(tmp_path, "train-*")) == 18


def test_more_bad_images_than_allowed(tmp_path, make_listing):
    bad = {f"train/{index:03d}.jpg": b"text" for index in range(3)}
    listing = make_listing(replace=bad)
    with pytest.raises(DatasetError, match=r"3 of 20 .*'train'.*max_bad_fraction=0.1.*train/00"):
        write_dataset(listing, str(tmp_path), config())
    assert not (tmp_path / "manifest.json").exists()
    manifest = write_dataset(listing, str(tmp_path), config(max_bad_fraction=0.15))
    assert manifest["splits"]["train"]["num_images"] == 17


def test_fail_on_the_first_bad_image(tmp_path, make_listing):
    listing = make_listing(replace={"train/003.jpg": b""})
    with pytest.raises(DatasetError, match="train/003.jpg: empty file.*--on_bad_record=skip"):
        write_dataset(listing, str(tmp_path), config(on_bad_record="fail"))
    assert not (tmp_path / "manifest.json").exists()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_an_unreadable_file_is_a_bad_image(tmp_path):
    item = Item("a.jpg", FileSource(str(tmp_path / "gone.jpg")), 0)
    result = shard.write_shard(ShardTask(str(tmp_path / "s"), [item]), lambda: None)
    assert result.skipped[0].reason == "cannot be read: No such file or directory"
    assert result.images == 0


def test_a_class_without_usable_images(tmp_path, make_listing):
    bad = {f"validation/{index:03d}.jpg": b"text" for index in (1, 3)}
    with pytest.raises(DatasetError, match="class 'dog' of split 'validation' has no usable"):
        write_dataset(make_listing(replace=bad), str(tmp_path), config(max_bad_fraction=1.0))
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("label", [-1, 2])
def test_label_out_of_range(tmp_path, make_listing, label):
    listing = make_listing()
    item = dataclasses.replace(listing.splits["train"][4], label=label)
    splits = {"train": [*listing.splits["train"], item]}
    with pytest.raises(DatasetError, match=f"label {label} of train/004.jpg .* 0 to 1"):
        write_dataset(dataclasses.replace(listing, splits=splits), str(tmp_path), config())


@pytest.mark.parametrize("labels", [("a\nb", "c"), ("", "b"), ("a", "a"), ("\udc80", "b")])
def test_class_names_must_fit_into_labels_txt(tmp_path, make_listing, labels):
    listing = dataclasses.replace(make_listing(), labels=labels)
    with pytest.raises(DatasetError, match="class name"):
        write_dataset(listing, str(tmp_path), config())


def test_a_second_run_does_nothing(tmp_path, make_listing, capsys):
    write_dataset(make_listing(), str(tmp_path), config())
    before = {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)}
    assert write_dataset(make_listing(), str(tmp_path), config())["num_written"] == 0
    after = {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)}
    assert after == before
    assert "converted already" in capsys.readouterr().err


def test_a_damaged_shard_is_written_again(tmp_path, make_listing):
    write_dataset(make_listing(), str(tmp_path), config())
    before = contents(tmp_path)
    with open(tmp_path / "train-00002-of-00004", "ab") as file:
        file.truncate(50)
    write_dataset(make_listing(), str(tmp_path), config())
    assert contents(tmp_path) == before


def test_other_input_needs_overwrite(tmp_path, make_listing):
    write_dataset(make_listing(), str(tmp_path / "out"), config())
    before = contents(tmp_path / "out")
    other = make_listing(num_train=12)
    shards = {"train": 3, "validation": 1}
    with pytest.raises(DatasetError, match="holds a data set made from other input.*--overwrite"):
        write_dataset(other, str(tmp_path / "out"), config(num_shards=shards))
    assert contents(tmp_path / "out") == before
    write_dataset(other, str(tmp_path / "out"), config(num_shards=shards, overwrite=True))
    write_dataset(other, str(tmp_path / "fresh"), config(num_shards=shards))
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_shards_of_unknown_origin_are_not_replaced(tmp_path, make_listing):
    (tmp_path / "train-00000-of-00001").write_bytes(b"precious")
    with pytest.raises(DatasetError, match="shards of unknown origin .train-00000-of-00001."):
        write_dataset(make_listing(), str(tmp_path), config())
    assert (tmp_path / "train-00000-of-00001").read_bytes() == b"precious"


def test_other_files_in_the_directory_stay(tmp_path, make_listing):
    (tmp_path / "README").write_text("mine")
    write_dataset(make_listing(), str(tmp_path), config())
    write_dataset(make_listing(num_train=6), str(tmp_path), config(overwrite=True))
    assert (tmp_path / "README").read_text() == "mine"


# Writes the toy listing; the image named first stops the process in the middle of a shard.
CHILD = """
import signal, sys, time
# A shell starts what runs in the background deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from datasets import command_line
from datasets.sources.items import BytesSource, Item, Listing
from datasets.conversion.plan import WriterConfig, ordered_items
from datasets.conversion.writer import write_dataset

class Stuck(BytesSource):
    def read(self):
        print("stuck", flush=True)
        time.sleep(300)

output, shards = sys.argv[1], {"train": 4, "validation": 2}
splits = {}
for line in sys.stdin:
    split, name, label, data = line.split()
    items = splits.setdefault(split, [])
    items.append(Item(name, BytesSource(bytes.fromhex(data)), int(label)))
name = ordered_items("train", splits["train"], 0)[12].name
index = [item.name for item in splits["train"]].index(name)
item = splits["train"][index]
splits["train"][index] = Item(name, Stuck(item.source.data), item.label)
listing = Listing("toy", ("cat", "dog"), splits)
config = WriterConfig(shards, show_progress=False)
sys.exit(command_line.run(lambda: write_dataset(listing, output, config), "again"))
"""


def start(listing, output_dir):
    """Begins to convert in a process of its own, which stops in the middle of the third shard."""
    lines = [
        f"{split} {item.name} {item.label} {item.source.data.hex()}"
        for split, items in listing.splits.items()
        for item in items
    ]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, output_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    child.stdin.write("\n".join(lines))
    child.stdin.close()
    return child


def interrupt(child, signum):
    """Ends a process that `start` began; returns its status and what it said."""
    assert child.stdout.readline() == "stuck\n"
    child.send_signal(signum)
    errors = child.stderr.read()
    status = child.wait()
    child.stdout.close()
    child.stderr.close()
    return status, errors


@pytest.fixture(scope="module")
def children(tmp_path_factory, make_listing):
    """Two conversions under way, with their output directories: they start at the same time."""
    outputs = [tmp_path_factory.mktemp("interrupted") / "out" for _ in range(2)]
    started = [(start(make_listing(), str(output)), output) for output in outputs]
    yield started
    for child, _ in started:
        child.kill()
        child.wait()


FINISHED = ["train-00000-of-00004", "train-00001-of-00004"]
DONE = [f".{name}.done.json" for name in FINISHED]


def test_a_killed_run_leaves_whole_shards_and_goes_on(tmp_path, make_listing, children, capsys):
    listing = make_listing()
    child, output = children[0]
    status, _ = interrupt(child, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert sorted(os.listdir(output)) == [
        *DONE,
        ".train-00002-of-00004.tmp",
        *FINISHED,
    ]
    with pytest.raises(DatasetError, match="has not finished"):
        reader.find_split(str(output))
    kept = {name: os.stat(output / name).st_ino for name in FINISHED}
    manifest = write_dataset(listing, str(output), config())
    assert manifest["num_written"] == 14
    assert "going on with an interrupted conversion: 2 shards are done" in capsys.readouterr().err
    assert {name: os.stat(output / name).st_ino for name in FINISHED} == kept
    write_dataset(listing, str(tmp_path / "straight"), config())
    assert contents(output) == contents(tmp_path / "straight")


def test_overwrite_removes_only_what_a_conversion_wrote(tmp_path, make_listing, capsys):
    """Records and labels of somebody else stay, whatever flag is given."""
    listing = make_listing(num_train=6)
    for name, words in (
        ("train-00000-of-00009", "shards of unknown origin"),
        ("labels.txt", "a file labels.txt of unknown origin"),
        ("manifest.json", "a manifest.json that cannot be read"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(DatasetError, match=f"{words}.*which no conversion wrote; choose"):
            write_dataset(listing, str(folder), config(overwrite=True))
        assert contents(folder) == {name: b"mine"}
    # Beside a data set of ours, too.
    out = tmp_path / "out"
    write_dataset(listing, str(out), config())
    (out / "train-00000-of-00009").write_text("mine")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="unknown origin .train-00000-of-00009."):
        write_dataset(listing, str(out), config(overwrite=True, seed=1))
    (out / "train-00000-of-00009").unlink()
    write_dataset(listing, str(out), config(overwrite=True, seed=1))
    assert (out / "notes.txt").read_text() == "mine"
    assert "replacing a data set made from other input" in capsys.readouterr().err


def test_overwrite_of_the_same_input_mends_what_is_damaged(tmp_path, make_listing, capsys):
    write_dataset(make_listing(), str(tmp_path), config())
    before = contents(tmp_path)
    assert write_dataset(make_listing(), str(tmp_path), config(overwrite=True))["num_written"] == 0
    path = tmp_path / "train-00001-of-00004"
    path.write_bytes(before[path.name][:-1] + b"x")
    assert write_dataset(make_listing(), str(tmp_path), config(overwrite=True))["num_written"] == 5
    assert contents(tmp_path) == before
    assert "1 shards of this data set are missing or damaged" in capsys.readouterr().err


def test_a_stopped_run_cleans_up_and_changed_input_needs_overwrite(
    tmp_path, make_listing, children, capsys
):
    child, output = children[1]
    status, errors = interrupt(child, signal.SIGINT)
    assert status == 130
    assert errors == "interrupted; again\n"
    assert sorted(os.listdir(output)) == [*DONE, *FINISHED]
    changed = make_listing(num_train=19)
    before = contents(output)
    with pytest.raises(DatasetError, match="unfinished conversion of other input .2 shards done."):
        write_dataset(changed, str(output), config())
    assert contents(output) == before
    write_dataset(changed, str(output), config(overwrite=True))
    assert "starting over" in capsys.readouterr().err
    write_dataset(changed, str(tmp_path / "straight"), config())
    assert contents(output) == contents(tmp_path / "straight")


def test_both_remedies_for_a_bad_image_keep_the_finished_shards(
    tmp_path, make_listing, jpeg, capsys
):
    bad = ordered_items("train", make_listing().splits["train"], 0)[12].name
    broken = make_listing(replace={bad: b"text"})
    for name, then, skipped in (("repaired", make_listing(), 0), ("left out", broken, 1)):
        output = tmp_path / name
        with pytest.raises(DatasetError, match=f"{bad}: .*--on_bad_record=skip"):
            write_dataset(broken, str(output), config(on_bad_record="fail"))
        kept = {shard: os.stat(output / shard).st_ino for shard in FINISHED}
        manifest = write_dataset(then, str(output), config())
        assert "conversion: 2 shards are done" in capsys.readouterr().err
        assert manifest["num_written"] == 14
        assert manifest["splits"]["train"]["num_skipped"] == skipped
        assert {shard: os.stat(output / shard).st_ino for shard in FINISHED} == kept
        write_dataset(then, str(tmp_path / "straight"), config(overwrite=True))
        assert contents(output) == contents(tmp_path / "straight")


def test_what_was_left_out_may_be_repaired(tmp_path, make_listing):
    bad = ordered_items("train", make_listing().splits["train"], 0)[0].name
    broken = make_listing(replace={bad: b"text"})
    with pytest.raises(DatasetError, match="cannot be used, more than"):
        write_dataset(broken, str(tmp_path / "out"), config(max_bad_fraction=0.0))
    (tmp_path / "out" / ".inflated-0.tar.tmp").write_bytes(b"left by a killed run")
    write_dataset(make_listing(), str(tmp_path / "out"), config())
    write_dataset(make_listing(), str(tmp_path / "straight"), config())
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")


def test_a_shard_with_images_left_out_is_not_kept_where_none_may_be(tmp_path, make_listing):
    bad = ordered_items("train", make_listing().splits["train"], 0)[0].name
    broken = make_listing(replace={bad: b"text"})
    with pytest.raises(DatasetError, match="cannot be used"):
        write_dataset(broken, str(tmp_path), config(max_bad_fraction=0.0))
    assert "train-00000-of-00004" in os.listdir(tmp_path)
    with pytest.raises(DatasetError, match=f"{bad}: .*--on_bad_record=skip"):
        write_dataset(broken, str(tmp_path), config(on_bad_record="fail"))


def test_lost_files_of_a_finished_data_set_are_written_again_alone(tmp_path, make_listing, capsys):
    write_dataset(make_listing(), str(tmp_path), config())
    before = contents(tmp_path)
    kept = "train-00002-of-00004"
    inode = os.stat(tmp_path / kept).st_ino
    os.remove(tmp_path / "train-00001-of-00004")
    os.remove(tmp_path / "labels.txt")
    (tmp_path / "validation-00000-of-00002").write_bytes(b"cut off")
    manifest = write_dataset(make_listing(), str(tmp_path), config())
    # A quarter of 20 training and a half of 4 validation images.
    assert manifest["num_written"] == 5 + 2
    err = capsys.readouterr().err
    assert "2 shards of this data set are missing or damaged" in err
    assert "writing labels.txt again" in err
    assert contents(tmp_path) == before and os.stat(tmp_path / kept).st_ino == inode
    # Where what is written again is not what was lost, all is written.
    text = (tmp_path / "manifest.json").read_text()
    described = json.loads(text)["splits"]["train"]["shards"][1]
    (tmp_path / "manifest.json").write_text(text.replace(described["sha256"], "0" * 64))
    os.remove(tmp_path / "train-00001-of-00004")
    written = os.stat(tmp_path / kept).st_mtime_ns
    assert write_dataset(make_listing(), str(tmp_path), config())["num_written"] == 24
    assert contents(tmp_path) == before and os.stat(tmp_path / kept).st_mtime_ns != written


def test_foreign_labels_are_not_replaced(tmp_path, make_listing):
    (tmp_path / "labels.txt").write_text("image,label")
    with pytest.raises(DatasetError, match="a file labels.txt of unknown origin"):
        write_dataset(make_listing(), str(tmp_path), config())
    assert contents(tmp_path) == {"labels.txt": b"image,label"}


def test_overwriting_begins_after_the_checks(tmp_path, make_listing):
    write_dataset(make_listing(), str(tmp_path), config())
    before = contents(tmp_path)
    lost = {"train": [Skip(f"{number}.jpg", "missing", bad=True) for number in range(9)]}
    broken = dataclasses.replace(make_listing(num_train=19), skipped=lost)
    with pytest.raises(DatasetError, match="9 of 28 images of split 'train' cannot be used"):
        write_dataset(broken, str(tmp_path), config(overwrite=True))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("torn", [b"", b"{}", b"[1]", b"\xff", None])
def test_a_torn_note_of_a_shard_costs_one_shard(tmp_path, make_listing, torn):
    listing = make_listing(replace={"train/003.jpg": b"text", "train/004.jpg": b"text"})
    with pytest.raises(DatasetError, match="cannot be used"):
        write_dataset(listing, str(tmp_path), config(max_bad_fraction=0.05))
    *kept, last = sorted(tmp_path.glob(".*.done.json"))
    inodes = [os.stat(str(path)[: -len(".done.json")].replace("/.", "/")).st_ino for path in kept]
    last.write_bytes(last.read_bytes()[:-20] if torn is None else torn)
    with pytest.raises(DatasetError, match="has not finished"):
        reader.find_split(str(tmp_path))
    manifest = write_dataset(listing, str(tmp_path), config())
    assert manifest["num_written"] == 24 - 5 * len(kept)
    assert manifest["splits"]["train"]["num_images"] == 18
    assert len(records(tmp_path, "train-*")) == 18
    assert inodes == [os.stat(tmp_path / path.name[1 : -len(".done.json")]).st_ino for path in kept]


def test_an_unfinished_conversion_of_the_version_before(tmp_path, make_listing):
    (tmp_path / "unfinished.jsonl").write_text("{}")
    with pytest.raises(DatasetError, match="has not finished .unfinished.jsonl is there"):
        reader.find_split(str(tmp_path))
    (tmp_path / "train-00000-of-00004").write_bytes(b"some records")
    with pytest.raises(DatasetError, match="shards of unknown origin"):
        write_dataset(make_listing(), str(tmp_path), config())
    write_dataset(make_listing(), str(tmp_path), config(overwrite=True))
    assert reader.find_split(str(tmp_path)).num_examples == 20


def test_two_conversions_at_once_are_refused(tmp_path, make_listing):
    with locked(str(tmp_path)):
        with pytest.raises(DatasetError, match=f"conversion, process {os.getpid()} on .+, is writ"):
            write_dataset(make_listing(), str(tmp_path), config())


@contextlib.contextmanager
def largest_file(size):
    """No file of this process can grow over `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_for_a_shard(tmp_path, make_listing, jpeg):
    # One image too large for the disk.
    listing = make_listing(replace={"train/005.jpg": jpeg(5, 200, 200)})
    with largest_file(40_000), pytest.raises(DatasetError, match="no disk space left.*train-0000"):
        write_dataset(listing, str(tmp_path / "out"), config())
    left = os.listdir(tmp_path / "out")
    assert not [name for name in left if name.endswith(".tmp")]
    assert "manifest.json" not in left
    write_dataset(listing, str(tmp_path / "out"), config())
    write_dataset(listing, str(tmp_path / "straight"), config())
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")


def test_no_room_for_a_shard_with_workers(tmp_path, make_listing, jpeg):
    listing = make_listing(replace={"train/005.jpg": jpeg(5, 200, 200)})
    # Workers inherit the limit.
    with largest_file(40_000), pytest.raises(DatasetError, match="no disk space left.*train-0000"):
        write_dataset(listing, str(tmp_path), config(num_workers=2, small_set=0))
    left = os.listdir(tmp_path)
    assert not [name for name in left if name.endswith(".tmp")]
    assert "manifest.json" not in left


def test_full_disk(tmp_path, make_listing):
    final = str(tmp_path / "train-00000-of-00001")
    os.symlink("/dev/full", disk.temporary_name(final))
    task = ShardTask(final, make_listing().splits["train"])
    with pytest.raises(DatasetError, match="no disk space left.*No space left on device"):
        shard.write_shard(task, lambda: None)
    assert os.listdir(tmp_path) == []


def test_full_disk_while_writing_the_manifest(tmp_path):
    final = str(tmp_path / "manifest.json")
    os.symlink("/dev/full", disk.temporary_name(final))
    with pytest.raises(DatasetError, match="no disk space left.*manifest.json"):
        disk.write_atomically(final, b"{}")
    assert os.listdir(tmp_path) == []


def test_output_directory_that_cannot_be_made(tmp_path, make_listing):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="file/out cannot be made"):
        write_dataset(make_listing(), str(tmp_path / "file" / "out"), config())
    with pytest.raises(DatasetError, match="gs://bucket/out: must be local"):
        write_dataset(make_listing(), "gs://bucket/out", config())


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"num_shards": {"train": 0}}, "0 shards for split 'train'"),
        ({"num_workers": 0}, "num_workers=0"),
        ({"on_bad_record": "ignore"}, "'ignore'; must be one of skip, fail"),
        ({"max_bad_fraction": 1.5}, "max_bad_fraction=1.5"),
    ],
)
def test_config_refuses(changes, message):
    with pytest.raises(DatasetError, match=message):
        config(**changes)
