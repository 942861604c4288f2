"""What the command lines of this wing share: errors in one line, interruptions in order."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence

from tqdm import tqdm

from datasets.errors import DatasetError
from datasets.interrupts import Interrupted, raised


def one_line(text: str) -> str:
    """The text with an escape for each character that is no part of a printed line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).strip().split("\n")[0]


def shown(names: Sequence[str], most: int) -> str:
    """The first of the names, separated by commas, and how many more there are."""
    more = len(names) - most
    return (", ".join(names[:most]) or "nothing") + (f" and {more} more" if more > 0 else "")


def note(text: str) -> None:
    """Tells the user something on stderr."""
    print(f"note: {text}", file=sys.stderr)


def progress_bar(total: int | None, what: str, show: bool) -> tqdm:
    """A bar on stderr that counts images; `total` is None where it is not known."""
    return tqdm(
        total=total,
        desc=what,
        unit=" images",
        disable=not show,
        # A log file is no terminal: a line now and then is enough there.
        mininterval=0.2 if sys.stderr.isatty() else 10,
        file=sys.stderr,
        dynamic_ncols=True,
    )


def at_least(minimum: int) -> Callable[[str], int]:
    """A type of flags: whole numbers from `minimum` on."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {minimum}. Received: {text!r}"
            )
        return value

    return parse


def path(text: str) -> str:
    """A type of flags: a path, whose ~ is the home directory, as most shells leave it behind =."""
    return text if os.path.lexists(text) else os.path.expanduser(text)


def directory(text: str) -> str:
    """A type of flags: the path of a directory; see `path`."""
    if not text:
        raise argparse.ArgumentTypeError("must be the name of a directory. Received: ''")
    return path(text)


def run(body: Callable[[], None], when_interrupted: str) -> int:
    """Runs `body` as the work of a command line; says `when_interrupted` after a signal.

    Returns:
        Exit status: 0, 1 after an error (`DatasetError`, OSError), 130 after Ctrl-C, 143 after
        SIGTERM, 129 after SIGHUP.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names need not be text.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with raised():
            body()
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        # Such as a folder that may not be read.
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except Interrupted as end:
        with contextlib.suppress(OSError):  # The terminal may be gone.
            print(f"interrupted; {when_interrupted}", file=sys.stderr)
        return int(end.code)
    return 0
