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
from collections.abc import Iterator

from official import quiet_tensorflow
from official.benchmark import networks
from official.benchmark.networks import Case

_ANSWER = "ANSWER "
# The networks share a GPU, of which TensorFlow would give all to the first.
_GPU_MEMORY = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class Worker:
    """A process with one network in it."""

    def __init__(self, case: Case, process: subprocess.Popen, errors: tempfile.TemporaryFile):
        """Takes a process that was started and what it writes to standard error."""
        self._case = case
        self._process = process
        self._errors = errors
        self.facts = self._answer()

    def call(self) -> dict[str, float | int]:
        """Does one call; returns its milliseconds and the peak memory in MB up to now."""
        with contextlib.suppress(BrokenPipeError):
            print(file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict:
        """Waits for the next line of the process that is meant for us.

        Raises:
          RunError: the process ended; its last lines are given.
        """
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return json.loads(line.removeprefix(_ANSWER))
        self._errors.seek(0)
        messages = self._errors.read().decode(errors="replace")
        raise networks.failure(self._case, messages, self._process.wait())


@contextlib.contextmanager
def worker(case: Case) -> Iterator[Worker]:
    """Starts the process of a case; ends it at the exit."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "official.benchmark.turns",
                json.dumps(dataclasses.asdict(case)),
            ],
            cwd=root,
            env=_GPU_MEMORY | quiet_tensorflow.environment(training=case.mode == "train"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Worker(case, process, errors)
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
                answer = workers[case].call()
                spent += answer["milliseconds"]
                slowest = {"slowest_milliseconds": answer["milliseconds"]}
                found[case].append(workers[case].facts | answer | slowest)
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
