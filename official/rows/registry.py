"""Which rows of the paper's tables are trainings, and what each of them needs and measures.

How a row is trained says its flag file, scripts/TABLE/ROW.flags, which names the row that it is an
addition to. What is said here is what flags cannot say.
"""

import dataclasses
import difflib
import functools
import pathlib
from typing import Any

from official.report import paper
from official.run import flag_files
from official.run.errors import RunError

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where the flag files expect runs of other rows.
RUNS = "runs"


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A network whose logits a row is distilled from.

    Attributes:
      name: the paper's teacher.
      stand_in: what `official.distill --teacher` takes in its place, or for it.
      why: what is to be known of it, one sentence.
    """

    name: str
    stand_in: str
    why: str


_EFFICIENTNET = Teacher(
    "EfficientNet-B7", "keras:EfficientNetB7", "Keras publishes its weights (84.3 % top-1)."
)
_AMOEBANET = Teacher(
    "AmoebaNet-A",
    "keras:EfficientNetB7",
    "Its weights were on TensorFlow Hub and cannot be had any more; EfficientNet-B7 (84.3 % top-1 "
    "against 83.9), the teacher of E12, stands in.",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One training of a table.

    Attributes:
      name: table7/E11, which is scripts/table7/E11.sh and E11.flags.
      table: key of the table in official/report/tables.json.
      key: value of the first column there.
      columns: the columns with the row's scores; empty: all that are scores.
      teacher: whose logits the records must hold.
    """

    name: str
    table: str
    key: str
    columns: tuple[str, ...] = ()
    teacher: Teacher | None = None

    @property
    def script(self) -> str:
        """The command, from the root of the repository."""
        return f"scripts/{self.name}.sh"

    @property
    def flags_file(self) -> pathlib.Path:
        """The flags that the row is trained with."""
        return ROOT / f"scripts/{self.name}.flags"

    @property
    def paper(self) -> dict[str, Any]:
        """The paper's numbers by score: top1, mCE, ... (percent), throughput (images/s)."""
        values = paper.row(self.table, self.key)
        return {score_of(column): values[column] for column in self.columns or SCORES
                if column in values}  # fmt: skip

    @functools.cached_property
    def flags(self) -> dict[str, str]:
        """The flags with a value of the file and of those that it names, the last value each."""
        words = flag_files.expanded([f"--flagfile={self.flags_file}"])
        return dict(word.lstrip("-").split("=", 1) for word in words if "=" in word)

    @property
    def dataset(self) -> str:
        """The data set, by its name in the catalogue."""
        return self.flags["dataset_name"]

    @functools.cached_property
    def parent(self) -> str:
        """The flag file that this one adds to, as table7/E10 or common/imagenet."""
        return _file_names(self.flags_file)[0]

    @property
    def needs(self) -> dict[str, str]:
        """The rows that must be trained before, by the flag that takes the run."""
        paths = {name: pathlib.PurePosixPath(value) for name, value in self.flags.items()}
        return {
            name: str(path.relative_to(RUNS))
            for name, path in paths.items()
            if path.parts[:1] == (RUNS,)
        }

    @property
    def needed(self) -> tuple["Row", ...]:
        """The rows that must be trained before."""
        return tuple(get(name) for name in self.needs.values())

    @property
    def training(self) -> "Row":
        """The row whose training this one is: the same, or of another table that prints it too."""
        own = flag_files.lines(str(self.flags_file))
        return self if len(own) > 1 or self.parent not in ROWS else get(self.parent).training


# Columns with scores, and what they are called where a table has one row per data set.
SCORES = (
    "top1", "top5", "mCE", "mFR", "recall_at_1", "throughput", "throughput_fp32",
    "throughput_quantized", "minutes_per_epoch",
)  # fmt: skip


def score_of(column: str) -> str:
    """Returns the score that a column holds: top1 of resnet50_top1."""
    return next(score for score in SCORES if column.endswith(score))


def _file_names(path: pathlib.Path) -> list[str]:
    """Returns the flag files that one names, without scripts/ and .flags."""
    named = [line.partition("=")[2] for line in flag_files.lines(str(path))
             if line.startswith("--flagfile=")]  # fmt: skip
    return [name.removeprefix("scripts/").removesuffix(".flags") for name in named]


def _rows(folder: str, table: str, names: str, teacher: Teacher | None = None) -> list[Row]:
    """Rows whose files are named as the table names them."""
    return [Row(f"{folder}/{name}", table, name, (), teacher) for name in names.split()]


_FINE_GRAINED = {
    "food101": "Food-101",
    "cars196": "Stanford Cars",
    "oxford_flowers102": "Oxford-Flowers",
    "fgvc_aircraft": "FGVC Aircraft",
    "oxford_iiit_pet": "Oxford-IIIT Pets",
}

_ALL = [
    *_rows("table2", "table2_channel_attention", "C0 C1 C2 C3 C4 C5"),
    *_rows("table3", "table3_anti_alias", "A0 A1 A2 A3 A4"),
    *_rows("table4", "table4_mixup", "E2 X1 E3"),
    *_rows("table5", "table5_kd_temperature", "E6"),
    *_rows("table5", "table5_kd_temperature", "K1 K2 E7", _AMOEBANET),
    *_rows("table6", "table6_network_tweaks", "M0 M1 M2 M3 M4"),
    *_rows("table7", "table7_assembling", "E0 E1 E2 E3 E4 E5 E6"),
    *_rows("table7", "table7_assembling", "E7 E8 E9 E10 E11", _AMOEBANET),
    *_rows("table7", "table7_assembling", "E12", _EFFICIENTNET),
    *_rows("table8", "table8_food101", " ".join(f"F{number}" for number in range(14))),
    *(
        Row(f"table9/{dataset}_{network}", "table9_fgvc", key, (f"{network}_top1",))
        for dataset, key in _FINE_GRAINED.items()
        for network in ("resnet50", "assemble_fgvc50")
    ),
    *_rows("mobilenet", "mobilenet_ablation", "MB0 MB1 MB2 MB3"),
    *_rows("mobilenet", "mobilenet_ablation", "MB4 MB5 MB6 MB7 MB8", _EFFICIENTNET),
    *_rows("bag_of_tricks", "bag_of_tricks_cub200", " ".join(f"B{n}" for n in range(16))),
    *(
        Row(f"flowers104/{name}", "flowers104_resnet", name, ("validation_top1",))
        for name in ("P0", "P1", "P2", "P3")
    ),
]

ROWS = {row.name: row for row in _ALL}


def get(name: str) -> Row:
    """Returns a row by its name, such as table7/E11; a path of its files is fine, too.

    Raises:
      RunError: there is no such row.
    """
    plain = name.removesuffix(".sh").removesuffix(".flags").rstrip("/")
    if plain not in ROWS:
        plain = "/".join(plain.split("/")[-2:])
    if plain in ROWS:
        return ROWS[plain]
    same = [known for known in ROWS if known.split("/")[1].lower() == plain.lower()]
    near = same or difflib.get_close_matches(plain, ROWS, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "scripts/rows.sh list names all."
    raise RunError(f"there is no row {name!r}; {hint}")
