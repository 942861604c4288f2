"""Class names: read from labels.txt, compared, and matched with those of other data."""

import os
import unicodedata
from collections.abc import Sequence

from datasets.records import reader
from official.run.errors import RunError
from official.run.folder import LABELS_FILE

# The name of what `label_offset` puts before the classes of the records.
BACKGROUND = "background"
_SHOWN = 5


def read(folder: str) -> tuple[str, ...]:
    """Returns the names in labels.txt of a DATA_DIR or MODEL_DIR; none if it is not there.

    Composed and decomposed accents are one name, and so are names with blanks around them. A byte
    order mark, carriage returns and empty lines at the end do not count.
    """
    lines = reader.load_labels(folder) or []
    names = [unicodedata.normalize("NFC", line.removeprefix("\ufeff").strip()) for line in lines]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def shifted(names: Sequence[str], label_offset: int) -> tuple[str, ...]:
    """Returns names by label as they are by the class of a network; see `DataConfig`."""
    if not names:
        return ()
    return (*[BACKGROUND] * label_offset, *names[max(0, -label_offset) :])


def require_distinct(names: Sequence[str], folder: str) -> None:
    """Raises RunError for an empty name, or one that comes twice."""
    lines: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        path = os.path.join(folder, LABELS_FILE)
        if not name:
            raise RunError(f"line {number} of {path} is empty; it must have a class name per line.")
        if name in lines:
            raise RunError(
                f"{path} has the class {name!r} twice, in the lines {lines[name]} and {number}; "
                "each class needs a name of its own."
            )
        lines[name] = number


def differences(run: Sequence[str], data: Sequence[str]) -> str:
    """Returns what differs between the names of a run and those of its data, in one line."""
    only_run = [name for name in run if name not in data]
    only_data = [name for name in data if name not in run]
    parts = [f"{len(run)} in the run, {len(data)} in the data"] if len(run) != len(data) else []
    parts += [f"only in the run: {_some(only_run)}"] if only_run else []
    parts += [f"only in the data: {_some(only_data)}"] if only_data else []
    if only_run and sorted(map(_loose, only_run)) == sorted(map(_loose, only_data)):
        parts.append("they differ in capitals and blanks only")
    elif not only_run and not only_data:
        moved = [
            number for number, pair in enumerate(zip(run, data, strict=False)) if pair[0] != pair[1]
        ]
        parts.append(
            "in another order: "
            + _some([f"{n} is {run[n]!r} in the run, {data[n]!r} in the data" for n in moved], str)
            if moved
            else "some of them twice"
        )
    return "; ".join(parts)


def match(run: Sequence[str], data: Sequence[str]) -> tuple[int, ...] | None:
    """Returns for each class of the data the one of the run with that name; None if one has none.

    Capitals and blanks may differ where that leaves no doubt. A background class that only the data
    has is -1: no record may be of it.
    """
    for key in (str, _loose):
        places = {key(name): place for place, name in enumerate(run)}
        found = [places.get(key(name), -1) for name in data]
        distinct = len(places) == len(run) and len({*map(key, data)}) == len(data)
        known = [place >= 0 or name == BACKGROUND for place, name in zip(found, data, strict=True)]
        if distinct and all(known):
            return tuple(found)
    return None


def _loose(name: str) -> str:
    """Returns a name without what people write now this way, now that way."""
    return " ".join(name.casefold().split())


def _some(values: Sequence[str], show=repr) -> str:
    """Returns the first few values, and how many more there are."""
    shown = ", ".join(map(show, values[:_SHOWN]))
    more = len(values) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
