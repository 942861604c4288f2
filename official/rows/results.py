"""The tables of `official.report --tables`: Markdown, CSV, HTML, and a plot."""

import base64
import csv
import html
import io
import os

from official.report import charts
from official.rows.tables import NOT_RUN, Cell, Sheet
from official.run import files

_CSS = """
body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em }
table { border-collapse: collapse; margin: 0.5em 0 1em } td, th { border: 1px solid #ccc }
td, th { padding: 0.15em 0.6em; text-align: left } th { background: #f4f4f4 }
td.number { text-align: right } .none { color: #888 } code { font-size: 90% }
img { max-width: 100% }
"""
_INTRODUCTION = (
    "Every table of the paper (arXiv 2001.06268, first and second version), with what was reached "
    "here beside it. Percent, and images/s of the exported network in FP32 at batch 64 (the "
    "paper's on one NVIDIA P40). mCE is the mean over all 19 corruptions, as the original has it; "
    "that of Food-101 is not divided by AlexNet's errors. A number with an asterisk is of a run "
    "that does something otherwise than the row: the list below the table says what."
)
PICTURE = "accuracy_throughput.png"


def write(sheets: list[Sheet], output: str, command: str) -> list[str]:
    """Writes tables.md, tables.csv, tables.html, headline.md and the plot; returns their paths.

    Args:
      sheets: the tables.
      output: folder.
      command: what made them, for the reader.
    """
    picture = plot(sheets)
    content: dict[str, bytes] = {
        "tables.md": markdown(sheets, command).encode(),
        "tables.csv": as_csv(sheets).encode(),
        "tables.html": page(sheets, command, picture).encode(),
        "headline.md": headline(sheets).encode(),
        PICTURE: picture,
    }
    for name, data in content.items():
        files.write_bytes(os.path.join(output, name), data)
    return [os.path.join(output, name) for name in content]


def grid(sheet: Sheet) -> list[list[str]]:
    """Returns a table as text, the head first: behind each score ours, and the difference."""
    head: list[str] = []
    for column in sheet.columns:
        head += [column, "here", "difference"] if column in sheet.scored else [column]
    lines = [head]
    for values in sheet.rows:
        line: list[str] = []
        for column, value in zip(sheet.columns, values, strict=True):
            line.append("-" if value is None else _number(value))
            if column in sheet.scored:
                line += _ours(sheet.cells.get((values[0], column)))
        lines.append(line)
    return lines


def _ours(cell: Cell | None) -> list[str]:
    """Returns our number and the difference; of a row that is no training here nothing."""
    if cell is None:
        return ["-", "-"]
    if cell.here is None:
        return [NOT_RUN, "-"]
    star = "*" if cell.here.remark else ""
    difference = "-" if cell.difference is None else f"{cell.difference:+.2f}"
    return [f"{_number(round(cell.here.value, 2))}{star}", difference]


def _number(value: object) -> str:
    """Returns a value of a table; a whole number without a fraction."""
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e5 else str(value)


def numbers(sheet: Sheet) -> list[list[str]]:
    """Returns a line for each number that there is here: what, hardware, command, remark."""
    return [
        [cell.row, cell.column, _number(round(cell.here.value, 2)), cell.here.hardware,
         cell.here.command, cell.here.remark]
        for cell in sheet.cells.values() if cell.here
    ]  # fmt: skip


_NUMBERS = ["row", "number", "here", "hardware", "command", "remark"]


def markdown(sheets: list[Sheet], command: str) -> str:
    """Returns all tables as Markdown."""
    parts = ["# The paper's tables, and ours", "", _INTRODUCTION, "", f"Made by `{command}`.", ""]
    parts += [f"![top-1 against images/s]({PICTURE})", ""]
    for sheet in sheets:
        parts += [f"## {sheet.key}", ""]
        if sheet.note:
            parts += [sheet.note, ""]
        parts += [_markdown_table(grid(sheet)), ""]
        found = numbers(sheet)
        if found:
            parts += [_markdown_table([_NUMBERS, *found]), ""]
    return "\n".join(parts)


def _markdown_table(lines: list[list[str]]) -> str:
    """Returns a table; the first line is its head."""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + "---|" * len(lines[0]), *rows[1:]])


def as_csv(sheets: list[Sheet]) -> str:
    """Returns a line for each number of the paper that can be had here."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["table", "row", "number", "paper", "here", "difference", "hardware", "command",
                     "remark"])  # fmt: skip
    for sheet in sheets:
        for cell in sheet.cells.values():
            here = cell.here
            ours = [NOT_RUN, "", "", "", ""]
            if here:
                difference = "" if cell.difference is None else round(cell.difference, 4)
                value = round(here.value, 4)
                ours = [value, difference, here.hardware, here.command, here.remark]
            published = "" if cell.paper is None else cell.paper
            writer.writerow([cell.table, cell.row, cell.column, published, *ours])
    return buffer.getvalue()


def page(sheets: list[Sheet], command: str, picture: bytes) -> str:
    """Returns all tables as one HTML file, with the plot in it."""
    encoded = base64.b64encode(picture).decode("ascii")
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>The paper's tables, and ours</title><style>{_CSS}</style></head><body>",
        f"<h1>The paper's tables, and ours</h1><p>{html.escape(_INTRODUCTION)}</p>",
        f"<p>Made by <code>{html.escape(command)}</code>.</p>",
        f'<img alt="top-1 against images/s" src="data:image/png;base64,{encoded}">',
    ]
    for sheet in sheets:
        parts.append(f"<h2>{html.escape(sheet.key)}</h2><p>{html.escape(sheet.note)}</p>")
        parts.append(_html_table(grid(sheet)))
        if numbers(sheet):
            parts.append(_html_table([_NUMBERS, *numbers(sheet)]))
    return "\n".join([*parts, "</body></html>\n"])


def _html_table(lines: list[list[str]]) -> str:
    """Returns a table; the first line is its head."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in lines[0])
    rows = "".join(f"<tr>{''.join(map(_html_cell, line))}</tr>" for line in lines[1:])
    return f"<table><tr>{head}</tr>{rows}</table>"


def _html_cell(text: str) -> str:
    """Returns a cell: numbers to the right, what there is not in grey."""
    kind = ' class="none"' if text in ("-", NOT_RUN) else ""
    if text[:1].isdigit() or (text[:1] in "+-" and text[1:2].isdigit()):
        kind = ' class="number"'
    return f"<td{kind}>{html.escape(text)}</td>"


def headline(sheets: list[Sheet]) -> str:
    """Returns the table of the README: the networks of table 1 that are trained here."""
    columns = ("top1", "mCE", "throughput")
    names = ("top-1", "mCE", "images/s")
    titles = [f"{name}, {whose}" for whose in ("paper", "here") for name in names]
    lines = [["model", *titles]]
    (sheet,) = [sheet for sheet in sheets if sheet.key == "table1_summary"]
    for name in dict.fromkeys(row for row, _ in sheet.cells):
        cells = [sheet.cells[name, column] for column in columns]
        ours = [_ours(cell)[0] for cell in cells]
        ours = ["not run here" if text == NOT_RUN else text for text in ours]
        lines.append([name, *(str(cell.paper) for cell in cells), *ours])
    return _markdown_table(lines) + "\n"


def plot(sheets: list[Sheet]) -> bytes:
    """Returns table 7 as PNG, top-1 against images/s: the paper's networks, and ours with both."""
    published, ours = [], []
    (sheet,) = [sheet for sheet in sheets if sheet.key == "table7_assembling"]
    top1, speed = sheet.columns.index("top1"), sheet.columns.index("throughput")
    for values in sheet.rows:
        name = values[0] if values[0] != "-" else values[1]
        published.append((name, values[speed], values[top1]))
        cells = [sheet.cells.get((name, column)) for column in ("throughput", "top1")]
        if all(cell and cell.here for cell in cells):
            ours.append((name, *(cell.here.value for cell in cells)))
    return charts.drawn((9.0, 5.6), lambda figure: _draw(figure, published, ours))


def _draw(figure, published: list[tuple], ours: list[tuple]) -> None:
    """Draws the points, each with its name."""
    axes = figure.subplots()
    legend = "paper, NVIDIA P40", "here" if ours else f"here: {NOT_RUN}"
    for points, marker, colour, label in zip(
        (published, ours), "o^", ("#4477aa", "#cc3311"), legend, strict=True
    ):
        axes.scatter([p[1] for p in points], [p[2] for p in points], marker=marker, c=colour,
                     label=label)  # fmt: skip
        for place in sorted({point[1:] for point in points}):
            names = ", ".join(dict.fromkeys(p[0] for p in points if p[1:] == place))
            axes.annotate(names, place, fontsize=7, xytext=(4, 3), textcoords="offset points")
    axes.set_xscale("log")
    ticks = sorted({round(10 ** (power / 4)) for power in range(-4, 21)})
    shown = [point[1] for point in (*published, *ours)]
    ticks = [tick for tick in ticks if min(shown) / 1.5 <= tick <= max(shown) * 1.5]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("images/s, FP32, batch 64")
    axes.set_ylabel("top-1 on ImageNet (%)")
    axes.legend()
    axes.grid(alpha=0.3)
