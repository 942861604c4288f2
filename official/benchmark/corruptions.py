"""Measures each corruption of a picture, in turns with those of the package imagecorruptions."""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import numpy as np

import preprocessing
from official.run.errors import RunError

OURS = ("state", "generator")
THEIRS = "imagecorruptions"
_SEVERITIES = (1, 2, 3, 4, 5)
_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corruption_calls.py")
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(_SCRIPT)))
# One thread each: processes work beside each other where much is corrupted.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def rates(picture: np.ndarray, rounds: int, against: str) -> dict[str, dict[str, float]]:
    """Returns pictures per second of processor time, by corruption and library.

    In a round every library in its turn corrupts the picture once at each severity, after a round
    that does not count; the rate is that of the median round.

    Args:
      picture: uint8 [H, W, 3].
      rounds: how often they take turns.
      against: an interpreter that has imagecorruptions; empty: ours alone.

    Raises:
      RunError: a process failed; its last line is given.
    """
    libraries = {name: sys.executable for name in OURS}
    if against:
        libraries[THEIRS] = against
    found = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = os.path.join(folder, "picture.npy")
        np.save(path, picture)
        calls = {
            library: stack.enter_context(_process(library, python, path))
            for library, python in libraries.items()
        }
        for name in preprocessing.CORRUPTIONS:
            seconds: dict[str, list[float]] = {library: [] for library in libraries}
            for _ in range(rounds + 1):
                for library, call in calls.items():
                    seconds[library].append(sum(call(name, severity) for severity in _SEVERITIES))
            found[name] = {
                library: len(_SEVERITIES) / statistics.median(times[1:])
                for library, times in seconds.items()
            }
            print(f"{name}: {_words(found[name])}", file=sys.stderr)
    return found


@contextlib.contextmanager
def _process(library: str, python: str, path: str) -> Iterator[Callable[[str, int], float]]:
    """Starts a process, and ends it at the exit; yields what has it corrupt, in seconds."""
    environment = {**os.environ, **_ONE_THREAD}
    if library in OURS:
        environment["PYTHONPATH"] = _ROOT
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                [python, _SCRIPT, library, path],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        except OSError as error:
            raise RunError(f"--against={python} cannot be run: {error.strerror}") from error

        def call(name: str, severity: int) -> float:
            with contextlib.suppress(BrokenPipeError):
                print(name, severity, file=process.stdin, flush=True)
            answer = process.stdout.readline()
            if not answer:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines() or ["no word"]
                raise RunError(f"{python} with {library}, {name} at {severity}: {said[-1]}")
            return float(answer)

        try:
            yield call
        finally:
            process.kill()
            process.communicate()


def table(found: dict[str, dict[str, float]]) -> str:
    """Returns what `rates` returned as a table in Markdown; with ratios where there are any."""
    compared = THEIRS in next(iter(found.values()))
    header = ["corruption", "`RandomState`", "`Generator`"]
    header += [THEIRS, "ratio, `RandomState`", "ratio, `Generator`"] if compared else []
    lines = [" | ".join(header), "|".join(["---"] * len(header))]
    for name, rate in found.items():
        cells = [name, *(f"{value:,.0f}" for value in rate.values())]
        cells += [f"{rate[ours] / rate[THEIRS]:.2f}" for ours in OURS if compared]
        lines.append(" | ".join(cells))
    if compared:
        means = [f"{ratio(found, ours):.2f}" for ours in OURS]
        lines.append(" | ".join(["geometric mean", "", "", "", *means]))
    return "\n".join(f"| {line} |" for line in lines)


def ratio(found: dict[str, dict[str, float]], ours: str) -> float:
    """Returns the geometric mean of how many times as fast ours is."""
    return statistics.geometric_mean(rate[ours] / rate[THEIRS] for rate in found.values())


def _words(rate: dict[str, float]) -> str:
    return ", ".join(f"{library} {value:,.0f}/s" for library, value in rate.items())
