"""A report as one HTML file: no scripts, nothing from elsewhere."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

from official.report import charts

# Rows of a table; report.json has all.
_CLASSES = 100
_PAIRS = 25
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2em auto;
  padding: 0 1em; }
h1 { margin: 0; overflow-wrap: anywhere; } h2 { margin: 1.8em 0 .5em; }
.score { font-size: 2.4em; font-weight: 600; } .grey { color: #666; }
table { border-collapse: collapse; } td, th { padding: .25em .7em; text-align: right; }
th { font-weight: 600; border-bottom: 1px solid #bbb; } .name { text-align: left; }
td.name, th.name { max-width: 20em; overflow-wrap: anywhere; }
.matrix td { min-width: 2.2em; text-align: center; border: 1px solid #fff; }
.wide { overflow-x: auto; }
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 1em; }
figure { margin: 0; border: 1px solid #ddd; border-radius: 6px; padding: .5em; }
figure img { width: 49%; height: 130px; object-fit: contain; }
figcaption { font-size: .87em; overflow-wrap: anywhere; }
.wrong { color: #b22222; } .right { color: #006400; }
img { max-width: 100%; } pre { background: #f4f4f4; padding: .7em; white-space: pre-wrap;
  overflow-wrap: anywhere; }
"""


def html(found: dict) -> str:
    """Returns the page of what report.json holds; every name in it is escaped."""
    parts = [
        _head(found),
        _photos("The worst mistakes", "wrong, and surest of it first", found["photos"]["worst"]),
        _photos(
            "The most uncertain",
            "the two best classes are nearest to each other",
            found["photos"]["uncertain"],
        ),
        _confusion(found),
        _classes(found["classes"]),
        _reliability(found),
        _training(found),
        _throughput(found["throughput"]),
        _commands(found["commands"]),
    ]
    title = escape(f"Report of {found['run']}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body>"
        "</html>\n"
    )


def _head(found: dict) -> str:
    """Returns name and scores."""
    result, network = found["evaluation"], found["network"]
    low_high = found["intervals"]["top1"]
    lines = [
        f"<h1>{escape(found['run'])}</h1>",
        f'<div><span class="score">{_percent(result["top1"])}</span> top-1'
        + (
            f", 95 % interval {_percent(low_high[0])} to {_percent(low_high[1])}"
            if low_high
            else ""
        )
        + f", {result['correct_top1']:,} of {result['images']:,} images right</div>",
    ]
    scores = [f"ECE {result['ece']:.4f}", f"cross entropy {result['cross_entropy']:.4f}"]
    if len(found["classes"]) > 5:
        scores.insert(0, f"top-5 {_percent(result['top5'])}")
    if result.get("views", "one") != "one":
        scores.append(f"mean over {result['views']}")
    if result.get("bad_records"):
        scores.append(f"{result['bad_records']:,} bad records were not scored")
    lines.append(f"<div>{escape(', '.join(scores))}</div>")
    about = (
        f"{result['checkpoint']} on {result['val_regex']} of {result['data_dir']}; "
        f"{network['parameters'] / 1e6:.2f} million parameters, "
        f"{network['multiply_adds'] / 1e9:.2f} billion multiply-adds at "
        f"{network['image_size']} pixels; {result['time']}"
    )
    lines.append(f'<div class="grey">{escape(about)}</div>')
    return "\n".join(lines)


def _photos(title: str, which: str, sheet: list[dict]) -> str:
    """Returns a sheet of photos beside what the network looks at."""
    if not sheet:
        return ""
    note = (
        f"{which}. Right of each photo: the part that the network sees, with its Grad-CAM at stage "
        "4: red is what speaks most for its answer."
    )
    figures = "\n".join(map(_figure, sheet))
    return f'<h2>{title}</h2>\n<p class="grey">{note}</p>\n<div class="photos">{figures}</div>'


def _figure(one: dict) -> str:
    """Returns a photo with its map and what the network says."""
    wrong = one["answer"] != one["true"]
    said = f"{one['answer']} {_percent(one['probability'])}"
    following = f"{one['next']} {_percent(one['next_probability'])}"
    caption = (
        f'<span class="{"wrong" if wrong else "right"}">{escape(said)}</span>, {escape(following)}'
    )
    if wrong:
        caption += f"<br>is {escape(one['true'])}"
    if one["name"]:
        caption += f'<br><span class="grey">{escape(one["name"])}</span>'
    images = "".join(
        f'<img alt="{alt}" src="data:image/jpeg;base64,{escape(one[key])}">'
        for key, alt in (("photo", "photo"), ("map", "Grad-CAM"))
    )
    return f"<figure>{images}<figcaption>{caption}</figcaption></figure>"


def _confusion(found: dict) -> str:
    """Returns the matrix of few classes, of many the pairs that are confused most."""
    named, pairs = found["classes"], found["confusion"]
    if len(named) <= charts.MATRIX:
        return f"<h2>Confusion</h2>\n{_matrix(named, pairs)}"
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    rows = [
        (named[t]["name"], named[a]["name"], f"{n:,}", _percent(n / named[t]["images"]))
        for t, a, n in wrong[:_PAIRS]
    ]
    table = _table(("true class", "taken for", "images", "of that class"), rows, 2)
    return f"<h2>Confused most</h2>\n{table}{_left_out(len(wrong), _PAIRS, 'pairs')}"


def _matrix(named: list[dict], pairs: list[list[int]]) -> str:
    """Returns the confusion matrix: a row per true class, a column per answer."""
    counts = {(true, answer): count for true, answer, count in pairs}
    head = "".join(f"<th>{escape(one['name'])}</th>" for one in named)
    rows = [f'<tr><th class="name">true class \\ answer</th>{head}</tr>']
    for true, one in enumerate(named):
        cells = []
        for answer in range(len(named)):
            count = counts.get((true, answer), 0)
            share = count / one["images"] if one["images"] else 0.0
            hue = "31,119,180" if true == answer else "178,34,34"
            colour = "#fff" if share > 0.6 else "#222"
            cells.append(
                f'<td style="background:rgba({hue},{share:.3f});color:{colour}">{count:,}</td>'
            )
        rows.append(f'<tr><th class="name">{escape(one["name"])}</th>{"".join(cells)}</tr>')
    return f'<div class="wide"><table class="matrix">{"".join(rows)}</table></div>'


def _classes(named: list[dict]) -> str:
    """Returns the scores of the classes, the least recalled first; those without images last."""
    order = sorted(named, key=lambda one: 2.0 if one["recall"] is None else one["recall"])
    rows = []
    for one in order[:_CLASSES]:
        low_high = one["recall_interval"]
        rows.append(
            (
                one["name"],
                f"{one['images']:,}",
                f"{one['right']:,}",
                _percent(one["recall"]),
                f"{_percent(low_high[0])} to {_percent(low_high[1])}" if low_high else "",
                f"{one['answered']:,}",
                _percent(one["precision"]),
            )
        )
    columns = ("class", "images", "right", "recall", "95 % interval", "answered", "precision")
    note = "Recall: how many of a class are found. Precision: how many of what is called so are it."
    return (
        f'<h2>Classes</h2>\n<p class="grey">{note}</p>\n{_table(columns, rows)}'
        f"{_left_out(len(named), _CLASSES, 'classes')}"
    )


def _reliability(found: dict) -> str:
    """Returns the reliability diagram."""
    return (
        '<h2>How sure, how right</h2>\n<p class="grey">Bars on the dashed line: the network is '
        "right as often as it says. Below it is too sure. ECE is the mean distance.</p>\n"
        + _chart(charts.reliability(found), "reliability diagram")
    )


def _training(found: dict) -> str:
    """Returns the training curves; nothing for a network that was not trained here."""
    if not found["training"]:
        return ""
    return "<h2>Training</h2>\n" + _chart(charts.training(found), "training curves")


def _throughput(lines: list[dict]) -> str:
    """Returns what was measured."""
    rows = [
        (line["what"], f"{line['images_per_second']:,.1f}", line.get("device", ""))
        for line in lines
    ]
    if not rows:
        return ""
    return f"<h2>Throughput</h2>\n{_table(('', 'images/s', 'device'), rows)}"


def _commands(lines: list[dict]) -> str:
    """Returns the commands that led here."""
    text = "\n".join(f"# {one['time']}, in {one['directory']}\n{one['line']}" for one in lines)
    return f"<h2>Commands</h2>\n<pre>{escape(text)}</pre>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """Returns a table whose first `names` columns are texts."""

    def line(cells: Sequence[str], tag: str) -> str:
        inside = "".join(
            f"<{tag}{' class=name' if n < names else ''}>{escape(cell)}</{tag}>"
            for n, cell in enumerate(cells)
        )
        return f"<tr>{inside}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="wide"><table>{line(columns, "th")}{body}</table></div>'


def _left_out(there: int, shown: int, what: str) -> str:
    """Returns a line about what a table leaves out."""
    if there <= shown:
        return ""
    return f'\n<p class="grey">and {there - shown:,} more {what}: all are in report.json</p>'


def _chart(png: bytes, alt: str) -> str:
    """Returns a chart inside of the page."""
    return f'<img alt="{alt}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _percent(share: float | None) -> str:
    """Returns a share in 0 to 1 as `71.86 %`; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.2f} %"
