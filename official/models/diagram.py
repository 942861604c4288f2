"""Draws the stages of a network as a diagram: what is in each, its output and what it costs."""

import io

from nets import ModelConfig, Part, mobilenet, parts
from official.run import files

_WIDTH, _HEIGHT, _GAP = 5.2, 0.9, 0.5
_COLORS = {"branch": "#dcebf7", "stage": "#e6f2df", "end": "#f5ecd9"}


def draw(path: str, name: str, config: ModelConfig, size: int) -> None:
    """Saves the diagram as PNG, for images of `size` pixels; the file is complete or not there."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = _rows(parts(config, size))
    columns = max(len(row) for row in rows)
    across = columns * (_WIDTH + _GAP)
    down = (len(rows) + 1) * (_HEIGHT + _GAP)
    figure, axes = pyplot.subplots(figsize=(across + 0.6, down + 0.6), layout="constrained")
    title = f"{name}, {size} x {size}"
    axes.set(xlim=(-across / 2, across / 2), ylim=(-down, _HEIGHT), title=title)
    axes.axis("off")
    _box(axes, 0.0, 0.0, f"images\n{size} x {size} x 3", "end")
    above = [(0.0, 0.0)]
    for number, row in enumerate(rows, start=1):
        y = -number * (_HEIGHT + _GAP)
        places = [((index - (len(row) - 1) / 2) * (_WIDTH + _GAP), y) for index in range(len(row))]
        for place, part in zip(places, row, strict=True):
            _box(axes, *place, _text(part, config), _kind(part))
            for start in above:
                _arrow(axes, start, place)
        above = places
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    pyplot.close(figure)
    files.write_bytes(path, picture.getvalue())


def _rows(listed: list[Part]) -> list[list[Part]]:
    """Parts that stand side by side: the two branches of a Big-Little stage."""
    rows: list[list[Part]] = []
    for part in listed:
        if part.name.endswith(".little"):
            rows[-1].append(part)
        else:
            rows.append([part])
    return rows


def _kind(part: Part) -> str:
    """Which colour a part has."""
    if "." in part.name:
        return "branch"
    return "stage" if part.name.startswith("stage") else "end"


def _text(part: Part, config: ModelConfig) -> str:
    """Three lines: what it is, what it consists of, what it gives and costs."""
    size = " x ".join(map(str, part.shape))
    costs = f"{_short(part.trainable)} parameters, {_short(part.multiply_adds)} FLOPs"
    return f"{part.name}: {contents(part.name, config)}\n{size}\n{costs}"


def contents(name: str, config: ModelConfig) -> str:
    """Returns what a part of `nets.parts` consists of, such as `3 x bottleneck, SK, blur 3`."""
    if name == "initial_conv":
        if config.architecture == "mobilenet_v1":
            return "3x3 stride 2"
        return "3x3 stride 2, 3x3, 3x3" if config.deep_stem else "7x7 stride 2"
    if name == "initial_pool":
        if config.big_little:
            thin = config.num_filters // config.bl_alpha
            return f"{config.num_filters} beside {thin} wide, sum, 1x1"
        return f"max 3x3 stride 2{_blur(config, 'max')}"
    if name == "global_pool":
        return {"gap": "mean", "gem": "generalised mean", "flatten": "flatten"}[config.pool_type]
    if name == "embedding":
        return "1x1, batch norm" if config.embedding_batch_norm else "1x1"
    if name == "classifier":
        return "cosines" if config.logit_type else "dense"
    return _blocks(name, config)


def _blocks(name: str, config: ModelConfig) -> str:
    """In words: the blocks of a stage or of one of its branches."""
    stage, _, branch = name.partition(".")
    index = int(stage[-1]) - 1
    strides = {"big": 2, "little": 1}.get(branch, config.strides[index])
    tweaks = [
        ("pooled shortcut", config.use_resnet_d and not (config.big_little and index < 3)),
        ("SK", config.use_sk_block),
        ("SE", config.use_se_block),
        ("ECA", config.use_eca_block),
        ("DropBlock", config.use_dropblock and config.dropblock_gamma_scales[index] > 0),
    ]
    words = [_rows_of_blocks(index, branch, config), *(word for word, used in tweaks if used)]
    return ", ".join(words) + (_blur(config, "sconv") if strides > 1 else "")


def _rows_of_blocks(index: int, branch: str, config: ModelConfig) -> str:
    """In words: how many blocks of what kind."""
    if config.architecture == "mobilenet_v1":
        # The first separable convolution is the stem's; here it stands with the first stage.
        return f"{mobilenet.BLOCKS[index] + (index == 0)} x separable 3x3"
    blocks = config.blocks[index]
    if config.big_little and index < 3:
        counts = {"big": blocks - 1, "little": max(1, blocks // config.bl_beta - 1)}
        return f"{counts[branch]} x bottleneck" if branch else "sum, 1 x bottleneck"
    if config.no_shortcut:
        return f"{blocks} x two 3x3"
    return f"{blocks} x {'bottleneck' if config.bottleneck else 'basic block'}"


def _blur(config: ModelConfig, place: str) -> str:
    """`, blur 3` where that place is anti-aliased."""
    blurred = place in config.anti_alias_places
    return f", blur {config.anti_alias_filter_size}" if blurred else ""


def _short(number: int) -> str:
    """1234567 -> 1.23 M."""
    for unit, word in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if number >= unit:
            return f"{number / unit:.2f}{word}"
    return str(number)


def _box(axes, x: float, y: float, text: str, kind: str) -> None:
    """A box with text in its middle."""
    from matplotlib.patches import FancyBboxPatch

    corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
    style = {"boxstyle": "round,pad=0.02", "edgecolor": "#555555", "facecolor": _COLORS[kind]}
    axes.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, **style))
    axes.text(x, y, text, ha="center", va="center", fontsize=9)


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from the lower edge of one box to the upper edge of another."""
    axes.annotate(
        "",
        xy=(end[0], end[1] + _HEIGHT / 2),
        xytext=(start[0], start[1] - _HEIGHT / 2),
        arrowprops={"arrowstyle": "->", "color": "#555555"},
    )
