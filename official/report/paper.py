"""The paper's tables: what was published, by table and row."""

import functools
import importlib.resources
import json
from typing import Any


@functools.cache
def tables() -> dict[str, dict[str, Any]]:
    """Returns each table by its key: `columns`, `rows` (lists of values), perhaps a `note`.

    Percent for top-1, top-5, mCE, mFR and recall; images per second for throughput, FP32 at batch
    64 on one NVIDIA P40 unless the note says otherwise. A value that is not printed is None.
    """
    text = importlib.resources.files("official.report").joinpath("tables.json").read_text("utf-8")
    return json.loads(text)


def row(table: str, key: str) -> dict[str, Any]:
    """Returns a row by column; `key` is the value of its first column.

    Raises:
      KeyError: there is no such table or row.
    """
    columns = tables()[table]["columns"]
    for values in tables()[table]["rows"]:
        if values[0] == key:
            return dict(zip(columns, values, strict=True))
    raise KeyError(f"{table} has no row {key}")
