"""What `training_input` measured, as numbers for JSON and as a table for people."""

import os
import statistics
from collections.abc import Iterator

from datasets.records import reader
from official.benchmark import training_input
from official.benchmark.training_input import PLAIN, STAGES, Timing
from official.input import mixing
from official.run.configuration import RunConfig


def measured(config: RunConfig, split: reader.Split, images: int, rounds: int) -> dict:
    """Measures every stage, and mixup where the training step does it; returns what `table` shows.

    Each stage prepares `images` images in a round.
    """
    timings = training_input.measure(config, split, images, rounds)
    in_step = training_input.measure_mixing(config, split, images, rounds)
    result = summarise(timings, config)
    if in_step is not None:
        result["mixing_in_step_ms_per_image"] = round(1000 * in_step, 3)
    return {**result, "peak_mb": training_input.peak_mb()}


def summarise(timings: dict[str, list[Timing]], config: RunConfig) -> dict:
    """Returns medians, the cost of each stage, ratios, and the stage that costs most."""
    wall = {name: statistics.median(t.seconds for t in runs) for name, runs in timings.items()}
    cpu = {name: statistics.median(t.cpu_seconds for t in runs) for name, runs in timings.items()}
    stages = [name for name in STAGES if name in timings]
    costs = {}
    before = [Timing(0.0, 0.0)] * len(timings[stages[0]])
    for name in stages:
        # Differences within a round, then their median.
        differences = [
            a.cpu_seconds - b.cpu_seconds for a, b in zip(timings[name], before, strict=True)
        ]
        costs[name], before = max(0.0, statistics.median(differences)), timings[name]
    last = stages[-1]
    delivered = config.recipe.batch_size / mixing.images_per_step(config.recipe)
    limit = max(costs, key=costs.get)
    return {
        "images_per_second_decoded": round(1 / wall[last], 1),
        "images_per_second_delivered": round(delivered / wall[last], 1),
        "plain_images_per_second": round(1 / wall[PLAIN], 1),
        "cpu_ms_per_image": round(1000 * cpu[last], 3),
        "plain_cpu_ms_per_image": round(1000 * cpu[PLAIN], 3),
        "stages": {
            name: {
                "images_per_second_up_to_here": round(1 / wall[name], 1),
                "cpu_ms_per_image_up_to_here": round(1000 * cpu[name], 3),
                "cpu_ms_per_image": round(1000 * costs[name], 3),
                "share": round(costs[name] / max(sum(costs.values()), 1e-12), 3),
            }
            for name in stages
        },
        "limit": limit,
        "cores_busy": round(cpu[last] / wall[last], 2),
        # Rates of decoded images, from CPU time and from the clock.
        "ratio_to_plain": _ratio(timings, last, PLAIN),
        "ratio_plain_to_decode_crop_resize": _ratio(timings, PLAIN, "crop"),
        "rounds": len(timings[last]),
        "bad_records_skipped": sum(run.skipped for run in timings[last]),
    }


def _ratio(timings: dict[str, list[Timing]], name: str, to: str) -> dict[str, float]:
    """Returns the rate of `name` as a share of the rate of `to`, round by round, median."""
    pairs = list(zip(timings[name], timings[to], strict=True))
    return {
        "cpu": round(statistics.median(b.cpu_seconds / a.cpu_seconds for a, b in pairs), 3),
        "wall": round(statistics.median(b.seconds / a.seconds for a, b in pairs), 3),
    }


def table(result: dict) -> Iterator[str]:
    """Yields the lines of the table for people."""
    yield f"{'stage':8}  {'CPU ms/image':>12}  {'share':>6}  {'images/s up to here':>19}"
    for name, row in result["stages"].items():
        yield (
            f"{name:8}  {row['cpu_ms_per_image']:12.3f}  {100 * row['share']:5.1f}%  "
            f"{row['images_per_second_up_to_here']:19.1f}"
        )
    limit = result["limit"]
    yield (
        f"{result['images_per_second_decoded']:.1f} decoded and "
        f"{result['images_per_second_delivered']:.1f} delivered images/s, "
        f"{result['cores_busy']:.1f} cores busy; without AutoAugment and mixup "
        f"{result['plain_images_per_second']:.1f}"
    )
    yield f"limit: {limit}, {100 * result['stages'][limit]['share']:.0f} % of the CPU time"
    if result["cores_busy"] < 0.7 * min(result["threads"], os.cpu_count() or 1):
        yield "the cores wait: for the disk, or for others who compute on this machine"
    in_step = result.get("mixing_in_step_ms_per_image")
    for label, key in (
        ("with : without AutoAugment and mixup", "ratio_to_plain"),
        ("without : decode, crop, resize alone", "ratio_plain_to_decode_crop_resize"),
    ):
        yield f"{label}: {result[key]['cpu']:.2f} by CPU time, {result[key]['wall']:.2f} by clock"
    if in_step is not None:
        plain, whole = result["plain_cpu_ms_per_image"], result["cpu_ms_per_image"]
        yield (
            f"mixup is done in the training step: {in_step:.3f} ms per decoded image on this "
            f"machine, not in the table; with : without would be {plain / (whole + in_step):.2f} "
            "if it were the pipeline's work"
        )
    if result["bad_records_skipped"]:
        yield (
            f"bad records skipped: {result['bad_records_skipped']} in {result['rounds']} runs of "
            "the whole pipeline"
        )
    yield f"memory: {result['peak_mb']:.0f} MB at most"


def memory_table(result: dict) -> Iterator[str]:
    """Yields the lines for people of what `training_input.measure_memory` returned."""
    yield f"images  resident MB   ({result['seconds']:.0f} s)"
    for images, megabytes in result["resident_mb"]:
        yield f"{images:8}  {megabytes:11.1f}"
