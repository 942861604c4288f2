import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import datasets
from datasets.conversion.plan import WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.inspection import figures, show, show_command
from datasets.records import reader

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(datasets.__file__)))


@pytest.fixture(scope="module")
def converted(tmp_path_factory, make_listing):
    output = str(tmp_path_factory.mktemp("shown"))
    bad = {"train/003.jpg": b"text"}
    write_dataset(
        make_listing(replace=bad),
        output,
        WriterConfig({"train": 4, "validation": 2}, show_progress=False),
    )
    return output


def test_samples_are_those_of_the_reader(converted):
    split = reader.find_split(converted)
    records = [record["index"] for record in reader.read_records(split).as_numpy_iterator()]
    assert records == list(range(19))
    everything = show.read_samples(split, range(19))
    assert [sample.index for sample in everything] == records
    chosen = show.choose(19, 5, seed=3)
    assert len(set(chosen)) == 5
    assert chosen == sorted(chosen)
    assert chosen == show.choose(19, 5, seed=3) != show.choose(19, 5, seed=4)
    names = [sample.filename for sample in show.read_samples(split, chosen)]
    assert names == [everything[index].filename for index in chosen]
    assert everything[0].size == (12, 16)
    assert show.choose(2, 5, seed=0) == [0, 1]


def pixels(path):
    return tf.io.decode_png(tf.io.read_file(path), channels=3).numpy()


def test_the_sheet_holds_images_and_views(converted, tmp_path):
    calls = []

    def view(encoded, boxes, index, number):
        calls.append((index, number, boxes.shape))
        return np.full((8, 8, 3), (250, 0, 0) if number else (0, 0, 250), np.uint8)

    paths = show.show(converted, str(tmp_path), view=view, num_samples=2, num_views=2)
    assert paths == [str(tmp_path / "samples.png"), str(tmp_path / "distributions.png")]
    indices = show.choose(19, 2, seed=0)
    assert calls == [(index, number, (0, 4)) for index in indices for number in range(2)]
    sheet = pixels(paths[0])
    # Two rows of one image and two views of 8 x 8, drawn at twice their size.
    assert (sheet == (0, 0, 250)).all(-1).sum() == (sheet == (250, 0, 0)).all(-1).sum() == 2 * 256
    sample = show.read_samples(reader.find_split(converted), indices)[0]
    top, left = 48, 8
    image = Image.fromarray(tf.io.decode_jpeg(sample.encoded).numpy())
    whole = np.asarray(image.resize((32, 24), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(sheet[top : top + 24, left : left + 32], whole)
    assert sorted(os.listdir(tmp_path)) == ["distributions.png", "samples.png"]


def heights(axes):
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    series = [[bar.get_height() for bar in bars] for bars in axes.containers]
    return dict(zip(names, series, strict=True))


def test_bars_are_as_high_as_their_counts():
    counts = {"train": {"cat": 8, "dog": 4}, "validation": {"cat": 4, "dog": 0}}
    _, (axes,) = figures.charts(1)
    figures.draw_classes(axes, "classes", counts)
    assert heights(axes) == {"train": [8, 4], "validation": [4, 0]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    # Bars of a class stand side by side around its name.
    first, second = (bars[1] for bars in axes.containers)
    assert first.get_x() + first.get_width() == pytest.approx(1) == pytest.approx(second.get_x())


def test_many_classes_are_sorted_by_size():
    _, (many, few) = figures.charts(2)
    figures.draw_classes(many, "classes", {"train": {f"class {n}": n for n in range(50)}})
    assert heights(many)["train"] == list(range(49, -1, -1))
    assert many.get_title() == "classes, largest class first"
    figures.draw_classes(few, "classes", {"train": {"b": 1, "a": 3}})
    assert heights(few) == {"train": [1, 3]}
    assert [label.get_text() for label in few.get_xticklabels()] == ["b", "a"]


def test_histograms_count_every_value():
    _, (axes, one) = figures.charts(2)
    figures.draw_histogram(axes, "sides", {"width": [10, 10, 20, 1000], "height": [10]}, "px", 10)
    found = heights(axes)
    assert sum(found["width"]) == 4
    assert (found["width"][0], found["height"][0]) == (3, 1)
    figures.draw_histogram(one, "one", {"a": [5, 5]}, "px")
    assert sum(bar.get_height() for bar in one.patches) == 2


def test_names_that_the_font_lacks_become_labels(tmp_path, make_listing):
    for name in ("apple", "ünïcödé", "Äpfel", "Œuf", "яблоко", "μῆλο", "a b"):
        assert figures.has_glyphs(name), name
    for name in ("苹果", "apple 苹", "\U0001f34e"):
        assert not figures.has_glyphs(name), name
    listing = dataclasses.replace(make_listing(4, 2), labels=("ü", "苹果"))
    config = WriterConfig({"train": 1, "validation": 1}, show_progress=False)
    write_dataset(listing, str(tmp_path), config)
    split = {"train": reader.find_split(str(tmp_path))}
    names = show.class_names(str(tmp_path))
    assert names == ["ü", "label 1"]
    known = show.distributions(str(tmp_path), split, names, 10, 0).axes[0]
    os.remove(tmp_path / "manifest.json")
    counted = show.distributions(str(tmp_path), split, names, 10, 0).axes[0]
    for axes in (known, counted):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["ü", "label 1"]
        assert heights(axes) == {"train": [2, 2]}


def test_equal_data_sets_give_equal_files_and_no_mathematics(tmp_path, make_listing, recwarn):
    listing = dataclasses.replace(make_listing(4, 2), labels=("$a^", "$\\alpha$ 苹果"))
    odd = [dataclasses.replace(item, name=f"り$_{item.name}$") for item in listing.splits["train"]]
    listing = dataclasses.replace(listing, splits={**listing.splits, "train": odd})
    config = WriterConfig({"train": 1, "validation": 1}, show_progress=False)
    write_dataset(listing, str(tmp_path / "in"), config)
    first, second = (show.show(str(tmp_path / "in"), str(tmp_path / name)) for name in "ab")
    for one, other in zip(first, second, strict=True):
        with open(one, "rb") as file, open(other, "rb") as same:
            assert file.read() == same.read()
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_what_cannot_be_shown(converted, tmp_path, capsys):
    arguments = [converted, "--output_dir", str(tmp_path / "out"), "--num_samples=1"]
    assert show_command.main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "out" / "samples.png")
    assert show_command.main([*arguments, "--split=test"]) == 1
    assert "matches 'test-*'; there is: labels.txt" in capsys.readouterr().err
    assert show_command.main([str(tmp_path / "nowhere")]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err
    assert "python -m official.show" in show_command.build_parser().format_help()


def test_a_damaged_split_is_named_and_odd_names_are_drawn(tmp_path, make_listing, capsys):
    listing = make_listing(4, 2)
    odd = dataclasses.replace(listing.splits["train"][0], name="two\nlines\udcff.jpg")
    listing = dataclasses.replace(
        listing, splits={**listing.splits, "train": [odd, *listing.splits["train"][1:]]}
    )
    config = WriterConfig({"train": 1, "validation": 1}, show_progress=False)
    write_dataset(listing, str(tmp_path), config)
    assert show_command.main([str(tmp_path)]) == 0
    path = tmp_path / "train-00000-of-00001"
    path.write_bytes(path.read_bytes()[:500])
    assert show_command.main([str(tmp_path), "--split=validation"]) == 0
    capsys.readouterr()
    assert show_command.main([str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "train-00000-of-00001 is cut off" in error and error.count("\n") == 1


def test_the_view_of_the_hall_is_what_training_makes(converted):
    import preprocessing
    from official.show import make_view

    view = make_view(preprocessing.PreprocessingConfig())
    sample = show.read_samples(reader.find_split(converted), [0])[0]
    first, again, other = (view(sample.encoded, sample.boxes, 0, n) for n in (0, 0, 1))
    assert first.shape == (224, 224, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()

    seed = preprocessing.example_seed(0, 0, 0)
    config = preprocessing.PreprocessingConfig()
    image = preprocessing.train_image(
        tf.constant(sample.encoded), tf.zeros([0, 4]), seed, config
    ).numpy()
    levels = image + np.array(preprocessing.CHANNEL_MEANS, np.float32)
    np.testing.assert_allclose(first, levels, atol=0.51)


def test_help_and_this_wing_need_no_hall():
    code = (
        "import sys\nfrom datasets.inspection import show_command as show\n"
        "try:\n    show.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "assert not {'official', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_the_halls_command_takes_the_flags_of_training(converted, tmp_path):
    flags = ["--data_dir", converted, "--output_dir", str(tmp_path), "--num_samples=1"]
    flags += ["--preprocessing_type=imagenet_64", "--num_views=2"]
    result = subprocess.run(
        [sys.executable, "-m", "official.show", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        str(tmp_path / "samples.png"),
        str(tmp_path / "distributions.png"),
    ]
    sheet = pixels(str(tmp_path / "samples.png"))
    # Three columns of 168 pixels; a view of 64 pixels is drawn at twice its size.
    drawn = (sheet[48:, 8 + 176 : 8 + 2 * 176] != 255).any(-1)
    assert (drawn.any(1).sum(), drawn.any(0).sum()) == (128, 128)
