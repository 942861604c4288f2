"""A folder of photos, one sub-folder per class, as people keep their own.

Either `raw_dir/<split>/<class>/*` with the splits train, validation (also val, valid) and
test, or `raw_dir/<class>/*`, of which a share becomes the validation split.
"""

import argparse
import dataclasses
import os

from datasets.errors import DatasetError
from datasets.sources.hold_out import hold_out
from datasets.sources.items import FileSource, Item, Listing, Skip
from datasets.sources.table import SPLIT_NAMES, Divided, add_fraction_argument

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


@dataclasses.dataclass(frozen=True)
class ImageFolder(Divided):
    """The data set in one folder of photos, `raw_dir`; see `Divided`."""

    raw_dir: str
    validation_fraction: float | None = None
    seed: int = 0

    name = "image_folder"
    help = "any folder of photos, one sub-folder per class"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        what = "a folder that has none of its own (for example 0.2); chosen by --seed and file name"
        add_fraction_argument(parser, what)

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> "ImageFolder":
        """Makes the data set that the command line asks for.

        Raises:
            DatasetError: The output would lie among the photos, and count as some the next time.
        """
        raw_dir, output_dir = os.path.realpath(args.raw_dir), os.path.realpath(args.output_dir)
        if os.path.commonpath([raw_dir, output_dir]) == raw_dir:
            raise DatasetError(
                f"--output_dir={args.output_dir} lies in --raw_dir={args.raw_dir}, where it would "
                "count as a folder of photos; choose a place outside"
            )
        return super().from_arguments(args)

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        split_dirs = self._split_dirs()
        skipped: dict[str, list[Skip]] = {split: [] for split in split_dirs}
        images = {split: self._read_split(split_dirs[split], skipped[split]) for split in skipped}
        classes = tuple(sorted(images["train"]))
        self._check_classes(classes, images, split_dirs)
        splits = {
            split: self._items(split_dirs[split], classes, by_class)
            for split, by_class in images.items()
        }
        if self.validation_fraction is not None:
            splits = hold_out(splits, self.validation_fraction, self.seed)
            skipped["validation"] = []
        splits = {
            split: splits[split] for split in ("train", "validation", "test") if split in splits
        }
        origin = {
            "raw_dir": os.path.abspath(self.raw_dir),
            "validation_fraction": self.validation_fraction,
        }
        return Listing(self.name, classes, splits, skipped, origin)

    def _split_dirs(self) -> dict[str, str]:
        """Folder of each split; a flat folder is all train."""
        raw_dir = self.raw_dir
        if not os.path.exists(raw_dir):
            raise DatasetError(f"--raw_dir={raw_dir} does not exist")
        if not os.path.isdir(raw_dir):
            raise DatasetError(f"--raw_dir={raw_dir} is no directory")
        folders = _visible_folders(raw_dir)
        if not folders:
            raise DatasetError(
                f"--raw_dir={raw_dir} has no class folders; needed are {raw_dir}/train/<class>/"
                f"*.jpg and {raw_dir}/validation/<class>/*.jpg, or {raw_dir}/<class>/*.jpg with "
                "--validation_fraction"
            )
        found: dict[str, str] = {}
        for folder in folders:
            split = SPLIT_NAMES.get(folder.lower())
            if split in found:
                raise DatasetError(
                    f"--raw_dir={raw_dir} has two folders for split {split!r}: "
                    f"{os.path.basename(found[split])} and {folder}; keep one"
                )
            if split:
                found[split] = os.path.join(raw_dir, folder)
        if not found:
            found = {"train": raw_dir}
        self._check_splits(found, folders)
        return found

    def _check_splits(self, found: dict[str, str], folders: list[str]) -> None:
        raw_dir = self.raw_dir
        if "train" not in found:
            raise DatasetError(
                f"--raw_dir={raw_dir} has no train folder; it has: {', '.join(folders)}"
            )
        if found["train"] != raw_dir and len(found) != len(folders):
            strange = [name for name in folders if name.lower() not in SPLIT_NAMES]
            raise DatasetError(
                f"--raw_dir={raw_dir} has splits and other folders: {', '.join(strange)}; "
                "splits are train, validation (val, valid) and test"
            )
        if "validation" in found and self.validation_fraction is not None:
            raise DatasetError(
                f"--validation_fraction={self.validation_fraction}, but {found['validation']} "
                "exists; leave the flag out, or move that folder away"
            )
        if "validation" not in found and self.validation_fraction is None:
            raise DatasetError(
                f"--raw_dir={raw_dir} has no validation split (a folder named validation, val "
                "or valid); make one, or pass --validation_fraction=0.2 to hold out a share of "
                "the training images"
            )

    def _read_split(self, directory: str, skipped: list[Skip]) -> dict[str, list[str]]:
        """File names by class folder."""
        folders = _visible_folders(directory)
        if not folders:
            raise DatasetError(
                f"{directory} has no class folders; needed are {directory}/<class>/*.jpg"
            )
        for name in sorted(os.listdir(directory)):
            if not name.startswith(".") and name not in folders:
                path = os.path.join(directory, name)
                skipped.append(Skip(self._name(path), "not in a class folder"))
        by_class = {}
        for folder in folders:
            path = os.path.join(directory, folder)
            by_class[folder] = self._read_class(path, skipped)
            if not by_class[folder]:
                raise DatasetError(
                    f"class folder {path} has no images ({', '.join(EXTENSIONS)}); fill or remove "
                    "it"
                )
        return by_class

    def _read_class(self, directory: str, skipped: list[Skip]) -> list[str]:
        names = []
        for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            extension = os.path.splitext(entry.name)[1].lower()
            if entry.is_dir():
                reason = "a folder inside a class folder is not read"
            elif extension not in EXTENSIONS:
                reason = f"not an image file ({extension or 'no extension'})"
            else:
                names.append(entry.name)
                continue
            skipped.append(Skip(self._name(entry.path), reason))
        return names

    def _check_classes(
        self,
        classes: tuple[str, ...],
        images: dict[str, dict[str, list[str]]],
        split_dirs: dict[str, str],
    ) -> None:
        if len(classes) < 2:
            raise DatasetError(
                f"{split_dirs['train']} has only one class ({classes[0]}); a classifier needs "
                "at least two class folders"
            )
        for split, by_class in images.items():
            unknown = sorted(set(by_class) - set(classes))
            missing = sorted(set(classes) - set(by_class))
            if unknown or missing:
                what = [f"lacks {', '.join(missing)}"] if missing else []
                what += [f"has {', '.join(unknown)} too"] if unknown else []
                raise DatasetError(
                    f"classes differ: {split_dirs[split]} {' and '.join(what)}; each split needs "
                    f"the class folders of {split_dirs['train']}"
                )

    def _items(
        self, directory: str, classes: tuple[str, ...], by_class: dict[str, list[str]]
    ) -> list[Item]:
        paths = [
            (os.path.join(directory, folder, name), label)
            for label, folder in enumerate(classes)
            for name in by_class[folder]
        ]
        return [Item(self._name(path), FileSource(path), label) for path, label in paths]

    def _name(self, path: str) -> str:
        """Name within the data set, the same on any machine."""
        return os.path.relpath(path, self.raw_dir).replace(os.sep, "/")


def _visible_folders(directory: str) -> list[str]:
    return sorted(e.name for e in os.scandir(directory) if e.is_dir() and e.name[0] != ".")
