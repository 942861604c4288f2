import pytest

from preprocessing.operations import levels


def test_arguments_equal_the_original(reference):
    table = reference.facts("autoaugment")["level_to_arg"]
    assert len(table) > 100
    for key, expected in table.items():
        name, level, *rest = key.split("|")
        argument = levels.level_to_arg(name, int(level))
        if "neg" in rest:
            argument = -argument
        assert argument == (expected[0] if expected else None), key


def test_what_changes_nothing():
    assert levels.changes_nothing("Contrast", 5)
    assert levels.changes_nothing("Rotate", 0)
    assert levels.changes_nothing("Cutout", 0)
    assert not levels.changes_nothing("Solarize", 10)
    assert not levels.changes_nothing("Posterize", 10)
    assert not levels.changes_nothing("Equalize", 0)


def test_level_out_of_range():
    with pytest.raises(ValueError, match="level=-1"):
        levels.level_to_arg("Rotate", -1)
