"""Runs the commands of a row, one after the other, each in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable

from official.rows.chain import Step
from official.rows.registry import ROOT
from official.run.errors import RunError


class StepFailed(RunError):
    """A command ended with another status than 0; the chain ends with the same."""

    def __init__(self, step: Step, status: int):
        """Takes the command and its status."""
        super().__init__(
            f"this command ended with status {status}; the same call goes on from there:\n  {step}"
        )
        self.status = status


def run(steps: Iterable[Step]) -> None:
    """Runs commands in their order; what a signal stops ends in order, and so does this.

    Raises:
      StepFailed: one of them failed; those behind it were not started.
    """
    for step in steps:
        print(f"\n== {step}", file=sys.stderr, flush=True)
        status = _run(step)
        if status:
            raise StepFailed(step, status if status > 0 else 128 - status)


def _run(step: Step) -> int:
    """Returns the status of a command; a signal that this process gets is handed on to it."""
    command = [sys.executable, "-m", step.module, *step.arguments]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    output = open(step.output, "ab") if step.output else None
    try:
        # A session of its own: Ctrl-C at a terminal would reach it twice.
        process = subprocess.Popen(command, stdout=output, env=environ, start_new_session=True)
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt as error:
                process.send_signal(getattr(error, "number", signal.SIGINT))
    finally:
        if output:
            output.close()
