import pytest

from preprocessing.operations import levels
from preprocessing.policies import tables


@pytest.mark.parametrize(
    ("name", "count"),
    [("imagenet", 25), ("v0", 25), ("cifar10", 25), ("svhn", 25), ("good", 95)],
)
def test_tables_equal_the_original(reference, name, count):
    table = tables.policy(name)
    assert len(table) == count
    expected = reference.facts("autoaugment")["policies"][name]
    for sub_policy, steps in zip(table, expected, strict=True):
        for step, (operation, probability, level) in zip(sub_policy, steps, strict=True):
            # The original writes one operation of svhn in lower case.
            assert step == (operation[0].upper() + operation[1:], probability, level)
            assert step[0] in levels.OPERATION_NAMES


def test_alias_and_unknown():
    assert tables.policy("cifar") is tables.policy("cifar10")
    with pytest.raises(ValueError, match="imagenet, v0, cifar10, cifar, svhn, good.*'np_imagenet'"):
        tables.policy("np_imagenet")
