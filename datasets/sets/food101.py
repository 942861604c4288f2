"""Food-101 (Bossard et al., ECCV 2014): 101 dishes, 750 training and 250 test images of each.

`raw_dir` holds food-101.tar.gz, or the folder food-101 with images/ and meta/ that comes out of
it. The test images become the split "validation", as in the original.
"""

from datasets.sets.published import Published, label_of
from datasets.sources.items import Listing


class Food101(Published):
    """Food-101."""

    name = "food101"
    help = "Food-101: food-101.tar.gz"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        tree = self._find("meta/classes.txt", "food-101")
        classes = tree.lines("meta/classes.txt")
        labels = {name: label for label, name in enumerate(classes)}
        splits = {}
        for split, file in (("train", "meta/train.txt"), ("validation", "meta/test.txt")):
            splits[split] = [
                self._item(tree, f"images/{line}.jpg", label_of(line.split("/")[0], labels, file))
                for line in tree.lines(file)
            ]
        return self._listing(classes, splits)
