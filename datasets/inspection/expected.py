"""What a converted data set should hold, as far as that is known."""

from typing import Any, NamedTuple

from datasets import catalog
from datasets.records import manifest as manifest_lib


class Expected(NamedTuple):
    """What a data set should hold, as far as that is known.

    Attributes:
        manifest: None where there is none.
        lines: Those of labels.txt; None where there is none.
        names: Class names by label; may be empty.
        first_label: Smallest label (1 where 0 is a background class without images).
        num_classes: Labels of the training split end before this one; 0 is not known.
        num_labels: Those of the other splits; 0 is not known.
    """

    manifest: dict[str, Any] | None
    lines: list[str] | None
    names: tuple[str, ...]
    first_label: int
    num_classes: int
    num_labels: int

    def labels(self, split: str) -> tuple[int, int]:
        """First and last (exclusive) label of a split."""
        return self.first_label, self.num_classes if split == "train" else self.num_labels


def expect(data_dir: str, dataset_name: str, num_classes: int) -> Expected:
    """What the directory, the catalogue and a given number of classes say should be there."""
    manifest = manifest_lib.load_manifest(data_dir)
    described = manifest or {"splits": {}}
    labels = manifest_lib.load_labels(data_dir)
    names = tuple(labels or ())
    # All names, also of classes that are only retrieved.
    for split in described["splits"].values():
        names = tuple(split.get("class_counts", names))
    name = dataset_name or described.get("dataset", "")
    info = catalog.get(name) if dataset_name or name in catalog.names() else None
    known = described.get("num_classes") or (info.num_classes if info else len(names))
    all_labels = described.get("num_labels") or (info.num_labels if info else len(names))
    return Expected(
        manifest,
        labels,
        names,
        info.label_offset if info else 0,
        num_classes or known,
        num_classes or max(all_labels, known),
    )
