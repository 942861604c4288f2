"""Which folder is which split and which class, by where the pictures lie.

People name and nest folders in many ways. What decides is where pictures are, so that a class may
be called "train" and a split "Training"; what remains in doubt is an error that says what to do.
"""

import dataclasses
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources import pictures
from datasets.sources.table import SPLIT_NAMES

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the splits are.

    Attributes:
        raw_dir: The folder of all.
        folders: Of each split the path of its folder below `raw_dir`, "" where it is that itself.
        unlabelled: Folders below `raw_dir` of test pictures that are in no class.
    """

    raw_dir: str
    folders: dict[str, str]
    unlabelled: tuple[str, ...] = ()

    def path(self, split: str) -> str:
        """The folder of a split."""
        return os.path.join(self.raw_dir, self.folders[split]).rstrip(os.sep)


def class_name(folder: str) -> str:
    """The class that a folder stands for: accents composed, what is no UTF-8 replaced."""
    text = os.fsencode(folder).decode("utf-8", "replace")
    return unicodedata.normalize("NFC", text)


def split_of(folder: str, loosely: bool = False) -> str | None:
    """The split that a folder is called like; loosely also as in "seg_train" or "Test1"."""
    name = folder.lower()
    if not loosely:
        return SPLIT_NAMES.get(name)
    words = [word.removesuffix("set") for word in re.findall("[a-z]+", name)]
    found = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def folders_in(path: str) -> list[str]:
    """Sorted names of the folders in the folder `path`, but those that hold no data."""
    names = (entry.name for entry in os.scandir(path) if entry.is_dir())
    return sorted(name for name in names if not pictures.is_junk(name))


def find(raw_dir: str, names: Sequence[str]) -> Layout:
    """Finds the splits of `raw_dir` that hold the pictures `names`, paths with slashes.

    Raises:
        DatasetError: No class folders, no training pictures, or an unclear division.
    """
    tops = folders_in(raw_dir)
    direct = {name.split("/")[0] for name in names if name.count("/") == 1}
    filled = direct | {name.split("/")[0] for name in names if name.count("/") > 1}
    if not tops:
        raise DatasetError(
            f"--raw_dir={raw_dir} has no class folders; needed are {raw_dir}/train/<class>/"
            f"*.jpg and {raw_dir}/validation/<class>/*.jpg, or {raw_dir}/<class>/*.jpg with "
            "--validation_fraction"
        )
    named = {folder: split for folder in tops if (split := split_of(folder))}
    loose = {folder: split for folder in tops if (split := split_of(folder, loosely=True))}
    others = [folder for folder in tops if folder not in named and folder in filled]
    if not named and "train" in loose.values() and filled <= set(loose):
        named, others = loose, []
    elif others and named and {*named, *others} & filled <= direct:
        # Pictures everywhere right in the folders: those are classes, also the one called "train".
        named = {}
    if not named:
        return Layout(raw_dir, {"train": ""})
    if others:
        raise DatasetError(
            f"--raw_dir={raw_dir} has splits and other folders: {command_line.shown(others, 9)}; "
            "splits are train, validation (val, valid) and test; move the others away"
        )
    empty = [folder for folder in tops if folder not in named]
    if empty:
        command_line.note(f"folders without pictures are left alone: {', '.join(empty)}")
    return _divided(raw_dir, named, names)


def _divided(raw_dir: str, named: dict[str, str], names: Sequence[str]) -> Layout:
    """The layout whose top folders are all called like splits."""
    folders: dict[str, str] = {}
    for folder, split in named.items():
        if split in folders:
            raise DatasetError(
                f"--raw_dir={raw_dir} has two folders for split {split!r}: {folders[split]} and "
                f"{folder}; keep one"
            )
        folders[split] = folder
    if "train" not in folders:
        raise DatasetError(f"--raw_dir={raw_dir} has no train folder; it has: {', '.join(named)}")
    folders = {split: _unwrapped(raw_dir, folder, names) for split, folder in folders.items()}
    trained = _class_names(folders["train"], names)
    if not trained:
        where = f"{raw_dir}/{folders['train']}"
        raise DatasetError(
            f"{where} has no class folders; needed are {where}/<class>/*.jpg. Where a CSV file "
            "says what the pictures show: python -m datasets.convert csv --help"
        )
    test = folders.get("test")
    if test is not None and not trained & _class_names(test, names):
        # As in competitions, which keep those labels to themselves.
        count = sum(name.startswith(f"{test}/") for name in names)
        if count:
            command_line.note(
                f"{test} holds {count} pictures in none of the {len(trained)} class folders of "
                f"{folders['train']}: they have no labels and are left out"
            )
            del folders["test"]
            return Layout(raw_dir, folders, (test,))
    return Layout(raw_dir, folders)


def _unwrapped(raw_dir: str, folder: str, names: Sequence[str]) -> str:
    """The folder of a split where archives pack it twice: train/train/<class>."""
    while True:
        below = {name.removeprefix(f"{folder}/").split("/")[0] for name in _below(folder, names)}
        inner = below.pop() if len(below) == 1 else ""
        last = folder.rpartition("/")[2]
        same = inner.lower() == last.lower() or split_of(inner, True) == split_of(last, True)
        if not inner or not same or not os.path.isdir(os.path.join(raw_dir, folder, inner)):
            return folder
        folder = f"{folder}/{inner}"


def _below(folder: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(f"{folder}/")]


def _class_names(folder: str, names: Iterable[str]) -> set[str]:
    """Classes of the split in `folder` that have a picture."""
    tails = (name.removeprefix(f"{folder}/").split("/") for name in _below(folder, names))
    return {class_name(parts[0]) for parts in tails if len(parts) > 1}


def check_depth(raw_dir: str, folder: str, classes: dict[str, list[str]]) -> None:
    """Refuses folders one level above the classes, and says what lies deeper than a class folder.

    Args:
        raw_dir: What was given.
        folder: The training split's folder below it, "" where it is the same.
        classes: Names of the training pictures, paths below `raw_dir`, by class.

    Raises:
        DatasetError: One class only, or splits inside the classes.
    """
    skipped = len(folder.split("/")) if folder else 0
    deeper: dict[str, list[str]] = {}
    for name, files in classes.items():
        parts = [file.split("/") for file in files]
        deeper[name] = sorted({p[skipped + 1] for p in parts if len(p) > skipped + 2})
    place = os.path.join(raw_dir, folder) if folder else raw_dir
    if len(classes) < 2:
        (name,) = classes
        below = deeper[name]
        top = classes[name][0].split("/")[skipped]
        way = "a classifier needs at least two class folders"
        if len(below) > 1:
            way = (
                f"its pictures lie one level deeper, in {command_line.shown(below, _SHOWN)}; are "
                f"those the classes? Then pass --raw_dir={os.path.join(place, top)}"
            )
        raise DatasetError(f"{place} has only one class ({name}); {way}")
    for name, below in deeper.items():
        called = [folder for folder in below if split_of(folder)]
        if "train" in map(split_of, called):
            raise DatasetError(
                f"class folder {place}/{name} has folders called like splits: "
                f"{', '.join(called)}. Splits stand above the classes "
                f"({raw_dir}/train/{name}/*.jpg); or pass the folder that holds the splits as "
                "--raw_dir"
            )
    count = sum(file.count("/") > skipped + 1 for files in classes.values() for file in files)
    if count:
        name = next(name for name, below in deeper.items() if below)
        command_line.note(
            f"{count} training pictures lie in folders below the class folders, such as "
            f"{name}/{deeper[name][0]}; they count as the class above ({name})"
        )
