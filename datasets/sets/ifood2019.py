"""iFood 2019 (FGVC6, also FoodX-251; Kaur et al., 2019): 251 dishes.

`raw_dir` holds class_list.txt, train_labels.csv and val_labels.csv (in the authors' edition
annot.tar, or its folder annot, with train_info.csv and val_info.csv) and the folders train_set and
val_set, or archives of them (the authors': train.tar and val.tar), or one archive of everything,
ifood-2019-fgvc6.zip. The test images have no labels and are left out.
"""

from datasets.errors import DatasetError
from datasets.sets.published import Published, csv_rows, whole
from datasets.sources import archive
from datasets.sources.items import Item, Listing

_SPLITS = {"train": "train", "validation": "val"}


class IFood2019(Published):
    """iFood 2019."""

    name = "iFood2019"
    help = "iFood 2019: class_list.txt, train_labels.csv, val_labels.csv, train_set, val_set"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        annotations = archive.find(
            self._raw_dir, "class_list.txt", ("annot", "ifood-2019-fgvc6", "ifood2019")
        )
        labels = _class_names(annotations)
        splits = {
            split: self._read(annotations, short, len(labels)) for split, short in _SPLITS.items()
        }
        return self._listing(labels, splits)

    def _read(self, annotations: archive.Tree, short: str, num_classes: int) -> list[Item]:
        names = [f"{short}_labels.csv", f"{short}_info.csv"]
        file = next((name for name in names if name in annotations), names[0])
        rows = [row for row in csv_rows(annotations, file) if row]
        # One edition has a line of headings: img_name,label.
        if rows and rows[0][-1].strip() == "label":
            rows = rows[1:]
        if not rows:
            raise DatasetError(f"{file} in {annotations.where} lists no images")
        tree = self._images(annotations, short, rows[0][0])
        items = []
        for row in rows:
            label = whole(row[-1].strip(), f"{file} in {annotations.where}", 0)
            if label >= num_classes:
                raise DatasetError(
                    f"label {label} of {row[0]} in {file}; class_list.txt has {num_classes} classes"
                )
            name = row[0].strip()
            item = self._item(tree, name, label)
            items.append(Item(f"{short}_set/{name}", item.source, label))
        return items

    def _images(self, annotations: archive.Tree, short: str, first: str) -> archive.Tree:
        folder = f"{short}_set"
        inner = f"{folder}/{folder}"
        # One archive of everything, as Kaggle makes it.
        for place in (folder, inner):
            if f"{place}/{first}" in annotations:
                return annotations.below(place)
        return archive.find(self._raw_dir, first, (folder, short), (folder, inner, short))


def _class_names(annotations: archive.Tree) -> list[str]:
    """Class names by number, out of lines such as "0 macaron_and_macaroon"."""
    where = f"class_list.txt in {annotations.where}"
    rows = annotations.table("class_list.txt", 2)
    classes = sorted((whole(number, where, 0), name) for number, name in rows)
    for place, (number, _) in enumerate(classes):
        if number != place:
            raise DatasetError(
                f"{where} has the number {number} where {place} is due; {len(classes)} classes "
                f"need the numbers 0 to {len(classes) - 1}, each once"
            )
    return [name for _, name in classes]
