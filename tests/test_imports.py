"""Who imports whom: the wings never see each other, and nobody looks into the hall."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
WINGS = ("nets", "preprocessing", "datasets")
HOUSE = {*WINGS, "official"}
# What each wing may use of other people's work, the standard library aside.
ALLOWED = {
    "nets": {"tensorflow"},
    "preprocessing": {"numpy", "tensorflow", "tensorflow_addons", "tensorflow_io"},
    "datasets": {
        "tensorflow",
        "tensorflow_datasets",
        "numpy",
        "pyarrow",
        "matplotlib",
        "PIL",
        "tqdm",
    },
}


def imported(path: pathlib.Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return names


def files(folder: str) -> list[pathlib.Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


@pytest.mark.parametrize("wing", WINGS)
def test_wings_stand_alone(wing):
    for path in files(wing):
        others = {name.split(".")[0] for name in imported(path)} & (HOUSE - {wing})
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize("wing", WINGS)
def test_wings_use_what_they_may(wing):
    import sys

    for path in files(wing):
        outside = {name.split(".")[0] for name in imported(path)} - HOUSE
        foreign = outside - set(sys.stdlib_module_names) - ALLOWED[wing]
        assert not foreign, f"{path} imports {foreign}"


def test_addons_stay_behind_one_module():
    users = [
        path.name
        for folder in HOUSE
        for path in files(folder)
        if any(name.split(".")[0] == "tensorflow_addons" for name in imported(path))
    ]
    assert len(users) <= 1, users


@pytest.mark.parametrize("folder", sorted(HOUSE))
def test_no_private_imports(folder):
    for path in files(folder):
        for name in imported(path):
            assert not name.startswith(("tensorflow.python", "keras")), f"{path}: {name}"


@pytest.mark.parametrize("wing", WINGS)
def test_wings_read_no_flags(wing):
    for path in files(wing):
        assert not any(name.split(".")[0] == "absl" for name in imported(path)), path
