"""Sheets of pictures and bar charts, drawn with Pillow."""

import dataclasses
import functools
import importlib.util
import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from datasets.errors import DatasetError

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError as missing:
    raise DatasetError(f"pictures are drawn with Pillow ({missing}): pip install pillow") from None

_WHITE, _BLACK, _GREY = (255, 255, 255), (20, 20, 20), (225, 225, 225)
COLOURS = ((44, 110, 176), (224, 123, 39), (75, 152, 75))
_FONT_SIZE = 13
# Has the letters of most alphabets; Matplotlib, which `official` draws with, brings it along.
_FONT_FILE = "DejaVuSans.ttf"
# No character, so no font has it.
_NO_CHARACTER = "\uffff"
_GAP = 8
_CAPTION = 20
# From here on, classes are drawn in the order of their size and without names.
_NAMED_BARS = 40
_TICKS = 4


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a sheet.

    Attributes:
        caption: What stands above it.
        pictures: uint8 arrays [H, W, 3], of any sizes.
    """

    caption: str
    pictures: Sequence[np.ndarray]


def sheet(titles: Sequence[str], rows: Sequence[Row], cell: int = 168) -> Image.Image:
    """Draws rows of pictures, two rows side by side.

    Args:
        titles: What stands above each column.
        rows: The rows.
        cell: Largest side of a picture in the sheet, in pixels; none is enlarged beyond twice.
    """
    columns = max(len(row.pictures) for row in rows)
    blocks = 2 if len(rows) > 3 else 1
    lines = math.ceil(len(rows) / blocks)
    block_width = columns * (cell + _GAP) + 2 * _GAP
    line_height = cell + _CAPTION + _GAP
    canvas = Image.new("RGB", (blocks * block_width, lines * line_height + _CAPTION + _GAP), _WHITE)
    draw = ImageDraw.Draw(canvas)
    for block in range(blocks):
        for column, title in enumerate(titles):
            left = block * block_width + _GAP + column * (cell + _GAP)
            draw.text((left, 4), title, _BLACK, _font())
    for number, row in enumerate(rows):
        left = (number // lines) * block_width + _GAP
        top = _CAPTION + _GAP + (number % lines) * line_height
        draw.text((left, top), _fitted(draw, row.caption, block_width), _BLACK, _font())
        for column, pixels in enumerate(row.pictures):
            picture = _scaled(pixels, cell)
            canvas.paste(picture, (left + column * (cell + _GAP), top + _CAPTION))
    return canvas


def _scaled(pixels: np.ndarray, cell: int) -> Image.Image:
    picture = Image.fromarray(pixels, "RGB")
    scale = min(cell / picture.width, cell / picture.height, 2.0)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


@dataclasses.dataclass(frozen=True)
class Chart:
    """A bar chart.

    Attributes:
        title: What stands above it.
        series: Heights of bars by name; each as many as there are names.
        names: What stands below the bars.
        unit: What the names are measured in.
    """

    title: str
    series: Mapping[str, Sequence[float]]
    names: Sequence[str]
    unit: str = ""


def class_chart(title: str, counts: Mapping[str, Mapping[str, int]]) -> Chart:
    """Images per class of each split; many classes are sorted by size and lose their names.

    Args:
        title: What stands above it.
        counts: Images by class name, by split name.
    """
    names = list(dict.fromkeys(name for split in counts.values() for name in split))
    series = {
        split: [by_class.get(name, 0) for name in names] for split, by_class in counts.items()
    }
    if len(names) <= _NAMED_BARS:
        return Chart(title, series, names)
    series = {split: sorted(values, reverse=True) for split, values in series.items()}
    ranks = [str(rank) for rank in range(1, len(names) + 1)]
    return Chart(f"{title}, largest class first", series, ranks)


def histogram(
    title: str, values: Mapping[str, Sequence[float]], unit: str, bins: int = 32
) -> Chart:
    """How often values occur; the last bin also holds what lies above the 99th percentile."""
    everything = np.concatenate([np.asarray(v, float) for v in values.values()])
    low, high = float(everything.min()), float(np.percentile(everything, 99))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    series = {
        name: np.histogram(np.minimum(v, edges[-1]), edges)[0].tolist()
        for name, v in values.items()
    }
    # As many decimals as tell neighbours apart.
    decimals = max(0, math.ceil(-math.log10(edges[1] - edges[0])))
    return Chart(title, series, [f"{edge:,.{decimals}f}" for edge in edges[:-1]], unit)


def page(charts: Sequence[Chart], width: int = 1000, height: int = 320) -> Image.Image:
    """Draws charts one below the other, each of that size in pixels."""
    canvas = Image.new("RGB", (width, height * len(charts)), _WHITE)
    draw = ImageDraw.Draw(canvas)
    for number, chart in enumerate(charts):
        _draw_chart(draw, chart, (0, number * height, width, (number + 1) * height))
    return canvas


def _draw_chart(draw: ImageDraw.ImageDraw, chart: Chart, area: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = area[0] + 70, area[1] + 34, area[2] - 16, area[3] - 64
    draw.text((area[0] + 12, area[1] + 10), chart.title, _BLACK, _font())
    legend = right
    for colour, name in zip(COLOURS, reversed(chart.series), strict=False):
        colour = COLOURS[list(chart.series).index(name) % len(COLOURS)]
        legend -= int(draw.textlength(name, _font())) + 30
        draw.rectangle((legend, area[1] + 12, legend + 12, area[1] + 24), colour)
        draw.text((legend + 18, area[1] + 10), name, _BLACK, _font())
    peak = max((value for values in chart.series.values() for value in values), default=0)
    # A whole number at each tick.
    peak = max(1, math.ceil(peak / _TICKS)) * _TICKS
    for tick in range(_TICKS + 1):
        y = bottom - (bottom - top) * tick // _TICKS
        draw.line((left, y, right, y), _GREY)
        draw.text((area[0] + 12, y - 8), f"{peak * tick / _TICKS:,.0f}", _BLACK, _font())
    _draw_bars(draw, chart, (left, top, right, bottom), peak)
    _draw_names(draw, chart, (left, bottom, right, area[3]))


def _draw_bars(
    draw: ImageDraw.ImageDraw, chart: Chart, area: tuple[int, int, int, int], peak: float
) -> None:
    left, top, right, bottom = area
    slot = (right - left) / max(1, len(chart.names))
    bar = slot * 0.9 / len(chart.series)
    for number, values in enumerate(chart.series.values()):
        colour = COLOURS[number % len(COLOURS)]
        for position, value in enumerate(values):
            x = left + position * slot + number * bar
            y = bottom - (bottom - top) * value / peak
            if value:
                draw.rectangle((x, y, max(x, x + bar - 1), bottom), colour)


def _draw_names(draw: ImageDraw.ImageDraw, chart: Chart, area: tuple[int, int, int, int]) -> None:
    """Names below the bars, as many as there is room for."""
    left, top, right, _ = area
    slot = (right - left) / max(1, len(chart.names))
    longest = max((draw.textlength(name[:14], _font()) for name in chart.names), default=1)
    step = max(1, math.ceil((longest + 6) / slot))
    for position in range(0, len(chart.names), step):
        draw.text((left + position * slot, top + 6), chart.names[position][:14], _BLACK, _font())
    if chart.unit:
        draw.text((left, top + 26), chart.unit, _BLACK, _font())


def _fitted(draw: ImageDraw.ImageDraw, text: str, width: int) -> str:
    while text and draw.textlength(text, _font()) > width - 2 * _GAP:
        text = text[:-1]
    return text


def has_glyphs(text: str) -> bool:
    """Whether the font has every character of `text`; a missing one is drawn as an empty box."""
    return all(map(_has_glyph, text))


@functools.cache
def _has_glyph(character: str) -> bool:
    boxes = (_font().getmask(char) for char in (character, _NO_CHARACTER))
    return len({(box.size, bytes(box)) for box in boxes}) > 1


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Found, not imported: that takes time.
    matplotlib = importlib.util.find_spec("matplotlib")
    folders = matplotlib.submodule_search_locations if matplotlib else ()
    brought = [os.path.join(folder, "mpl-data/fonts/ttf", _FONT_FILE) for folder in folders]
    # Pillow looks for a bare name among the system's fonts.
    for path in (*brought, _FONT_FILE):
        try:
            return ImageFont.truetype(path, _FONT_SIZE)
        except OSError:
            continue
    return ImageFont.load_default(_FONT_SIZE)
