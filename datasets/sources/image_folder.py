"""A folder of photos, one sub-folder per class, as people keep their own.

Either `raw_dir/<split>/<class>/*` with the splits train, validation (also val, valid, dev) and
test, or `raw_dir/<class>/*`, of which a share becomes the validation split. Folders below a class
belong to it. What is a picture is decided by the bytes of a file, not by its name.
"""

import argparse
import dataclasses
import os
from collections.abc import Iterable, Sequence

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources import archive, folder_layout, pictures, table
from datasets.sources.folder_layout import Layout
from datasets.sources.items import Item, Listing, Skip

# Files of these names are pictures, or bad ones; others are looked at.
EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")

_SHOWN = 5
_SHOWN_EMPTY = 20


@dataclasses.dataclass(frozen=True)
class ImageFolder(table.Divided):
    """The data set in one folder of photos, `raw_dir`; see `table.Divided`."""

    raw_dir: str
    validation_fraction: table.Fraction = None
    seed: int = 0
    ignore_exif: bool = False

    name = "image_folder"
    help = "any folder of photos, one sub-folder per class"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the flags that only this data set has."""
        table.add_common_arguments(parser, "a folder that has none of its own")

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
        archive.check_raw_dir(self.raw_dir)
        if not os.path.isdir(self.raw_dir):
            raise DatasetError(f"--raw_dir={self.raw_dir} is no directory")
        tree = archive.open_folder(self.raw_dir)
        names, left = sort_out(self.raw_dir, tree.names())
        layout = folder_layout.find(self.raw_dir, names)
        skipped: dict[str, list[Skip]] = {split: [] for split in layout.folders}
        for skip in left:
            split = _split_of_file(layout, skip.file)
            if split is not None:
                skipped[split].append(skip)
        images = {
            split: _by_class(layout, split, names, skipped[split]) for split in layout.folders
        }
        classes = tuple(sorted(images["train"]))
        _check_classes(layout, images, skipped)
        folder_layout.check_depth(self.raw_dir, layout.folders["train"], images["train"])
        splits = {
            split: [
                Item(name, tree.source(name), label)
                for label, label_name in enumerate(classes)
                for name in by_class.get(label_name, ())
            ]
            for split, by_class in images.items()
        }
        where = f"the folders of --raw_dir={self.raw_dir}"
        return table.divide(self, classes, splits, skipped, where)


def sort_out(raw_dir: str, names: Sequence[str]) -> tuple[list[str], list[Skip]]:
    """Tells pictures from other files, by extension where it is a usual one, else by first bytes.

    Args:
        raw_dir: The folder.
        names: Paths of files below it, with slashes.

    Returns:
        The pictures that can be used, and the other files.
    """
    usable, others = [], []
    for name in names:
        known = os.path.splitext(name)[1].lower() in EXTENSIONS
        (usable if known else others).append(name)
    left = []
    for name in others:
        try:
            header = pictures.read_header(os.path.join(raw_dir, name))
        except OSError as error:
            left.append((name, "", f"cannot be read: {error.strerror or error}", True))
            continue
        kind = pictures.kind(header, name)
        if kind in pictures.USABLE:
            usable.append(name)
        elif kind:
            left.append((name, kind, pictures.refusal(kind), True))
        else:
            extension = os.path.splitext(name)[1].lower() or "no extension"
            reason = f"not an image file ({extension})"
            left.append((name, kind, reason, not pictures.is_text(header)))
    # What belongs to a picture: a.txt, a.jpg.json or a live photo's a.mov beside a.jpg.
    stems = {os.path.splitext(name)[0] for name in usable} | set(usable)
    skips = []
    for name, kind, reason, bad in left:
        beside = kind in ("", *pictures.SHOT_TOGETHER) and os.path.splitext(name)[0] in stems
        skips.append(Skip(name, reason, bad and not beside, beside))
    return sorted(usable), skips


def _split_of_file(layout: Layout, name: str) -> str | None:
    """The split whose folder holds the file; None for what lies beside all splits."""
    for split, folder in layout.folders.items():
        if not folder or name.startswith(f"{folder}/"):
            return split
    return None


def _by_class(
    layout: Layout, split: str, names: Iterable[str], skipped: list[Skip]
) -> dict[str, list[str]]:
    """Names of the pictures of a split by class; those in no class folder go to `skipped`."""
    folder = layout.folders[split]
    start = f"{folder}/" if folder else ""
    by_class: dict[str, list[str]] = {
        folder_layout.class_name(name): [] for name in folder_layout.folders_in(layout.path(split))
    }
    for name in names:
        if name.startswith(start):
            top, _, rest = name.removeprefix(start).partition("/")
            if rest:
                by_class[folder_layout.class_name(top)].append(name)
            else:
                skipped.append(Skip(name, "not in a class folder", bad=True))
    return by_class


def _check_classes(
    layout: Layout, images: dict[str, dict[str, list[str]]], skipped: dict[str, list[Skip]]
) -> None:
    """Refuses classes without training pictures, and those that differ between the splits."""
    for split, by_class in images.items():
        where = layout.path(split)
        empty = [name for name, files in by_class.items() if not files]
        if empty and split == "train":
            folders = [os.path.join(where, name) for name in empty]
            starts = tuple(f"{os.path.relpath(folder, layout.raw_dir)}/" for folder in folders)
            reasons = [
                f"{skip.file}: {skip.reason}"
                for skip in skipped[split]
                if skip.bad and skip.file.startswith(starts)
            ]
            raise DatasetError(
                f"class folders without images: {command_line.shown(folders, _SHOWN_EMPTY)} "
                f"{'has' if len(empty) == 1 else 'have'} no images that can be used"
                + (f" ({command_line.shown(reasons, 1)})" if reasons else "")
                + "; fill or remove"
            )
        unknown = sorted(set(by_class) - set(images["train"]))
        missing = sorted(set(images["train"]) - set(by_class))
        if unknown or missing:
            what = [f"lacks {', '.join(missing)}"] if missing else []
            what += [f"has {', '.join(unknown)} too"] if unknown else []
            raise DatasetError(
                f"classes differ: {where} {' and '.join(what)}; each split needs the class folders "
                f"of {layout.path('train')} (an empty one where there are no pictures)"
            )
        if empty:
            command_line.note(f"no {split} pictures of: {command_line.shown(empty, _SHOWN)}")
