"""Stanford Cars (Krause et al., 2013): 16,185 images of 196 models, one box each.

`raw_dir` holds either of the two forms in which it was published, the archives or what came out
of them: car_ims.tgz with cars_annos.mat; or cars_train.tgz, cars_test.tgz, car_devkit.tgz (or the
folder devkit) and cars_test_annos_withlabels.mat (Kaggle's copy lacks the last two). The test
images become the split "validation".
"""

import os
from typing import Any

from datasets.errors import DatasetError
from datasets.sets import matlab
from datasets.sets.published import Published
from datasets.sources import archive
from datasets.sources.items import Item, Listing

# Of a folder or an archive.
_ENDS = ("", *archive.EXTENSIONS)
_BOX = ("bbox_y1", "bbox_x1", "bbox_y2", "bbox_x2")


class Cars196(Published):
    """The publishers' split for classification."""

    name = "cars196"
    help = "Stanford Cars: car_ims.tgz and cars_annos.mat, or the newer four files"
    has_boxes = True

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        classes, train, test = self._read()
        return self._listing(classes, {"train": train, "validation": test})

    def _read(self) -> tuple[list[str], list[Item], list[Item]]:
        """Class names, training and test images."""
        archive.check_raw_dir(self._raw_dir)
        path = os.path.join(self._raw_dir, "cars_annos.mat")
        # Kaggle's copy has the older list beside the newer images, which are numbered anew.
        older, newer = (
            any(os.path.exists(os.path.join(self._raw_dir, name + end)) for end in _ENDS)
            for name in ("car_ims", "cars_train")
        )
        if os.path.exists(path) and (older or not newer):
            return self._read_old(path)
        return self._read_new()

    def _read_old(self, path: str) -> tuple[list[str], list[Item], list[Item]]:
        """One list of all images, in which a field tells the tests."""
        variables = matlab.load_mat(path)
        splits: tuple[list[Item], list[Item]] = ([], [])
        rows = sorted(_rows(variables, path), key=lambda row: str(row.get("relative_im_path", "")))
        if not rows:
            raise DatasetError(f"{path} lists no images")
        first = os.path.basename(_field(rows[0], "relative_im_path", path))
        tree = self._find(first, "car_ims")
        for row in rows:
            name = os.path.basename(_field(row, "relative_im_path", path))
            item = self._annotated(tree, name, "car_ims", row, path)
            splits[1 if _number(row, "test", path) else 0].append(item)
        return _names(variables, path), *splits

    def _read_new(self) -> tuple[list[str], list[Item], list[Item]]:
        """A list for the training and one for the test images, names in a third file."""
        devkit = self._find("cars_train_annos.mat", "car_devkit", "devkit")
        names = _names(_variables(devkit, "cars_meta.mat"), "cars_meta.mat")
        train = self._read_split("cars_train", devkit, "cars_train_annos.mat")
        labelled = "cars_test_annos_withlabels.mat"
        beside = self._find(labelled, "car_devkit", "devkit")
        return names, train, self._read_split("cars_test", beside, labelled)

    def _read_split(self, folder: str, annotations: archive.Tree, file: str) -> list[Item]:
        rows = _rows(_variables(annotations, file), file)
        if not rows:
            raise DatasetError(f"{file} in {annotations.where} lists no images")
        # Both splits have a 00001.jpg: the tree must be that of this split.
        first = f"{folder}/{_field(rows[0], 'fname', file)}"
        tree = archive.find(self._raw_dir, first, (folder,), (folder,)).below(folder)
        return [
            self._annotated(tree, _field(row, "fname", file), folder, row, file) for row in rows
        ]

    def _annotated(
        self, tree: archive.Tree, name: str, folder: str, row: dict[str, Any], where: str
    ) -> Item:
        label = _number(row, "class", where) - 1
        box = tuple(float(_number(row, side, where)) for side in _BOX)
        item = self._item(tree, name, label, box)
        # The two splits of the newer form have files of the same name.
        return Item(f"{folder}/{name}", item.source, label, pixel_boxes=item.pixel_boxes)


class Cars196ZeroShot(Cars196):
    """The first half of the models trains, the other is only retrieved."""

    name = "cars196_zeroshot"
    help = "Stanford Cars, zero-shot split for retrieval: the same files as cars196"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        classes, train, test = self._read()
        items = sorted(train + test, key=lambda item: (item.label, item.name))
        half = len(classes) // 2
        splits = {
            "train": [item for item in items if item.label < half],
            "validation": [item for item in items if item.label >= half],
        }
        # The original's classifier has an output for each of the 196 models, trained or not.
        return self._listing(classes, splits)


def _variables(tree: archive.Tree, file: str) -> dict[str, Any]:
    return matlab.read_mat(tree.read(file), f"{file} in {tree.where}")


def _rows(variables: dict[str, Any], where: str) -> list[dict[str, Any]]:
    if not isinstance(variables.get("annotations"), list):
        raise DatasetError(f"{where} lacks the list `annotations`; it is another file")
    return variables["annotations"]


def _names(variables: dict[str, Any], where: str) -> list[str]:
    names = variables.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"{where} lacks the list `class_names`; it is another file")
    return names


def _field(row: dict[str, Any], name: str, where: str) -> str:
    if not isinstance(row.get(name), str):
        raise DatasetError(f"an annotation in {where} lacks {name}; it has {', '.join(row)}")
    return row[name]


def _number(row: dict[str, Any], name: str, where: str) -> int:
    value = row.get(name)
    if value is None or getattr(value, "size", 0) != 1:
        raise DatasetError(f"an annotation in {where} lacks {name}; it has {', '.join(row)}")
    return int(value.reshape(-1)[0])
