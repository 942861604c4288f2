"""Processes that work on one thing after another."""

import pytest

from datasets.conversion.pool import Workers


def _negative(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    return -number


@pytest.mark.parametrize("count", [1, 2])
def test_workers_keep_the_order_and_raise_what_is_raised(count):
    with Workers(count) as workers:
        assert list(workers.each(_negative, range(12))) == [-n for n in range(12)]
        with pytest.raises(ValueError, match="thirteen"):
            list(workers.each(_negative, range(30)))
        assert list(workers.each(_negative, [1, 2])) == [-1, -2]
