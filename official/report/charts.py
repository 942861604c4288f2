"""The charts of a report and of finished runs, drawn with Matplotlib."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator

from official.report import photos

# Up to so many classes a confusion matrix is drawn; beyond, the pairs that are confused most.
MATRIX = 20
_PAIRS = 15
_PHOTOS_IN_ROW = 6
_LETTERS = 18


@contextlib.contextmanager
def plain_text() -> Iterator[None]:
    """Lets names be names while the body draws: no formulas, and the font may lack letters."""
    import matplotlib

    matplotlib.use("Agg")
    quiet = matplotlib.rc_context({"text.parse_math": False, "axes.unicode_minus": False})
    with quiet, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def picture(found: dict) -> bytes:
    """Returns a report in one PNG: charts above, photos below; `found` as in report.json."""
    kinds = {
        "the worst mistakes: wrong, and sure of it": found["photos"]["worst"],
        "the most uncertain: two classes nearly alike": found["photos"]["uncertain"],
    }
    sheets = {title: sheet[:_PHOTOS_IN_ROW] for title, sheet in kinds.items() if sheet}
    return drawn((14, 5 + 4.6 * len(sheets)), lambda figure: _all(figure, found, sheets))


def reliability(found: dict) -> bytes:
    """Returns the reliability diagram of a report as PNG."""
    return drawn((4.6, 4.2), lambda figure: _reliability(figure.subplots(), found))


def training(found: dict) -> bytes:
    """Returns the training curves of a report as PNG."""
    return drawn((8.4, 3.6), lambda figure: curves(figure, [("", found["training"])]))


def drawn(inches: tuple[float, float], draw: Callable) -> bytes:
    """Returns a figure of that size as PNG, when `draw` has drawn it."""
    with plain_text():
        from matplotlib.figure import Figure

        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _all(figure, found: dict, sheets: dict[str, list[dict]]) -> None:
    """Draws charts, and below them a sheet of photos of each kind."""
    rows = figure.subfigures(1 + len(sheets), 1, height_ratios=[5, *[4.6] * len(sheets)])
    rows = [figure] if not sheets else list(rows)
    scores, result = _headline(found), found["evaluation"]
    rows[0].suptitle(f"{found['run']}, {result['checkpoint']}: {scores}")
    parts = [_confusion, _reliability]
    if found["training"]:
        parts.append(_validation)
    for axes, draw in zip(rows[0].subplots(1, len(parts)), parts, strict=True):
        draw(axes, found)
    for row, (title, sheet) in zip(rows[1:], sheets.items(), strict=True):
        _sheet(row, title, sheet)


def _headline(found: dict) -> str:
    """Returns the score with its interval, such as `top-1 71.9 % (59.2 to 81.9) of 57 images`."""
    text = f"top-1 {100 * found['evaluation']['top1']:.1f} %"
    if found["intervals"]["top1"]:
        low, high = found["intervals"]["top1"]
        text += f" (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    return f"{text} of {found['evaluation']['images']:,} images"


def _confusion(axes, found: dict) -> None:
    """Draws the matrix of few classes; of many the pairs that are confused most."""
    names = [short(one["name"]) for one in found["classes"]]
    if len(names) > MATRIX:
        pairs = [pair for pair in found["confusion"] if pair[0] != pair[1]][:_PAIRS]
        labels = [f"{names[true]} as {names[answer]}" for true, answer, _ in pairs]
        axes.barh(range(len(pairs)), [pair[2] for pair in pairs], color="firebrick")
        axes.set_yticks(range(len(pairs)), labels, fontsize=8)
        axes.invert_yaxis()
        axes.set(title="confused most", xlabel="images")
        return
    shares = [[0.0] * len(names) for _ in names]
    small = {"ha": "center", "va": "center", "fontsize": 8 if len(names) > 10 else 10}
    for true, answer, count in found["confusion"]:
        share = count / found["classes"][true]["images"]
        shares[true][answer] = share
        axes.text(answer, true, str(count), color="white" if share > 0.5 else "black", **small)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(names))
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(places, names, **turned)
    axes.set_yticks(places, names)
    axes.set(title="confusion", xlabel="answer", ylabel="true class")


def _reliability(axes, found: dict) -> None:
    """Draws how often answers are right, against how sure the network is of them."""
    bins = [one for one in found["reliability"] if one["images"]]
    axes.plot(
        [0, 100], [0, 100], color="grey", linestyle="--", linewidth=1, label="as sure as right"
    )
    total = sum(one["images"] for one in bins)
    axes.bar(
        [100 * (one["begin"] + one["end"]) / 2 for one in bins],
        [100 * one["accuracy"] for one in bins],
        width=9,
        color=[(0.12, 0.47, 0.71, 0.25 + 0.75 * one["images"] / total) for one in bins],
        label="right (darker: more images)",
    )
    axes.plot(
        [100 * one["confidence"] for one in bins],
        [100 * one["accuracy"] for one in bins],
        "o",
        color="firebrick",
        markersize=4,
        label="at its mean probability",
    )
    axes.set(title=f"reliability, ECE {found['evaluation']['ece']:.4f}", xlim=(0, 100))
    axes.set(xlabel="probability of the answer (%)", ylabel="right (%)", ylim=(0, 105))
    axes.legend(fontsize=8, loc="upper left")


def curves(figure, runs: list[tuple[str, list[dict]]]) -> None:
    """Draws cross entropy in training and top-1 over the epochs, of runs with their names."""
    left, right = figure.subplots(1, 2)
    for name, epochs in runs:
        # A legend leaves out what begins with a line below.
        numbers = [line["epoch"] for line in epochs]
        left.plot(numbers, [line["cross_entropy"] for line in epochs], ".-", label=f" {name}")
        _top1(right, epochs, f" {name}")
    left.set(xlabel="epoch", ylabel="cross entropy in training")
    right.set(xlabel="epoch", ylabel="top-1 on the validation photos (%)", ylim=(0, 100))
    for axes in (left, right):
        _epochs(axes)
        if any(name for name, _ in runs):
            axes.legend()


def _validation(axes, found: dict) -> None:
    """Draws top-1 in training and validation over the epochs."""
    lines = found["training"]
    if all("top1" in line for line in lines):
        numbers = [line["epoch"] for line in lines]
        values = [100 * line["top1"] for line in lines]
        axes.plot(numbers, values, ".-", label="training", color="grey")
    _top1(axes, lines, "validation")
    axes.set(title="training", xlabel="epoch", ylabel="top-1 (%)", ylim=(0, 100))
    _epochs(axes)
    axes.legend(fontsize=8, loc="lower right")


def _epochs(axes) -> None:
    """Draws a grid of whole epochs."""
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)


def _top1(axes, epochs: list[dict], label: str) -> None:
    """Draws top-1 on the validation photos over the epochs."""
    scored = [line for line in epochs if "validation" in line]
    values = [100 * line["validation"]["top1"] for line in scored]
    axes.plot([line["epoch"] for line in scored], values, marker="o", label=label)


def _sheet(figure, title: str, sheet: list[dict]) -> None:
    """Draws photos in a row, and below each what the network looks at."""
    figure.suptitle(title)
    grid = figure.subplots(2, _PHOTOS_IN_ROW)
    for axes in grid.ravel():
        axes.axis("off")
    for (above, below), one in zip(grid.T, sheet, strict=False):
        above.imshow(photos.decoded(one["photo"]))
        below.imshow(photos.decoded(one["map"]))
        said = f"{short(one['answer'])} {100 * one['probability']:.0f} %"
        wrong = one["answer"] != one["true"]
        if wrong:
            said += f"\nis {short(one['true'])}"
        above.set_title(said, fontsize=9, color="firebrick" if wrong else "darkgreen")


def short(name: str) -> str:
    """Returns a name that fits into a chart."""
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 3]}..."
