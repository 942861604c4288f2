"""The errors on corrupted images as a picture."""

from official.report import charts


def heat_map(found: dict) -> bytes:
    """Returns a PNG: a row for each corruption, a column for each severity and the mean.

    `found` is as in corruptions.json.
    """
    names = list(found["error"])
    severities = sorted({s for by_severity in found["error"].values() for s in by_severity})
    inches = 4.2 + 0.7 * len(severities), 1.6 + 0.3 * len(names)
    return charts.drawn(inches, lambda figure: _draw(figure, found, names, severities))


def _draw(figure, found: dict, names: list[str], severities: list[int]) -> None:
    """Draws it."""
    axes = figure.subplots()
    columns = [*map(str, severities), "mean"]
    rows = [
        [found["error"][name].get(severity) for severity in severities]
        + [found["mean_error"].get(name)]
        for name in names
    ]
    known = [[float("nan") if cell is None else 100 * cell for cell in row] for row in rows]
    image = axes.imshow(known, cmap="magma_r", vmin=0, vmax=100, aspect="auto")
    for y, row in enumerate(known):
        for x, value in enumerate(row):
            if value == value:
                colour = "white" if value > 55 else "black"
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=9)
    axes.axvline(len(severities) - 0.5, color="white", linewidth=3)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(xlabel="severity", title=_title(found))
    figure.colorbar(image, ax=axes, label="wrong answers (%)")


def _title(found: dict) -> str:
    """Returns the scores that there are, in two lines."""
    named = (
        ("mce_15", "mCE (15)"), ("mce_19", "mCE (19)"), ("clean_error", "clean error"),
    )  # fmt: skip
    parts = [f"{text} {100 * found[key]:.1f} %" for key, text in named if found[key] is not None]
    return f"{found['checkpoint']}, {found['count']:,} images\n{', '.join(parts)}"
