"""Which images become the validation or test split, where a data set does not say.

A choice depends on the names of the images (and a seed), not on the order of the files; photos in
a row, which are often alike, are not kept together.
"""

import collections
import hashlib
import os

from datasets.errors import DatasetError
from datasets.sources.items import Item


def check_fraction(fraction: float | None) -> None:
    """Refuses a share that leaves one of the two splits empty; None holds nothing out.

    Raises:
        DatasetError: It is not in (0, 1).
    """
    if fraction is not None and not 0.0 < fraction < 1.0:
        raise DatasetError(f"--validation_fraction={fraction}; must be more than 0 and less than 1")


def hold_out(splits: dict[str, list[Item]], fraction: float, seed: int) -> dict[str, list[Item]]:
    """Moves a share of each class from train to validation.

    Args:
        splits: Items by split name, of which "train" is split.
        fraction: The share, between 0 and 1.
        seed: Which images are moved; beside it only their names count.

    Raises:
        DatasetError: A class has one image only.
    """
    by_label = collections.defaultdict(list)
    for item in splits["train"]:
        by_label[item.label].append(item)
    held_out = set()
    for label, items in by_label.items():
        if len(items) < 2:
            raise DatasetError(
                f"{os.path.dirname(items[0].name) or label} has one image only; "
                "--validation_fraction needs at least two in each class"
            )
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

    The images of a class are told apart by the hash of their name: the choice depends on nothing
    else, and like photos, which often follow each other, are not kept together.

    Args:
        items: What to split.
        share: Between 0 and 1.

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
