"""What a run is of: names decide which class a label of other records means."""

import json

import pytest

from nets import ModelConfig
from official.run import class_names, classes, configuration
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

RUN = ("blue", "green", "red", "white")


def config_of(names=RUN, classes=4, offset=0):
    return RunConfig(
        ModelConfig(num_classes=classes),
        PreprocessingConfig(),
        RecipeConfig(),
        DataConfig("", num_classes=classes, class_names=names, label_offset=offset),
    )


def labels(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "labels.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("blue\ngreen\nred\nwhite\n", ()),
        (b"\xef\xbb\xbfblue\r\ngreen\r\nred \r\nwhite\r\n\r\n", ()),
        ("white\nred\ngreen\nblue\n", (3, 2, 1, 0)),
        ("green\nred\nwhite\n", (1, 2, 3)),
        ("Blue\nGREEN\nred\nwhite\n", (0, 1, 2, 3)),
        ("background\nblue\nred\n", (-1, 0, 2)),
    ],
)
def test_labels_are_mapped_by_name(tmp_path, text, wanted):
    assert classes.for_records(config_of(), labels(tmp_path, text)).data.label_map == wanted


def test_a_background_class_of_the_run_needs_no_offset_where_names_say_it(tmp_path):
    run = config_of(("background", *RUN), 5)
    found = classes.for_records(run, labels(tmp_path, "blue\ngreen\nred\nwhite\n"))
    assert found.data.label_map == (1, 2, 3, 4)
    # And with the offset there is nothing to map.
    found = classes.for_records(run, str(tmp_path), label_offset=1)
    assert (found.data.label_map, found.data.label_offset) == ((), 1)


@pytest.mark.parametrize(
    "text, message",
    [
        ("azure\ngreen\nred\nwhite\n", "only in the run: 'blue'; only in the data: 'azure'"),
        ("blue\ngreen\nred\nteal\nwhite\n", "4 in the run, 5 in the data; only .* data: 'teal'"),
        ("blue\ngreen\ngreen\nwhite\n", "class 'green' twice, in the lines 2 and 3"),
    ],
)  # fmt: skip
def test_other_classes_are_refused(tmp_path, text, message):
    with pytest.raises(RunError, match=message):
        classes.for_records(config_of(), labels(tmp_path, text))


def test_a_network_without_names_is_compared_by_number(tmp_path):
    folder = labels(tmp_path, "blue\ngreen\nred\nwhite\n")
    with pytest.raises(RunError, match="4 class names, the network 5 .*give --label_offset=1"):
        classes.for_records(config_of((), 5), folder)
    assert classes.for_records(config_of((), 5), folder, label_offset=1).data.label_offset == 1
    with pytest.raises(RunError, match="--num_classes says 5, .* give --label_offset=1"):
        classes.count_classes(folder, "", 5)
    with pytest.raises(RunError, match="--num_classes says 3, .* give --label_offset=-1"):
        classes.count_classes(folder, "", 3)


def test_accents_may_be_composed_or_not(tmp_path):
    composed, decomposed = "caf\u00e9\n", "cafe\u0301\n"
    assert class_names.read(labels(tmp_path / "a", composed)) == ("caf\u00e9",)
    assert class_names.read(labels(tmp_path / "b", decomposed)) == ("caf\u00e9",)


def test_differences_show_the_first_few():
    assert class_names.differences(RUN, ("green", "blue", "red", "white")) == (
        "in another order: 0 is 'blue' in the run, 'green' in the data, 1 is 'green' in the run, "
        "'blue' in the data"
    )
    many = [str(number) for number in range(9)]
    said = class_names.differences(("a",), ("a", *many))
    assert said.endswith("only in the data: '0', '1', '2', '3', '4' and 4 more")
    assert "capitals and blanks only" in class_names.differences(("a b",), ("A  b",))
    # Which of two is meant cannot be known.
    assert class_names.match(("Apple", "apple"), ("APPLE",)) is None


def test_labels_of_a_run_that_were_changed_are_noticed(tmp_path):
    saved = config_of()
    (tmp_path / "config.json").write_text(json.dumps(saved.to_dict()))
    assert configuration.load(str(tmp_path)).data.class_names == RUN
    labels(tmp_path, "blue\ngreen\nred\nsnow\n")
    with pytest.raises(RunError, match=r"labels.txt was changed.*only in the data: 'snow'"):
        configuration.load(str(tmp_path))
    labels(tmp_path, "blue\n")
    with pytest.raises(RunError, match="has 1 lines, but the network has 4 classes"):
        configuration.load(str(tmp_path))
    # Runs of before have their names there alone.
    old = saved.to_dict()
    del old["data"]["class_names"]
    (tmp_path / "config.json").write_text(json.dumps(old))
    labels(tmp_path, "\n".join(RUN))
    assert configuration.load(str(tmp_path)).data.class_names == RUN


def test_a_run_is_not_resumed_with_other_names():
    lines = configuration.differences(config_of(), config_of(("green", "red", "sky", "white")))
    assert lines == ["class names: only in the run: 'blue'; only in the data: 'sky'"]
    assert configuration.differences(config_of(), config_of(())) == []
    assert configuration.differences(config_of(offset=0), config_of(offset=1)) == [
        "data.label_offset: 0 -> 1"
    ]
