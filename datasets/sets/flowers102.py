"""Oxford Flowers-102 (Nilsback and Zisserman, 2008): 8,189 images of 102 species.

`raw_dir` holds 102flowers.tgz (or its folder jpg), imagelabels.mat and setid.mat. As in the
original, the publishers' training and validation images (1,020 each) train, and the 6,149 test
images become the split "validation".
"""

import os

import numpy as np

from datasets.errors import DatasetError
from datasets.sets import matlab
from datasets.sets.flower_names import OXFORD
from datasets.sets.published import Published
from datasets.sources import archive
from datasets.sources.items import Item, Listing

_SPLITS = {"train": ("trnid", "valid"), "validation": ("tstid",)}


class Flowers102(Published):
    """Oxford Flowers-102."""

    name = "oxford_flowers102"
    help = "Oxford Flowers-102: 102flowers.tgz, imagelabels.mat, setid.mat"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        labels = self._variable("imagelabels.mat", "labels")
        numbers = {
            split: np.concatenate([self._variable("setid.mat", name) for name in names])
            for split, names in _SPLITS.items()
        }
        tree = self._find(f"jpg/{_name(int(numbers['train'][0]))}", "102flowers")
        splits = {
            split: [self._image(tree, int(number), labels) for number in row]
            for split, row in numbers.items()
        }
        return self._listing(list(OXFORD), splits)

    def _image(self, tree: archive.Tree, number: int, labels: np.ndarray) -> Item:
        if not 1 <= number <= len(labels):
            raise DatasetError(
                f"setid.mat names image {number}; imagelabels.mat has labels for 1 to {len(labels)}"
            )
        return self._item(tree, f"jpg/{_name(number)}", int(labels[number - 1]) - 1)

    def _variable(self, file: str, name: str) -> np.ndarray:
        """The numbers of a variable, in one row."""
        archive.check_raw_dir(self._raw_dir)
        path = os.path.join(self._raw_dir, file)
        values = matlab.load_mat(path).get(name)
        if not isinstance(values, np.ndarray) or not values.size:
            raise DatasetError(f"{path} lacks the numbers `{name}`; it is another file")
        return values.reshape(-1)


def _name(number: int) -> str:
    return f"image_{number:05d}.jpg"
