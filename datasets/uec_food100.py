"""UEC FOOD 100 (Matsuda et al., ICME 2012): Japanese dishes in 100 folders, a box for each.

`raw_dir` holds the folder UECFOOD100 (or UECFOOD100.zip) with the folders 1 to 100, each with its
images and bb_info.txt, and category.txt. As in the original, the publishers' lists val0.txt to
val3.txt train and val4.txt is the split "validation"; without those lists, which are fetched
apart, a fifth of each folder is, chosen by the names of the images.
"""

import os

from datasets import archive
from datasets.errors import DatasetError
from datasets.hold_out import take_share
from datasets.items import FileSource, Item, Listing
from datasets.published import Published, numbers, whole

_FOLDS = 5
_FOLDER = "UECFOOD100"
# Images are numbered through all folders: 12/345.jpg.
_EXTENSION = ".jpg"


class UecFood100(Published):
    """UEC FOOD 100."""

    name = "uec_food100"
    help = "UEC FOOD 100: UECFOOD100.zip, and val0.txt to val4.txt where they are at hand"
    has_boxes = True

    def listing(self) -> Listing:
        """Lists all images; see `Published.listing`."""
        tree = self._find("category.txt", _FOLDER)
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
        lists = [os.path.join(self._raw_dir, f"val{fold}.txt") for fold in range(_FOLDS)]
        present = [path for path in lists if os.path.exists(path)]
        if present and len(present) < _FOLDS:
            missing = sorted(set(lists) - set(present))
            raise DatasetError(f"of val0.txt to val4.txt only some are there: {missing[0]} is not")
        if present:
            beside = archive.Tree(
                self._raw_dir, {os.path.basename(path): FileSource(path) for path in lists}
            )
            folds = [
                [self._image(tree, line, categories, boxes) for line in beside.lines(file)]
                for file in (os.path.basename(path) for path in lists)
            ]
            train = [item for fold in folds[:-1] for item in fold]
            return {"train": train, "validation": folds[-1]}, True
        items = [
            self._image(tree, name, categories, boxes)
            for name in sorted(tree.names(end=_EXTENSION), key=_by_number)
            if name.split("/")[0].isdigit()
        ]
        train, validation = take_share(items, 1 / _FOLDS)
        return {"train": train, "validation": validation}, False

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
            # The first line names the columns: img x1 y1 x2 y2. Of several boxes the first counts.
            for image, *words in tree.table(file, 5)[1:]:
                left, top, right, bottom = numbers(words, f"{file} in {tree.where}")
                found.setdefault(f"{number}/{image}", (top, left, bottom, right))
        return found


def _by_number(name: str) -> tuple[int, int, str]:
    folder, _, image = name.partition("/")
    stem = image.removesuffix(_EXTENSION)
    return int(folder) if folder.isdigit() else 0, int(stem) if stem.isdigit() else 0, name
