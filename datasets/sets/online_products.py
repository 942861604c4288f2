"""Stanford Online Products (Song et al., CVPR 2016): 120,053 images of 22,634 products.

`raw_dir` holds Stanford_Online_Products.zip, or the folder that comes out of it. 11,318 products
train; the others are the split "validation", which is only retrieved.
"""

from datasets.errors import DatasetError
from datasets.sets.published import Published, whole
from datasets.sources.items import Item, Listing

_SPLITS = {"train": "Ebay_train.txt", "validation": "Ebay_test.txt"}


class OnlineProducts(Published):
    """Stanford Online Products."""

    name = "SOP"
    help = "Stanford Online Products, for retrieval: Stanford_Online_Products.zip"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        tree = self._find("Ebay_train.txt", "Stanford_Online_Products")
        names: dict[int, str] = {}
        splits: dict[str, list[Item]] = {}
        trained = 0
        for split, file in _SPLITS.items():
            splits[split] = []
            # The first line names the columns: image_id class_id super_class_id path.
            for _, number, _, path in tree.table(file, 4)[1:]:
                label = whole(number, file) - 1
                # "bicycle_final/111085122871_0.JPG" shows a bicycle.
                kind = path.split("/")[0].removesuffix("_final")
                names.setdefault(label, f"{kind} {label + 1}")
                splits[split].append(self._item(tree, path, label))
            if not splits[split]:
                raise DatasetError(f"{file} in {tree.where} lists no images")
            if split == "train":
                trained = max(names) + 1
        labels = [names.get(label, f"product {label + 1}") for label in range(max(names) + 1)]
        return self._listing(labels, splits, num_classes=trained)
