"""Every row in miniature, one after the other, and a table of how that went."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import TextIO

from official.rows.registry import Row
from official.run import files

_HEAD = "| row | status | seconds | CPU seconds |\n|---|---|---|---|\n"


def run(rows: Iterable[Row], output: str, say: TextIO) -> int:
    """Runs rows with --smoke, each in a process of its own; writes a table after each of them.

    Args:
      rows: those to run.
      output: the file of the table, Markdown.
      say: where a line for each row goes; of one that fails its last lines, too.

    Returns:
      How many failed.
    """
    table, failed = _HEAD, 0
    for row in rows:
        start, used = time.monotonic(), _cpu_seconds()
        command = [sys.executable, "-m", "official.rows", "run", row.name, "--smoke"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        word = "passed" if done.returncode == 0 else f"failed ({done.returncode})"
        seconds, used = time.monotonic() - start, _cpu_seconds() - used
        failed += done.returncode != 0
        table += f"| {row.name} | {word} | {seconds:.0f} | {used:.0f} |\n"
        print(
            f"{row.name:42} {word}, {seconds:.0f} s ({used:.0f} s of CPU time)",
            file=say,
            flush=True,
        )
        if done.returncode:
            print("\n".join(done.stdout.splitlines()[-5:]), file=say, flush=True)
        files.write_text(output, table)
    return failed


def _cpu_seconds() -> float:
    """Returns the CPU time of the processes that were run so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
