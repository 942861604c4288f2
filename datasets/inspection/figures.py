"""A sheet of images, and charts of how many there are of each kind, drawn with Matplotlib."""

import functools
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Sizes in pixels.
_DPI = 100
_GAP = 8
_CAPTION = 20
_CHART = (1000, 320)
# A caption needs so much.
_MIN_BLOCK = 400
_FONT_SIZE = 9
# No image is enlarged more than so much.
_MAX_SCALE = 2.0
# From here on, classes are drawn in the order of their size and without names.
_NAMED_BARS = 40
_NAME_LETTERS = 14
# Names that take more letters together do not fit side by side.
_LETTERS_IN_LINE = 110


def new_figure(width: int, height: int, **options: Any) -> Any:
    """An empty `matplotlib.figure.Figure` of that size in pixels."""
    # Here: a command line's help needs no Matplotlib.
    from matplotlib.figure import Figure

    return Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, **options)


def sheet(
    titles: Sequence[str], rows: Sequence[tuple[str, Sequence[np.ndarray]]], cell: int = 168
) -> Any:
    """Draws rows of images, two rows side by side.

    Args:
        titles: What stands above each column.
        rows: Of each the caption and the images, uint8 arrays [H, W, 3] of any sizes.
        cell: Largest side of an image in the sheet, in pixels; none is enlarged beyond twice.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    columns = max(len(images) for _, images in rows)
    blocks = 2 if len(rows) > 3 else 1
    lines = math.ceil(len(rows) / blocks)
    block_width = max(columns * (cell + _GAP) + 2 * _GAP, _MIN_BLOCK)
    line_height = cell + _CAPTION + _GAP
    top_line = _CAPTION + _GAP
    figure = new_figure(blocks * block_width, top_line + lines * line_height)
    for block in range(blocks):
        for column, title in enumerate(titles):
            _draw_text(figure, title, block * block_width + _GAP + column * (cell + _GAP), 4, cell)
    for number, (caption, images) in enumerate(rows):
        left = (number // lines) * block_width + _GAP
        top = top_line + (number % lines) * line_height
        _draw_text(figure, caption, left, top, block_width - 2 * _GAP)
        for column, image in enumerate(images):
            _draw_image(figure, image, left + column * (cell + _GAP), top + _CAPTION, cell)
    return figure


def _draw_text(figure: Any, text: str, left: int, top: int, width: int) -> None:
    """One line, cut off behind `width` pixels; places are counted from the upper left corner."""
    from matplotlib.transforms import Bbox

    page_width, page_height = figure.bbox.width, figure.bbox.height
    line = Bbox.from_bounds(left, page_height - top - _CAPTION, width, _CAPTION)
    style = {"fontsize": _FONT_SIZE, "verticalalignment": "top", "parse_math": False}
    place = (left / page_width, 1 - top / page_height)
    figure.text(*place, text, **style, clip_on=True, clip_box=line)


def _draw_image(figure: Any, image: np.ndarray, left: int, top: int, cell: int) -> None:
    """An image in the upper left corner of its cell."""
    from PIL import Image

    height, width = image.shape[:2]
    scale = min(cell / width, cell / height, _MAX_SCALE)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    drawn = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
    # On whole pixels: axes would be placed at fractions, which each release rounds in its own way.
    figure.figimage(drawn, left, round(figure.bbox.height) - top - height, origin="upper")


def charts(number: int) -> tuple[Any, Sequence[Any]]:
    """A figure of so many empty charts, one below the other, and their axes."""
    width, height = _CHART
    figure = new_figure(width, height * number, layout="constrained")
    return figure, figure.subplots(number, 1, squeeze=False)[:, 0]


def draw_classes(axes: Any, title: str, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Images by class name, by split name; many classes are sorted by size and lose their names."""
    names = list(dict.fromkeys(name for split in counts.values() for name in split))
    named = len(names) <= _NAMED_BARS
    width = 0.9 / len(counts)
    for place, (split, by_class) in enumerate(counts.items()):
        heights = [by_class.get(name, 0) for name in names]
        if not named:
            heights.sort(reverse=True)
        middles = np.arange(len(names)) + (place - (len(counts) - 1) / 2) * width
        axes.bar(middles, heights, width, label=split)
    if named:
        short = [name[:_NAME_LETTERS] for name in names]
        slanted = sum(map(len, short)) > _LETTERS_IN_LINE
        slant = {"rotation": 35, "rotation_mode": "anchor", "ha": "right"} if slanted else {}
        axes.set_xticks(range(len(names)), short, parse_math=False, fontsize=_FONT_SIZE, **slant)
    else:
        axes.set_xlabel("classes")
    _finish(axes, title if named else f"{title}, largest class first")


def draw_histogram(
    axes: Any, title: str, values: Mapping[str, Sequence[float]], unit: str, bins: int = 32
) -> None:
    """How often values occur; the last bin also holds what lies above the 99th percentile."""
    everything = np.concatenate([np.asarray(v, float) for v in values.values()])
    low, high = float(everything.min()), float(np.percentile(everything, 99))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    inside = [np.minimum(v, edges[-1]) for v in values.values()]
    axes.hist(inside, edges, label=list(values))
    axes.set_xlabel(unit)
    _finish(axes, title)


def _finish(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=_FONT_SIZE + 1)
    axes.set_ylabel("images")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.01)
    # Above the chart, where it hides no bar.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, borderpad=0)


def has_glyphs(text: str) -> bool:
    """Whether the font has every character of `text`."""
    return drawable(text) == text


def drawable(text: str) -> str:
    """The text with a sign in the place of each character that the font lacks."""
    return "".join(char if ord(char) in _characters() else "\ufffd" for char in text)


@functools.cache
def _characters() -> frozenset[int]:
    """Code points of the characters that the font of the figures, DejaVu Sans, has."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return frozenset(FT2Font(path).get_charmap())


def save(figure: Any, file: Any) -> None:
    """Writes a figure to `file` as PNG; equal figures give equal bytes."""
    figure.savefig(file, format="png", metadata={"Software": None})
