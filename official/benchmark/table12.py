"""Throughput of the paper's networks beside the paper's own: tables 2, 3, 6, 7 and 12.

Lee et al. (arXiv:2001.06268) measure images per second in FP32 at batch 64 on an NVIDIA P40.
Another machine is compared by ratios to ResNet-50, measured in the same run.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from nets import NAMED_MODELS
from official.benchmark import networks, turns
from official.benchmark.networks import KERAS, Case
from official.report import charts, paper

YARDSTICK = "resnet50"
_TABLES = (
    "table2_channel_attention", "table3_anti_alias", "table6_network_tweaks", "table7_assembling",
    "table12_flops",
)  # fmt: skip
# The published one of each, of the same kind of network.
_RIVALS = {f"keras_efficientnetb{size}": f"EfficientNet-B{size}" for size in range(8)}
_PAPER = (
    "paper_rows", "paper_gflops", "paper_top1", "paper_images_per_second", "paper_ratio",
    "ratio", "ratio_low", "ratio_high", "note",
)  # fmt: skip
_TICKS = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)
COLUMNS = (*turns.COLUMNS, *_PAPER)


class Published(NamedTuple):
    """What the paper prints about a network; None for what it does not.

    Attributes:
      rows: where, such as `table6_network_tweaks/M4`.
      images_per_second: FP32, batch 64, NVIDIA P40.
      gflops: billions of multiply-adds.
      top1: percent; the best one of the rows.
    """

    rows: tuple[str, ...]
    images_per_second: float | None
    gflops: float | None
    top1: float | None


def models() -> dict[str, Published]:
    """Returns every network that is measured, with what was published; ResNet-50 comes first."""
    found = {
        name: _published(rows)
        for name, variant in NAMED_MODELS.items()
        if (rows := tuple(row for row in variant.table_rows if row.split("/")[0] in _TABLES))
    }
    for name in ("keras_resnet50", "keras_mobilenet"):
        found[name] = Published((), None, None, None)
    for name, row in _RIVALS.items():
        top1 = next(line[5] for line in paper.tables()["table7_assembling"]["rows"] if row in line)
        found[name] = _published((f"table12_flops/{row}",))._replace(top1=top1)
    return {YARDSTICK: found.pop(YARDSTICK), **found}


def _published(rows: tuple[str, ...]) -> Published:
    """Returns what rows of the paper's tables say of a network."""
    lines = [paper.row(*row.split("/")[:2]) for row in rows]
    rates = {line["throughput"] for line in lines if line.get("throughput")}
    tops = [line["top1"] for line in lines if line.get("top1")]
    flops = [line["flops_billion"] for line in lines if line.get("flops_billion")]
    return Published(
        rows, rates.pop() if len(rates) == 1 else None, flops[0] if flops else None,
        max(tops, default=None),
    )  # fmt: skip


def cases(batch_size: int, max_gflops: float) -> Iterator[tuple[str, Case | None, float]]:
    """Yields each network, its case, and its billions of multiply-adds.

    The case is None where those are above `max_gflops`; 0: no limit.
    """
    for name, published in models().items():
        case = Case(name, "inference", batch_size)
        size = published.gflops if name in KERAS and published.gflops else networks.gflops_of(case)
        yield name, None if max_gflops and size > max_gflops else case, size


def rows(measured: list[dict], left_out: dict[str, float], limit: float) -> list[dict]:
    """Returns the rows of the table: what was measured beside the paper's, then what was not.

    Args:
      measured: what `turns.table` gives, ResNet-50 first.
      left_out: billions of multiply-adds of the networks that were not run.
      limit: why.
    """
    known = models()
    base = known[YARDSTICK].images_per_second
    found = []
    for row in measured:
        published = known[row["model"]]
        found.append(
            {
                **row,
                **_beside(published, base),
                "ratio": round(1 / row["relative"], 3),
                "ratio_low": round(1 / row["relative_high"], 3),
                "ratio_high": round(1 / row["relative_low"], 3),
                "note": "" if row["batch_size"] == row["asked_batch_size"] else "batch halved",
            }
        )
    for name, gflops in left_out.items():
        note = f"not run: above --max_gflops={limit:g}"
        empty = dict.fromkeys(COLUMNS, "")
        facts = {"model": name, "gflops": round(gflops, 3), "note": note}
        found.append({**empty, **facts, **_beside(known[name], base)})
    return [{name: row[name] for name in COLUMNS} for row in found]


def _beside(published: Published, base: float) -> dict:
    """Returns the columns of the paper."""
    rate = published.images_per_second
    return {
        "paper_rows": " ".join(published.rows),
        "paper_gflops": published.gflops or "",
        "paper_top1": published.top1 or "",
        "paper_images_per_second": rate or "",
        "paper_ratio": round(rate / base, 3) if rate else "",
    }


def file_name(device: str, batch_size: int) -> str:
    """Returns the name of the table of a device, such as `throughput-tesla-p40-fp32-b64.csv`."""
    plain = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return f"throughput-{plain}-fp32-b{batch_size}.csv"


def picture(found: list[dict], device: str) -> bytes:
    """Returns accuracy against throughput as PNG: the paper's two axes, here and there.

    Rates are ratios to ResNet-50's, so that machines can be laid over each other; top-1 is the
    paper's.
    """
    return charts.drawn((8.4, 5.2), lambda figure: _draw(figure.subplots(), found, device))


def _draw(axes, found: list[dict], device: str) -> None:
    """Draws a point for each network of which the paper has a top-1."""
    kinds = {"paper, NVIDIA P40": "paper_ratio", f"here, {device}": "ratio"}
    for (label, column), marker in zip(kinds.items(), "ox", strict=True):
        for family, colour in (("keras_efficientnet", "tab:orange"), ("", "tab:blue")):
            points = [
                (row[column], row["paper_top1"], row["model"])
                for row in found
                if row[column] and row["paper_top1"]
                and row["model"].startswith("keras_efficientnet") == bool(family)
            ]  # fmt: skip
            name = "EfficientNet" if family else "ResNet"
            axes.plot(
                [p[0] for p in points], [p[1] for p in points], marker, color=colour,
                label=f"{name}: {label}", fillstyle="none",
            )  # fmt: skip
    for row in found:
        # The others are within a point of ResNet-50.
        if "table12" in row["paper_rows"] and row["paper_ratio"] and row["paper_top1"]:
            place = row["paper_ratio"], row["paper_top1"]
            name = row["model"].removeprefix("keras_")
            axes.annotate(name, place, fontsize=7, xytext=(4, 4), textcoords="offset points")
    axes.set(xlabel="images/s, as a share of ResNet-50's", ylabel="top-1 on ImageNet, paper (%)")
    axes.set_xscale("log")
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.minorticks_off()
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
