"""Measures networks, each in a process of its own, in rounds in which they take turns.

The processes make the peak memory a network's own; the turns let a busy machine slow all networks
alike. Normally a round runs each network for some seconds in a new process, and the row gives the
median round. Paired, all networks stay loaded and a round is a single call of each: the ratio of
two calls of one turn says more on a machine whose speed drifts from minute to minute.
"""

import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

import tensorflow_start
from official.benchmark import networks, training_input
from official.benchmark.networks import Case
from official.run.errors import RunError

_ANSWER = "ANSWER "
# Networks that share a GPU: by default TensorFlow would give all its memory to the first.
_SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
COLUMNS = (
    "model", "mode", "image_size", "batch_size", "precision", "images_per_second", "milliseconds",
    "slowest_milliseconds", "relative", "relative_low", "relative_high", "parameters", "gflops",
    "peak_memory_mb", "rounds", "device", "tensorflow",
)  # fmt: skip
# parameters, gflops, milliseconds, peak_memory_mb (of the GPU where there is one, else of the
# process); and slowest_milliseconds.
Result = dict[str, float | int]


def rows(cases: list[Case], rounds: int, seconds: float, device: str, paired: bool) -> list[dict]:
    """Returns one CSV row per case, see `table`.

    Each case is called for `seconds` in each of the `rounds`. Where all networks stay loaded
    (`paired`), both are what there is at least, `seconds` for all cases together.

    Raises:
      RunError: a process failed; its last lines are given.
    """
    measure_all = _paired if paired else _one_by_one
    return table(measure_all(cases, rounds, seconds), device)


def _one_by_one(cases: list[Case], rounds: int, seconds: float) -> dict[Case, list[Result]]:
    """A new process for each case and round."""
    found: dict[Case, list[Result]] = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            result = measure(case, seconds)
            found[case].append(result)
            print(
                f"round {number + 1}/{rounds}  {case.model} {case.mode} {case.size} px, batch "
                f"{case.batch_size}: {result['milliseconds']:.1f} ms",
                file=sys.stderr,
            )
    return found


def measure(case: Case, seconds: float) -> Result:
    """Calls a case for so many seconds, at least three times; returns the median call."""
    results: list[Result] = []
    with worker(case) as call:
        while len(results) < 3 or sum(r["milliseconds"] for r in results) < 1000 * seconds:
            results.append(call())
    times = [result["milliseconds"] for result in results]
    return {
        **results[-1],
        "milliseconds": statistics.median(times),
        "slowest_milliseconds": max(times),
    }


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
                found[case].append(result | {"slowest_milliseconds": result["milliseconds"]})
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
            raise RunError(f"{case.model} {case.mode}, batch {case.batch_size}: {said}")

        def call() -> Result:
            with contextlib.suppress(BrokenPipeError):
                print(file=process.stdin, flush=True)
            return facts | answer()

        try:
            facts = answer()
            yield call
        finally:
            process.kill()
            process.communicate()


def table(found: dict[Case, list[Result]], device: str) -> list[dict]:
    """Returns one CSV row per case, with the keys `COLUMNS`.

    `relative` is the median over the rounds of milliseconds divided by those of the first case of
    the same mode and batch size, in the same round, which are at the same place in `found`;
    `relative_low` and `relative_high` are the quartiles.
    """
    lines = []
    for case, results in found.items():
        times = [result["milliseconds"] for result in results]
        kind = (case.mode, case.batch_size)
        first = next(other for other in found if (other.mode, other.batch_size) == kind)
        yardstick = [result["milliseconds"] for result in found[first]]
        low, middle, high = np.percentile(np.divide(times, yardstick), [25, 50, 75])
        median = statistics.median(times)
        row = {
            "model": case.model,
            "mode": case.mode,
            "image_size": case.size,
            "batch_size": case.batch_size,
            "precision": case.precision,
            "images_per_second": round(1000 * case.batch_size / median, 2),
            "milliseconds": round(median, 2),
            "slowest_milliseconds": round(max(r["slowest_milliseconds"] for r in results), 2),
            "relative": round(middle, 3),
            "relative_low": round(low, 3),
            "relative_high": round(high, 3),
            "parameters": results[0]["parameters"],
            "gflops": results[0]["gflops"],
            "peak_memory_mb": max(result["peak_memory_mb"] for result in results),
            "rounds": len(results),
            "device": device,
            "tensorflow": tf.__version__,
        }
        lines.append(row)
    return lines


def _peak_memory_mb() -> int:
    """Megabytes at the peak: of the first GPU, or the resident memory of this process."""
    if tf.config.list_physical_devices("GPU"):
        return round(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6)
    return round(training_input.peak_mb())


def _main() -> None:
    """The process of one case: a call for every line that comes in, a line out for each."""
    call, facts = networks.prepare(Case(**json.loads(sys.argv[1])))
    for _ in range(2):
        call()
    print(_ANSWER + json.dumps(facts), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        call()
        spent = 1000 * (time.perf_counter() - start)
        answer = {"milliseconds": spent, "peak_memory_mb": _peak_memory_mb()}
        print(_ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
