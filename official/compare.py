"""Says whether two runs differ on the same images by more than chance.

    python -m official.compare RUN RUN

RUN is a MODEL_DIR that `python -m official.evaluate` scored, or a predictions.csv that it wrote.
Prints both scores, the difference with its 95 % interval, and McNemar's test, and a JSON line.
"""

import json

from official.command import program
from official.evaluate import comparison, predictions
from official.run.errors import RunError


def main(words: list[str]) -> None:
    """Prints the comparison."""
    if len(words) != 2:
        raise RunError(f"two runs must be given: official.compare RUN RUN. Received: {words}")
    found = comparison.compare(*map(predictions.read, words))
    print(comparison.words(found, (words[0], words[1])))
    print(json.dumps({"first": words[0], "second": words[1], **found._asdict()}))


def define_flags() -> None:
    """There are none."""


if __name__ == "__main__":
    define_flags()
    program.run(main, words=True)
