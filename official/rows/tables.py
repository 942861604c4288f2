"""The paper's tables with ours beside: what each cell says."""

import dataclasses
from typing import Any, NamedTuple

from datasets import catalog
from nets import NAMED_MODELS, cost
from official.report import paper
from official.rows import registry, scores
from official.rows.chain import Places
from official.rows.registry import Row
from official.rows.scores import Score

NOT_RUN = "not run"
# Rows of tables that sum up others: table and key -> the row that is trained.
_SUMMED_UP = {
    ("table1_summary", "ResNet-50 (baseline)"): "table2/C0",
    ("table1_summary", "Assemble-ResNet-50"): "table7/E11",
    ("table1_summary", "Assemble-ResNet-152"): "table7/E12",
    ("summary_v2", "ResNet-50"): "table2/C0",
    ("summary_v2", "Assemble-ResNet-50"): "table7/E11",
    ("table12_flops", "R50"): "table7/E0",
    ("table12_flops", "R50D"): "table7/E1",
    ("table12_flops", "R50D+SK"): "table6/M2",
    ("table12_flops", "R50D+SK+BL"): "table6/M3",
    ("table12_flops", "R50D+SK+BL+AA"): "table6/M4",
    ("table12_flops", "R152D+SK+BL+AA"): "table7/E12",
}
_FLAGS = "as its script has it"
# Settings and counts: columns of the paper -> what says ours.
_COUNTS = {"train_images": "num_train_images", "test_images": "num_validation_images",
           "classes": "num_classes"}  # fmt: skip


class Cell(NamedTuple):
    """A number of the paper and ours.

    Attributes:
      table: key of the table.
      row: value of its first column.
      column: the column.
      paper: the paper's number; None: it prints none.
      here: ours; None: there is none.
      trained: whether ours comes of a training, and is no count.
    """

    table: str
    row: str
    column: str
    paper: float | None
    here: Score | None
    trained: bool

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        if self.here is None or self.paper is None:
            return None
        return self.here.value - self.paper


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table of the paper.

    Attributes:
      key: in tables.json.
      note: what the table says of all its rows.
      columns: the paper's columns.
      rows: its rows, values in the order of the columns.
      cells: by row and column, what can be had here.
    """

    key: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cells: dict[tuple[str, str], Cell]

    @property
    def scored(self) -> tuple[str, ...]:
        """The columns of which some row has a number here, or could have one."""
        return tuple(c for c in self.columns if any(column == c for _, column in self.cells))


def sheets(places: Places) -> list[Sheet]:
    """Returns all tables; runs are looked for where `places` has them."""
    return [_sheet(key, places) for key in paper.tables()]


def _sheet(key: str, places: Places) -> Sheet:
    """Returns one table."""
    table = paper.tables()[key]
    columns = tuple(table["columns"])
    cells: dict[tuple[str, str], Cell] = {}
    for values in table["rows"]:
        name, published = values[0], dict(zip(columns, values, strict=True))
        ours: dict[str, Score | None] = dict.fromkeys(_wanted(name, columns))
        for row, column, score in _trained(key, name, columns):
            ours[column] = scores.of(row, places.run_of(row)).get(score)
        for column, here in ours.items():
            cells[name, column] = Cell(key, name, column, published[column], here, True)
        for column, here in _known(key, name).items():
            cells[name, column] = Cell(key, name, column, published[column], here, False)
    return Sheet(key, table.get("note", ""), columns, tuple(map(tuple, table["rows"])), cells)


def _wanted(name: str, columns: tuple[str, ...]) -> list[str]:
    """Returns the columns with scores of a row that is no network of others."""
    if name == "-" or name.startswith("EfficientNet"):
        return []
    ours = {column for row in registry.ROWS.values() for column in row.columns}
    return [c for c in columns if c in (*registry.SCORES, *ours) or c.endswith("recall_at_1")]


def _trained(key: str, name: str, columns: tuple[str, ...]) -> list[tuple[Row, str, str]]:
    """Returns the cells of a table's row that a training gives: row, column, and score."""
    found = []
    if (key, name) in _SUMMED_UP:
        row = registry.get(_SUMMED_UP[key, name])
        found = [(row, column, column) for column in columns if column in registry.SCORES]
    for row in registry.ROWS.values():
        if (row.table, row.key) == (key, name):
            wanted = row.columns or [column for column in columns if column in registry.SCORES]
            found += [(row, column, registry.score_of(column)) for column in wanted]
    return found


def _known(key: str, name: str) -> dict[str, Score]:
    """Returns what is known without a training: FLOPs, epochs, sizes of data sets."""
    if key == "table12_flops":
        networks = [v for v in NAMED_MODELS.values() if f"{key}/{name}" in v.table_rows]
        if not networks:
            return {}
        count = cost(networks[0].config, networks[0].image_size).multiply_adds / 1e9
        return {"flops_billion": Score(round(count, 2), "counted", "python -m official.models")}
    rows = [r for r in registry.ROWS.values() if r.table == "table9_fgvc" and r.key == name]
    if not rows or key not in ("table13_fgvc_epochs", "table14_fgvc_datasets"):
        return {}
    if key == "table13_fgvc_epochs":
        return {"epochs": Score(float(rows[0].flags["train_epochs"]), _FLAGS, rows[0].script)}
    info = catalog.get(rows[0].dataset)
    return {c: Score(getattr(info, field), "catalogue", "datasets/catalog.py")
            for c, field in _COUNTS.items()}  # fmt: skip
