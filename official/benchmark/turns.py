"""Measures networks, each in a process of its own, in rounds in which they take turns.

The processes make the peak memory a network's own; the turns let a busy machine slow all networks
alike. Normally a round runs each network for some seconds in a new process, and the row gives the
median round. Paired, all networks stay loaded and a round is a single call of each: the ratio of
two calls of one turn says more on a machine whose speed drifts from minute to minute.
"""

import contextlib
import csv
import dataclasses
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

import tensorflow_start
from official.benchmark import conditions, exported, networks, training_input
from official.benchmark.networks import Case
from official.run.errors import RunError

_ANSWER = "ANSWER "
# Networks that share a GPU: by default TensorFlow would give all its memory to the first.
_SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
# Calls that are timed at least, in all rounds together; before each round two are not.
MIN_CALLS = 30
COLUMNS = (
    "model", "kind", "mode", "image_size", "batch_size", "asked_batch_size", "precision", "tf32",
    "images_per_second", "milliseconds", "milliseconds_low", "milliseconds_high",
    "milliseconds_p90", "milliseconds_p99", "slowest_milliseconds", "calls", "relative",
    "relative_low", "relative_high", "parameters", "gflops", "peak_memory_mb", "host_memory_mb",
    "rounds", "device", "driver", "clock_mhz", "threads", "version",
)  # fmt: skip
# What a full memory says.
_FULL = re.compile(r"OOM|RESOURCE_EXHAUSTED|ResourceExhausted|MemoryError|bad_alloc|status -9")
# Of a round: `times` of its calls in milliseconds, their median `milliseconds`, batch_size,
# image_size, parameters, gflops, peak_memory_mb (of the GPU where there is one, else of the
# process), host_memory_mb, clock_mhz, driver, threads, version.
Result = dict[str, Any]


class _FullMemory(RunError):
    """A batch did not fit into the memory."""


def rows(
    cases: list[Case],
    rounds: int,
    seconds: float,
    device: str,
    paired: bool,
    calls: int = MIN_CALLS,
) -> list[dict]:
    """Returns one CSV row per case, see `table`.

    Each case is called for `seconds` in each of the `rounds`, and `calls` times in all of them at
    least. Where all networks stay loaded (`paired`), rounds and seconds are what there is at least,
    `seconds` for all cases together.

    Raises:
      RunError: a process failed; its last lines are given.
    """
    if paired:
        return table(_paired(cases, rounds, seconds), device)
    return table(_one_by_one(cases, rounds, seconds, -(-calls // rounds)), device)


def _one_by_one(
    cases: list[Case], rounds: int, seconds: float, calls: int
) -> dict[Case, list[Result]]:
    """A new process for each case and round."""
    found: dict[Case, list[Result]] = {case: [] for case in cases}
    batches = {case: case.batch_size for case in cases}
    for number in range(rounds):
        for case in cases:
            result = measure(dataclasses.replace(case, batch_size=batches[case]), seconds, calls)
            batches[case] = result["batch_size"]
            found[case].append(result)
            print(
                f"round {number + 1}/{rounds}  {case.model} {case.kind} {case.mode} "
                f"{result['image_size']} px, batch {result['batch_size']}: "
                f"{result['milliseconds']:.1f} ms",
                file=sys.stderr,
            )
    return found


def measure(case: Case, seconds: float, calls: int = 3) -> Result:
    """Calls a case for so many seconds, and so often at least; returns a `Result`.

    Where a batch does not fit into the memory half of it is tried, which is said.
    """
    results: list[Result] = []
    try:
        with worker(case) as call:
            while len(results) < calls or sum(_times(results)) < 1000 * seconds:
                results.append(call())
    except _FullMemory as error:
        half = case.batch_size // 2
        if not half:
            raise
        print(f"note: {error}; tried again with batches of {half}", file=sys.stderr)
        return measure(dataclasses.replace(case, batch_size=half), seconds, calls)
    times = _times(results)
    return {**results[-1], "milliseconds": statistics.median(times), "times": times}


def _times(results: list[Result]) -> list[float]:
    """Returns the milliseconds of all calls."""
    return [time for result in results for time in result["times"]]


def _paired(cases: list[Case], rounds: int, seconds: float) -> dict[Case, list[Result]]:
    """One call of each case in a round, forwards and backwards through the cases."""
    found: dict[Case, list[Result]] = {case: [] for case in cases}
    with contextlib.ExitStack() as stack:
        calls = {case: stack.enter_context(worker(case, _SHARED_GPU)) for case in cases}
        turn, spent = 0, 0.0
        while turn < rounds or spent < 1000 * seconds:
            for case in cases if turn % 2 == 0 else reversed(cases):
                result = calls[case]()
                spent += result["milliseconds"]
                found[case].append(result)
            turn += 1
            times = "  ".join(f"{found[case][-1]['milliseconds']:.0f}" for case in cases)
            print(f"turn {turn}: {times} ms", file=sys.stderr)
    return found


@contextlib.contextmanager
def worker(case: Case, environment: dict[str, str] | None = None) -> Iterator[Callable[[], Result]]:
    """Starts a process with the network of a case in it, and ends the process at the exit.

    Yields a function that lets the network do one call, after two that do not count, and returns
    its `Result`.

    Raises:
      RunError: the process ended; its last lines are given.
    """
    task = json.dumps(dataclasses.asdict(case))
    variables = tensorflow_start.environment(training=case.mode == "train")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "official.benchmark.turns", task],
            cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
            env=(environment or {}) | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

        def answer() -> dict:
            for line in process.stdout:
                if line.startswith(_ANSWER):
                    return json.loads(line.removeprefix(_ANSWER))
            errors.seek(0)
            tail = errors.read().decode(errors="replace").strip().splitlines()[-3:]
            said = " ".join(tail or [f"exit status {process.wait()}"])
            kind = _FullMemory if _FULL.search(said) else RunError
            raise kind(f"{case.model} {case.mode}, batch {case.batch_size}: {said}")

        def call() -> Result:
            with contextlib.suppress(BrokenPipeError):
                print(file=process.stdin, flush=True)
            said = answer()
            return {**facts, **said, "times": [said["milliseconds"]]}

        try:
            facts = answer()
            yield call
        finally:
            process.kill()
            process.communicate()


def table(found: dict[Case, list[Result]], device: str) -> list[dict]:
    """Returns one CSV row per case, with the keys `COLUMNS`.

    `milliseconds` is the median of the rounds' medians, `milliseconds_low` and `_high` are the
    quartiles of all calls, `_p90` and `_p99` are percentiles of them. `relative` is the median over
    the rounds of the time for an image, divided by that of the first case of the same mode and
    batch size in the same round, which is at the same place in `found`; `relative_low` and
    `relative_high` are its quartiles.
    """
    lines = []
    for case, results in found.items():
        kind = (case.mode, case.batch_size)
        first = next(other for other in found if (other.mode, other.batch_size) == kind)
        ratios = np.divide(_of_an_image(case, results), _of_an_image(first, found[first]))
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        median = statistics.median(result["milliseconds"] for result in results)
        times = _times(results)
        spread = np.percentile(times, [25, 75, 90, 99])
        batch = results[-1].get("batch_size", case.batch_size)
        row = {
            "model": case.model,
            "kind": case.kind + (" from bytes" if case.from_bytes else ""),
            "mode": case.mode,
            "image_size": results[-1].get("image_size", case.size),
            "batch_size": batch,
            "asked_batch_size": case.batch_size,
            "precision": "int8" if case.kind.endswith("int8") else case.precision,
            "tf32": "off",
            "images_per_second": round(1000 * batch / median, 2),
            "milliseconds": round(median, 3),
            "milliseconds_low": round(spread[0], 3),
            "milliseconds_high": round(spread[1], 3),
            "milliseconds_p90": round(spread[2], 3),
            "milliseconds_p99": round(spread[3], 3),
            "slowest_milliseconds": round(max(times), 3),
            "calls": len(times),
            "relative": round(middle, 3),
            "relative_low": round(low, 3),
            "relative_high": round(high, 3),
            "parameters": results[0]["parameters"],
            "gflops": results[0]["gflops"],
            "peak_memory_mb": max(result["peak_memory_mb"] for result in results),
            "host_memory_mb": max(result.get("host_memory_mb", 0) for result in results),
            "rounds": len(results),
            "device": device,
        }
        for name in COLUMNS[len(row) :]:
            row[name] = results[-1].get(name, "")
        lines.append(row)
    return lines


def csv_of(rows: list[dict]) -> str:
    """Returns rows as CSV, with a line of names."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _of_an_image(case: Case, results: list[Result]) -> list[float]:
    """Returns the milliseconds that an image takes, of each round."""
    return [r["milliseconds"] / r.get("batch_size", case.batch_size) for r in results]


def _peak_memory_mb() -> int:
    """Megabytes at the peak: of the first GPU, or the resident memory of this process."""
    if tf.config.list_physical_devices("GPU"):
        return round(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6)
    return round(training_input.peak_mb())


def _main() -> None:
    """The process of one case: a call for every line that comes in, a line out for each."""
    case = Case(**json.loads(sys.argv[1]))
    tf.config.experimental.enable_tensor_float_32_execution(False)
    prepare = networks.prepare if case.kind == networks.NETWORK else exported.prepare
    call, facts = prepare(case)
    for _ in range(2):
        call()
    facts = {
        "batch_size": case.batch_size,
        "image_size": case.size,
        "version": conditions.versions(case.kind),
        **facts,
    }
    print(_ANSWER + json.dumps(facts), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        call()
        spent = 1000 * (time.perf_counter() - start)
        answer = {
            "milliseconds": spent,
            "peak_memory_mb": _peak_memory_mb(),
            "host_memory_mb": round(training_input.peak_mb()),
            **conditions.of_machine(),
        }
        print(_ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        _main()
    except RunError as error:
        sys.exit(f"{error}")
