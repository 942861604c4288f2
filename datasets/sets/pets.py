"""Oxford-IIIT Pets (Parkhi et al., 2012): 7,349 images of 37 breeds.

`raw_dir` holds images.tar.gz and annotations.tar.gz, or the folders that come out of them. The
publishers' boxes are of heads, for some images only, and are not used. The test images become the
split "validation".
"""

from datasets.errors import DatasetError
from datasets.sets.published import Published, whole
from datasets.sources.items import Listing


class Pets(Published):
    """Oxford-IIIT Pets."""

    name = "oxford_iiit_pet"
    help = "Oxford-IIIT Pets: images.tar.gz and annotations.tar.gz"

    def listing(self) -> Listing:
        """Lists all images; see `Converter.listing`."""
        annotations = self._find("annotations/trainval.txt", "annotations")
        rows = {
            "train": annotations.table("annotations/trainval.txt", 4),
            "validation": annotations.table("annotations/test.txt", 4),
        }
        if not rows["train"]:
            raise DatasetError(f"annotations/trainval.txt in {annotations.where} is empty")
        images = self._find(f"images/{rows['train'][0][0]}.jpg", "images")
        names: dict[int, str] = {}
        splits: dict[str, list] = {split: [] for split in rows}
        for split in rows:
            for image, number, *_ in rows[split]:
                label = whole(number, f"the annotation of {image}") - 1
                # "Abyssinian_100" is of the breed Abyssinian.
                names.setdefault(label, image.rpartition("_")[0])
                splits[split].append(self._item(images, f"images/{image}.jpg", label))
        labels = [names.get(label, f"breed {label + 1}") for label in range(max(names) + 1)]
        return self._listing(labels, splits)
