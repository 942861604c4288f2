"""FGVC-Aircraft 2013b (Maji et al., 2013): 10,000 images of 100 variants, one box each.

`raw_dir` holds fgvc-aircraft-2013b.tar.gz, or the folder that comes out of it. As in the original,
the publishers' training and validation images train, and the test images become the split
"validation". Images are taken whole, with the strip at the bottom that names the photographer.
"""

from datasets.errors import DatasetError
from datasets.sets.published import Published, label_of, numbers
from datasets.sources import archive
from datasets.sources.items import Box, Item, Listing

_SPLITS = {"train": ("train", "val"), "validation": ("test",)}


class Aircraft(Published):
    """FGVC-Aircraft, variants."""

    name = "fgvc_aircraft"
    help = "FGVC-Aircraft: fgvc-aircraft-2013b.tar.gz"
    has_boxes = True

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        tree = self._find("data/variants.txt", "fgvc-aircraft-2013b").below("data")
        variants = tree.lines("variants.txt")
        labels = {name: label for label, name in enumerate(variants)}
        boxes = dict(tree.table("images_box.txt", 2)) if self._boxes != "none" else {}
        splits = {
            split: [item for part in parts for item in self._read(tree, part, labels, boxes)]
            for split, parts in _SPLITS.items()
        }
        return self._listing(variants, splits)

    def _read(
        self, tree: archive.Tree, part: str, labels: dict[str, int], boxes: dict[str, str]
    ) -> list[Item]:
        file = f"images_variant_{part}.txt"
        items = []
        for number, name in tree.table(file, 2):
            box = _box(boxes[number]) if number in boxes else None
            label = label_of(name, labels, file)
            items.append(self._item(tree, f"images/{number}.jpg", label, box))
        return items


def _box(words: str) -> Box:
    """Left, top, right and bottom pixel, counted from 1, as (ymin, xmin, ymax, xmax)."""
    sides = numbers(words.split(), "images_box.txt")
    if len(sides) != 4:
        raise DatasetError(f"{words!r} in images_box.txt: xmin, ymin, xmax, ymax are needed")
    left, top, right, bottom = sides
    return top - 1, left - 1, bottom, right
