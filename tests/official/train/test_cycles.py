"""--max_train_steps: the limit of a training, or of each of the original's cycles."""

import pytest

from official.run.options import RunOptions
from official.train.cycles import last_step


@pytest.mark.parametrize(
    "limit, every, ratio, wanted",
    [
        (0, 4, 1.0, 50),
        # Cycles of 20, 20 and 10 steps.
        (3, 4, 1.0, 9),
        (15, 4, 1.0, 40),
        # From epoch 5 on cycles are of 5 steps: 15 + 6 * 3.
        (3, 4, 0.5, 3 + 6 * 3),
        (100, 4, 0.5, 50),
        (7, 10, 1.0, 7),
    ],
)
def test_steps_of_ten_epochs_of_five(limit, every, ratio, wanted):
    options = RunOptions(
        "m", max_train_steps=limit, epochs_between_evals=every, ratio_fine_eval=ratio,
        original_cycles=True,
    )  # fmt: skip
    assert last_step(10, 5, options) == wanted


def test_otherwise_it_is_the_limit_of_the_whole():
    assert last_step(10, 5, RunOptions("m", max_train_steps=3, epochs_between_evals=4)) == 3
    assert last_step(10, 5, RunOptions("m", max_train_steps=99)) == 50
