"""Networks that stay loaded and take turns call by call: what `--models ... --paired` measures.

Every network lives in a process of its own, which does one call whenever it is told to, so that one
computes at a time and the peak memory is its own. A machine whose speed drifts from minute to
minute slows the calls of one turn alike, and the ratio of two calls of one turn says more than that
of two runs.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

from official import quiet_tensorflow
from official.benchmark import networks
from official.benchmark.networks import Case

_ANSWER = "ANSWER "
# The networks share a GPU. By default TensorFlow would give all its memory to the first.
_GPU_MEMORY = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


@contextlib.contextmanager
def worker(case: Case) -> Iterator[Callable[[], dict[str, float | int]]]:
    """Starts a process with the network of a case in it, and ends the process at the exit.

    Yields:
      A function that lets the network do one call; it returns the facts of the network, the
      milliseconds of the call, and the peak memory in MB up to now.

    Raises:
      RunError: the process ended; its last lines are given.
    """
    task = json.dumps(dataclasses.asdict(case))
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "official.benchmark.turns", task],
            cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
            env=_GPU_MEMORY | quiet_tensorflow.environment(training=case.mode == "train"),
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
            messages = errors.read().decode(errors="replace")
            raise networks.failure(case, messages, process.wait())

        def call() -> dict[str, float | int]:
            with contextlib.suppress(BrokenPipeError):
                print(file=process.stdin, flush=True)
            return facts | answer()

        try:
            facts = answer()
            yield call
        finally:
            process.kill()
            process.communicate()


def rows(cases: list[Case], rounds: int, seconds: float, device: str) -> list[dict]:
    """Calls all networks in turn; returns one CSV row per case, see `networks.table`.

    Args:
      cases: what to measure.
      rounds: turns, at least; forwards and backwards through the cases, one call each.
      seconds: of calls, at least, for all cases together.
      device: its name.

    Raises:
      RunError: a process failed; its last lines are given.
    """
    found: dict[Case, list[dict]] = {case: [] for case in cases}
    with contextlib.ExitStack() as stack:
        workers = {case: stack.enter_context(worker(case)) for case in cases}
        spent = 0.0
        while len(found[cases[0]]) < rounds or spent < 1000 * seconds:
            turn = len(found[cases[0]])
            for case in cases if turn % 2 == 0 else reversed(cases):
                result = workers[case]()
                spent += result["milliseconds"]
                found[case].append(result | {"slowest_milliseconds": result["milliseconds"]})
            times = "  ".join(f"{found[case][-1]['milliseconds']:.0f}" for case in cases)
            print(f"turn {turn + 1}: {times} ms", file=sys.stderr)
    return networks.table(found, device)


def _main() -> None:
    """The process of one case: a call for every line that comes in, a line out for each."""
    call, facts = networks.prepare(Case(**json.loads(sys.argv[1])))
    for _ in range(2):
        call()
    print(_ANSWER + json.dumps(facts), flush=True)
    for _ in sys.stdin:
        answer = {
            "milliseconds": networks.milliseconds(call),
            "peak_memory_mb": networks.peak_memory_mb(),
        }
        print(_ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
