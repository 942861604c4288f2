"""Reference values and images for the tests of this wing."""

import json
import pathlib

import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "reference" / "preprocessing"


class Reference:
    """What lies under tests/reference/preprocessing, read once."""

    pictures = {
        "a": "a_china_500x375.jpg",
        "b": "b_flower_tall_333x500.jpg",
        "e": "e_coffee_gray_400x267.jpg",
    }

    def __init__(self):
        self._values = {}

    def values(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._values:
            with np.load(FOLDER / f"{name}.npz") as archive:
                self._values[name] = {key: archive[key] for key in archive.files}
        return self._values[name]

    def facts(self, name: str) -> dict:
        return json.loads((FOLDER / f"{name}.json").read_text())

    def jpeg(self, letter: str) -> bytes:
        return (FOLDER / self.pictures[letter]).read_bytes()


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference()
