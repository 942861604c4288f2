"""What every command line shares: start, devices, and one clear error instead of a stack trace."""

import os
import signal
import sys
from collections.abc import Callable

import tensorflow as tf
from absl import app, flags, logging

from datasets.errors import DatasetError
from official.command import original_flags, parsing
from official.run import signals
from official.run.errors import RunError, explain

FLAGS = flags.FLAGS
# What a shell gives for a process that SIGPIPE ended.
_CLOSED_PIPE = 141

# Flags whose values are paths.
_PATHS = (
    "data_dir", "model_dir", "export_dir", "output_dir", "saved_model", "checkpoint",
    "pretrained_model_checkpoint_path", "baseline_dir", "benchmark", "picture", "report_dir",
    "runs_dir", "smoke_dir", "tables", "output", "work_dir", "corrupted_dir",
)  # fmt: skip


def run(main: Callable[..., None], required: tuple[str, ...] = (), words: bool = False) -> None:
    """Parses the flags and runs `main`; exits with status 1 and `error: ...` where it cannot go on.

    A signal that asks for the end gets one line and the status 128 + its number.

    Flags that are `required` must have a value. Words that belong to no flag are welcome only with
    `words`; `main` takes them then.
    """
    for stream in (sys.stdout, sys.stderr):
        # Names that a terminal cannot show, or that are no UTF-8, are shown as far as they go.
        stream.reconfigure(errors="backslashreplace")
    try:
        with signals.interrupting():
            app.run(
                lambda argv: _guarded(main, argv[1:], required, words), flags_parser=parsing.parse
            )
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        signals.say(f"\nstopped by {number.name}")
        sys.exit(128 + number)


def _guarded(
    main: Callable[..., None], words: list[str], required: tuple[str, ...], welcome: bool
) -> None:
    """Runs `main` and turns expected failures into one line."""
    if not FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    try:
        _name_paths()
        missing = [f"--{name}" for name in required if not FLAGS[name].value]
        if missing:
            raise RunError(f"{', '.join(missing)} must be given; see --help.")
        if words and not welcome:
            hint = parsing.hint_of(words[0])
            raise RunError(f"unexpected arguments: {' '.join(words)}{hint}; see --help.")
        refused = original_flags.refused()
        if refused:
            raise RunError("; ".join(refused))
        for line in original_flags.ignored():
            print(f"note: {line}", file=sys.stderr)
        main(words) if welcome else main()
        _flush()
    except BrokenPipeError:
        # As after `| head`: nobody reads on. What is left in the buffer goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED_PIPE)
    except (RunError, DatasetError) as error:
        fail(str(error), error)
    except (tf.errors.OpError, OSError) as error:
        fail(explain(error), error)
    except UnicodeDecodeError as error:
        # TensorFlow quotes bytes that are no tf.train.Example in its error, as if they were text.
        quoted = bytes(error.object)[:60].decode("ascii", "backslashreplace")
        fail(f"the data could not be read: a record is damaged: {quoted}", error)


def _flush() -> None:
    """Writes out what was printed; what fails here has no name of its own."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RunError(f"standard output cannot be written: {error.strerror}") from error


def _name_paths() -> None:
    """Makes the home folder of `~` in flags that are paths: behind `=` no shell does it.

    Raises:
      RunError: a path is no UTF-8, as which TensorFlow takes every path.
    """
    for name in _PATHS:
        value = FLAGS[name].value if name in FLAGS else None
        if not isinstance(value, str):
            continue
        try:
            value.encode()
        except UnicodeEncodeError:
            shown = value.encode(errors="surrogateescape").decode(errors="backslashreplace")
            raise RunError(
                f"--{name}={shown}: TensorFlow takes names as UTF-8, which this is not; rename it, "
                "or reach it by a link of another name."
            ) from None
        FLAGS[name].value = os.path.expanduser(value)


def fail(message: str, error: BaseException | None = None) -> None:
    """Prints `error: message` and exits with the error's status, 1 unless it has one of its own.

    With --verbosity=1 the trace comes too.
    """
    if error is not None and logging.get_verbosity() >= logging.DEBUG:
        raise error
    print(f"error: {message}", file=sys.stderr)
    sys.exit(getattr(error, "status", 1))
