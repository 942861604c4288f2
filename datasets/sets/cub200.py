"""Caltech-UCSD Birds 200-2011 (Wah et al., 2011): 11,788 images of 200 species, one box each.

`raw_dir` holds CUB_200_2011.tgz, or the folder CUB_200_2011 that comes out of it. There are three
splits, each a name of its own: the first 100 species against the other 100 (zero-shot, for
retrieval, the original's), the publishers', and 72/8/20 per cent of the images.
"""

from datasets.errors import DatasetError
from datasets.sets.published import Published, numbers, whole
from datasets.sources import archive
from datasets.sources.hold_out import take_share
from datasets.sources.items import Item, Listing


class Cub200(Published):
    """The zero-shot split: the first half of the species trains, the other is retrieved."""

    name = "cub_200_2011"
    help = "Caltech-UCSD Birds 200-2011, zero-shot split for retrieval: CUB_200_2011.tgz"
    has_boxes = True

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        tree = self._find("images.txt", "CUB_200_2011")
        classes = [name for _, name in tree.table("classes.txt", 2)]
        boxes = dict(tree.table("bounding_boxes.txt", 2)) if self._boxes != "none" else {}
        labels = dict(tree.table("image_class_labels.txt", 2))
        items = {}
        for number, name in tree.table("images.txt", 2):
            label = whole(labels.get(number, "nothing"), f"image_class_labels.txt, {number}") - 1
            box = _box(boxes[number]) if number in boxes else None
            items[number] = self._item(tree, f"images/{name}", label, box)
        return self._split(tree, classes, items)

    def _split(self, tree: archive.Tree, classes: list[str], items: dict[str, Item]) -> Listing:
        half = len(classes) // 2
        splits = {
            "train": [item for item in items.values() if item.label < half],
            "validation": [item for item in items.values() if item.label >= half],
        }
        return self._listing(classes, splits, num_classes=half)


class Cub200Official(Cub200):
    """The publishers' split for classification."""

    name = "cub_200_2011_official"
    help = "Caltech-UCSD Birds 200-2011, the publishers' split: CUB_200_2011.tgz"

    def _split(self, tree: archive.Tree, classes: list[str], items: dict[str, Item]) -> Listing:
        splits: dict[str, list[Item]] = {"train": [], "validation": []}
        trains = dict(tree.table("train_test_split.txt", 2))
        for number, item in items.items():
            if trains.get(number) not in ("0", "1"):
                raise DatasetError(
                    f"train_test_split.txt in {tree.where} has {trains.get(number)!r} for image "
                    f"{number}; 1 (train) or 0 is needed"
                )
            splits["train" if trains[number] == "1" else "validation"].append(item)
        return self._listing(classes, splits)


class Cub200Percent(Cub200):
    """72 per cent train, 8 validation, 20 test, in each species."""

    name = "cub_200_2011_72_8_20"
    help = "Caltech-UCSD Birds 200-2011, 72/8/20 split for classification: CUB_200_2011.tgz"

    def _split(self, tree: archive.Tree, classes: list[str], items: dict[str, Item]) -> Listing:
        rest, test = take_share(list(items.values()), 0.2)
        train, validation = take_share(rest, 0.1)
        splits = {"train": train, "validation": validation, "test": test}
        return self._listing(classes, splits)


def _box(words: str) -> tuple[float, float, float, float]:
    """x, y, width and height as (ymin, xmin, ymax, xmax)."""
    sides = numbers(words.split(), "bounding_boxes.txt")
    if len(sides) != 4:
        raise DatasetError(f"{words!r} in bounding_boxes.txt: x, y, width, height are needed")
    left, top, width, height = sides
    return top, left, top + height, left + width
