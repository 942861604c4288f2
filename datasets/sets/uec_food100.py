"""UEC FOOD 100 (Matsuda et al., ICME 2012): Japanese dishes in 100 folders, a box for each.

`raw_dir` holds dataset100.zip (or the folder UECFOOD100 that comes out of it) with the folders 1
to 100, each with its images and bb_info.txt, and category.txt; and uecfood_split.zip, which is
fetched apart (or its lists val0.txt to val4.txt, in uecfood_split/uecfood100_split, in
uecfood100_split or beside the images). As in the original, the lists 0 to 3 train and 4 is the
split "validation"; without the lists a fifth of each folder is, chosen by the names of the images.
"""

import os

from datasets.errors import DatasetError
from datasets.sets.published import Published, numbers, whole
from datasets.sources import archive
from datasets.sources.hold_out import take_share
from datasets.sources.items import Item, Listing

_LISTS = tuple(f"val{fold}.txt" for fold in range(5))
_FOLDER = "UECFOOD100"
# As it is published, and as it is often repacked.
_ARCHIVES = ("dataset100", _FOLDER)
_LIST_ARCHIVE = "uecfood_split.zip"
_LIST_FOLDER = "uecfood100_split"
# Images are numbered through all folders: 12/345.jpg.
_EXTENSION = ".jpg"


class UecFood100(Published):
    """UEC FOOD 100."""

    name = "uec_food100"
    help = "UEC FOOD 100: dataset100.zip, and uecfood_split.zip for the publishers' folds"
    has_boxes = True

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        tree = archive.find(
            self._raw_dir, "category.txt", _ARCHIVES, (_FOLDER, f"dataset100/{_FOLDER}")
        )
        rows = tree.table("category.txt", 2)
        # A line of headings comes first: id name.
        rows = [row for row in rows if row[0].isdigit()]
        categories = {whole(number, "category.txt"): name for number, name in rows}
        if not categories:
            raise DatasetError(f"category.txt in {tree.where} lists no categories")
        labels = [
            categories.get(number, f"category {number}") for number in range(1, max(categories) + 1)
        ]
        boxes = self._read_boxes(tree, categories)
        splits, folds = self._split(tree, categories, boxes)
        return self._listing(labels, splits, folds=folds)

    def _split(
        self, tree: archive.Tree, categories: dict[int, str], boxes: dict[str, tuple]
    ) -> tuple[dict[str, list[Item]], bool]:
        """The splits, and whether the publishers' lists made them."""
        lists = self._lists()
        if lists is not None:
            folds = [
                [self._image(tree, line, categories, boxes) for line in lists.lines(name)]
                for name in _LISTS
            ]
            train = [item for fold in folds[:-1] for item in fold]
            return {"train": train, "validation": folds[-1]}, True
        items = [
            self._image(tree, name, categories, boxes)
            for name in sorted(tree.names(end=_EXTENSION), key=_by_number)
            if name.split("/")[0].isdigit()
        ]
        train, validation = take_share(items, 1 / len(_LISTS))
        return {"train": train, "validation": validation}, False

    def _lists(self) -> archive.Tree | None:
        """The publishers' lists; None when they were not fetched.

        Raises:
            DatasetError: Some of the five are there and some are not.
        """
        folder = self._raw_dir if os.path.isdir(self._raw_dir) else os.path.dirname(self._raw_dir)
        packed = os.path.join(folder, _LIST_ARCHIVE)
        places = [
            os.path.join(folder, *parts)
            for parts in ((), (_LIST_FOLDER,), ("uecfood_split", _LIST_FOLDER))
        ]
        for place in places:
            present = [name for name in _LISTS if os.path.exists(os.path.join(place, name))]
            if present and len(present) < len(_LISTS):
                missing = sorted(set(_LISTS) - set(present))
                raise DatasetError(
                    f"of val0.txt to val4.txt only some are in {place}: {missing[0]} is not"
                )
            if present:
                return archive.open_files(place, _LISTS)
        if not os.path.exists(packed):
            return None
        # It holds lists of the same names for the larger UEC FOOD 256, too.
        lists = archive.open_archive(packed)
        root = lists.folder_of(f"{_LIST_FOLDER}/{_LISTS[0]}")
        if root is None:
            raise DatasetError(f"{packed} holds no {_LIST_FOLDER}/{_LISTS[0]}; it is another file")
        return lists.below(f"{root}/{_LIST_FOLDER}".lstrip("/"))

    def _image(
        self, tree: archive.Tree, line: str, categories: dict[int, str], boxes: dict[str, tuple]
    ) -> Item:
        """The image that a line such as "UECFOOD100/12/345.jpg" names."""
        name = "/".join(line.split("/")[-2:])
        number = whole(name.split("/")[0], f"the line {line!r}")
        if number not in categories:
            raise DatasetError(f"{line!r} is of category {number}, which category.txt lacks")
        return self._item(tree, name, number - 1, boxes.get(name.removesuffix(_EXTENSION)))

    def _read_boxes(self, tree: archive.Tree, categories: dict[int, str]) -> dict[str, tuple]:
        """Box of each image, "12/345", as (ymin, xmin, ymax, xmax) in pixels."""
        found: dict[str, tuple] = {}
        if self._boxes == "none":
            return found
        for number in categories:
            file = f"{number}/bb_info.txt"
            if file not in tree:
                continue
            # The first line names the columns: img x1 y1 x2 y2. Of several boxes the last counts,
            # as in the original.
            for image, *words in tree.table(file, 5)[1:]:
                left, top, right, bottom = numbers(words, f"{file} in {tree.where}")
                found[f"{number}/{image}"] = (top, left, bottom, right)
        return found


def _by_number(name: str) -> tuple[int, int, str]:
    folder, _, image = name.partition("/")
    stem = image.removesuffix(_EXTENSION)
    return int(folder) if folder.isdigit() else 0, int(stem) if stem.isdigit() else 0, name
