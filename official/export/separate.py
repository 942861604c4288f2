"""What an exported model says of images in a process of its own, as its users load it."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from official.export import runtimes, serving
from official.run.errors import RunError

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# From arrays by name to arrays by name.
Ask = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


@contextlib.contextmanager
def process(words: Sequence[str], what: str, **environment: str) -> Iterator[Ask]:
    """Runs Python with `words` while the body runs; it answers arrays (`runtimes.write_arrays`).

    Yields what asks it.

    Args:
      words: behind the name of the interpreter.
      what: is run there, for an error.
      **environment: variables of that process besides those of this one.

    Raises:
      RunError: the process ended; its last line is given.
    """
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
        )

        def ask(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            with contextlib.suppress(BrokenPipeError):
                runtimes.write_arrays(running.stdin, arrays)
            answer = runtimes.read_arrays(running.stdout)
            if answer is None:
                errors.seek(0)
                lines = errors.read().decode(errors="replace").strip().splitlines()
                said = lines[-1] if lines else f"exit status {running.wait()}"
                raise RunError(f"{what}: {said}")
            return answer

        try:
            yield ask
        finally:
            running.kill()
            running.communicate()


@contextlib.contextmanager
def saved_model(folder: str) -> Iterator[Callable[[Sequence[bytes]], serving.Outputs]]:
    """Loads an exported SavedModel in another process, on the CPU: this one has the GPUs' memory.

    Yields what classifies encoded images there; see `serving.Served.answers`.

    Raises:
      RunError: it cannot be loaded or run there.
    """
    paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    words = ["-m", "official.export.separate", folder]
    what = f"{folder} cannot be run in another process"
    variables = {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": os.pathsep.join(paths)}
    with process(words, what, **variables) as ask:

        def answers(encoded: Sequence[bytes]) -> serving.Outputs:
            lengths = np.array([len(image) for image in encoded], np.int64)
            return ask({"bytes": np.frombuffer(b"".join(encoded), np.uint8), "lengths": lengths})

        yield answers


def _answer_all(folder: str) -> None:
    """Answers encoded images from standard input until there are no more."""
    served = serving.Served(folder)
    while arrays := runtimes.read_arrays(sys.stdin.buffer):
        ends = np.cumsum(arrays["lengths"]).tolist()
        content = arrays["bytes"].tobytes()
        encoded = [content[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        runtimes.write_arrays(sys.stdout.buffer, served.answers(encoded))


if __name__ == "__main__":
    _answer_all(sys.argv[1])
