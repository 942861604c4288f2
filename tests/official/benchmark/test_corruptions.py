"""The table of corruptions: in turns with another library, by hand and by a real process."""

import sys

import numpy as np
import pytest

from official.benchmark import corruptions
from official.run.errors import RunError

PICTURE = np.zeros((16, 16, 3), np.uint8)


def test_ratios_are_those_of_the_rates():
    found = {
        "fog": {"state": 20.0, "generator": 40.0, "imagecorruptions": 10.0},
        "snow": {"state": 80.0, "generator": 90.0, "imagecorruptions": 10.0},
    }
    assert corruptions.ratio(found, "state") == pytest.approx(4.0)
    assert corruptions.ratio(found, "generator") == pytest.approx(6.0)
    lines = corruptions.table(found).splitlines()
    assert lines[2] == "| fog | 20 | 40 | 10 | 2.00 | 4.00 |"
    assert lines[4] == "| geometric mean |  |  |  | 4.00 | 6.00 |"
    alone = {"fog": {"state": 20.0, "generator": 40.0}}
    assert corruptions.table(alone).splitlines()[-1] == "| fog | 20 | 40 |"


def test_an_interpreter_that_is_none_or_lacks_the_package():
    with pytest.raises(RunError, match="--against=/no/python cannot be run"):
        corruptions.rates(PICTURE, 1, "/no/python")
    with pytest.raises(RunError, match="imagecorruptions, gaussian_noise at 1: ModuleNotFound"):
        corruptions.rates(PICTURE, 1, sys.executable)
