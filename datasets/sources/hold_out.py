"""Which images become the validation or test split, where a data set does not say.

A choice depends on the names of the images (and a seed), not on the order of the files; photos in
a row, which are often alike, are not kept together.
"""

import collections
import hashlib
from collections.abc import Sequence

from datasets import command_line
from datasets.errors import DatasetError
from datasets.sources.items import Item

_SHOWN_CLASSES = 50


def hold_out(
    splits: dict[str, list[Item]], fraction: float, seed: int, class_names: Sequence[str]
) -> dict[str, list[Item]]:
    """Moves a share of each class (0 to 1) from train to validation; `seed` and names decide which.

    Raises:
        DatasetError: Classes, all of which are named, have one image only.
    """
    by_label = collections.defaultdict(list)
    for item in splits["train"]:
        by_label[item.label].append(item)
    single = [class_names[label] for label, items in sorted(by_label.items()) if len(items) < 2]
    if single:
        raise DatasetError(
            f"{len(single)} classes have one image only: "
            f"{command_line.shown(single, _SHOWN_CLASSES)}. To hold out a validation split takes "
            "at least two of each class: add images, or take these classes out"
        )
    held_out = set()
    for items in by_label.values():
        # Both splits get at least one image of each class.
        count = min(max(1, round(fraction * len(items))), len(items) - 1)
        ranked = sorted(items, key=lambda item: _rank(f"{seed}:{item.name}"))
        held_out.update(item.name for item in ranked[:count])
    return {
        **splits,
        "train": [item for item in splits["train"] if item.name not in held_out],
        "validation": [item for item in splits["train"] if item.name in held_out],
    }


def take_share(items: list[Item], share: float) -> tuple[list[Item], list[Item]]:
    """Splits items so that each class loses the share, and all together, rounded, exactly.

    Returns:
        What is left and what was taken, in the order of `items`.
    """
    ranked = sorted(items, key=lambda item: (item.label, _rank(item.name), item.name))
    taken = set()
    for position, item in enumerate(ranked):
        # Halves are rounded up: the count grows by one at each step of 1 / share.
        if int((position + 1) * share + 0.5) > int(position * share + 0.5):
            taken.add(item.name)
    return (
        [item for item in items if item.name not in taken],
        [item for item in items if item.name in taken],
    )


def _rank(text: str) -> bytes:
    """A place in line that depends on this text only."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
