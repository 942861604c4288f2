"""Files of flags, which may name others: what an experiment is, and what it adds to another."""

import os
import pathlib
from collections.abc import Iterable


class BadFlagFile(ValueError):
    """A file of flags that cannot be read; the message is one line."""


def expanded(arguments: Iterable[str], inside: tuple[str, ...] = ()) -> list[str]:
    """Puts what flag files hold in the place of each --flagfile; later flags win.

    A relative path in a flag file is looked for in the folder of that file and in those above it,
    then in the working directory.

    Args:
      arguments: words of a command line.
      inside: the flag files around them.

    Raises:
      BadFlagFile: one cannot be read, or names itself.
    """
    words, rest = [], iter(arguments)
    for word in rest:
        if word == "--":
            return [*words, word, *rest]
        name, given, path = word.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            words.append(word)
            continue
        path = _found(path if given else next(rest, ""), inside)
        if path in inside:
            raise BadFlagFile(f"--flagfile={path}: it names itself, by way of {inside[-1]}.")
        words += expanded(lines(path), (*inside, path))
    return words


def lines(path: str) -> list[str]:
    """Returns the flags in a file, one for each line, without comments; raises BadFlagFile."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            stripped = [line.strip() for line in file]
    except OSError as error:
        raise BadFlagFile(f"--flagfile={path} cannot be read: {error.strerror}") from error
    return [line for line in stripped if line and not line.startswith(("#", "//"))]


def _found(path: str, inside: tuple[str, ...]) -> str:
    """Returns where a flag file lies that was named on a command line or in a flag file."""
    path = os.path.expanduser(path)
    if inside and not os.path.isabs(path):
        for folder in pathlib.Path(inside[-1]).parents:
            if os.path.isfile(folder / path):
                return str(folder / path)
    return os.path.abspath(path)
