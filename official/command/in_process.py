"""Runs commands inside of another one."""

import importlib
import sys
from collections.abc import Sequence

from absl import flags

from official.command import parsing

FLAGS = flags.FLAGS
# Whose flags every process has.
_OTHERS = ("absl", "tensorflow")


def call(module: str, arguments: Sequence[str]) -> None:
    """Runs `main` of a command with these words; the flags that there were are gone afterwards.

    Args:
      module: such as official.train.
      arguments: its words.

    Raises:
      BadCommandLine: the words cannot be read; else what the command raises.
    """
    command = importlib.import_module(module)
    if hasattr(command, "__path__"):
        command = importlib.import_module(f"{module}.__main__")
    for name in set(FLAGS):
        if not (FLAGS.find_module_defining_flag(name) or "").startswith(_OTHERS):
            delattr(FLAGS, name)
    FLAGS.unparse_flags()
    FLAGS.set_gnu_getopt(False)
    command.define_flags()
    sys.argv = [f"python -m {module}", *arguments]
    parsing.read(sys.argv)
    command.main()
