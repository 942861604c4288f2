"""What every command line shares: start, devices, and one clear error instead of a stack trace."""

import os
import re
import sys
from collections.abc import Callable

import tensorflow as tf
from absl import app, flags, logging

from datasets.errors import DatasetError
from official.command import flags as run_flags
from official.run.configuration import DTYPES, RunError

FLAGS = flags.FLAGS

# What TensorFlow raises for a full or failing disk, unreadable records or broken pictures.
_DATA_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
)
_DISK_WORDS = ("no space left", "file too large", "disk quota", "enospc")


def run(main: Callable[..., None], required: tuple[str, ...] = (), words: bool = False) -> None:
    """Parses the flags and runs `main`; exits with status 1 and `error: ...` where it cannot go on.

    Args:
      main: the command's work; takes the words after the flags if `words`, else nothing.
      required: flags that must have a value.
      words: whether words that belong to no flag are welcome.
    """
    app.run(lambda argv: _guarded(main, argv[1:], required, words))


def _guarded(
    main: Callable[..., None], words: list[str], required: tuple[str, ...], welcome: bool
) -> None:
    """Runs `main` and turns expected failures into one line."""
    if not FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    try:
        missing = [f"--{name}" for name in required if not FLAGS[name].value]
        if missing:
            raise RunError(f"{', '.join(missing)} must be given; see --help.")
        if words and not welcome:
            raise RunError(f"unexpected arguments: {' '.join(words)}; see --help.")
        refused = run_flags.refused_flags()
        if refused:
            raise RunError("; ".join(refused))
        for line in run_flags.ignored_flags():
            print(f"note: {line}", file=sys.stderr)
        main(words) if welcome else main()
    except (RunError, DatasetError, OSError) as error:
        fail(str(error), error)
    except tf.errors.OpError as error:
        fail(explain(error), error)
    except UnicodeDecodeError as error:
        # TensorFlow quotes bytes that are no tf.train.Example in its error, as if they were text.
        quoted = bytes(error.object)[:60].decode("ascii", "backslashreplace")
        fail(f"the data could not be read: a record is damaged: {quoted}", error)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)


def fail(message: str, error: BaseException | None = None) -> None:
    """Prints `error: message` and exits with status 1; with --verbosity=1 the trace comes too."""
    if error is not None and logging.get_verbosity() >= logging.DEBUG:
        raise error
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def explain(error: tf.errors.OpError) -> str:
    """Returns one line for a TensorFlow error: its cause without the graph's inside."""
    text = _first_cause(str(error.message or error))
    if isinstance(error, tf.errors.ResourceExhaustedError) and "allocat" in text.lower():
        return f"out of memory: {text}. Try a smaller --batch_size or --image_size."
    if any(word in text.lower() for word in _DISK_WORDS):
        return f"the disk is full or its quota is used up; nothing half-written was kept: {text}"
    if isinstance(error, _DATA_ERRORS):
        return f"the data could not be read: {text}"
    return f"TensorFlow stopped: {text}"


_ASSERTED = "asserted: "


def _first_cause(text: str) -> str:
    """Returns the part of a TensorFlow message that says what happened."""
    noise = re.compile(
        r"^(Graph execution error|Detected at node|File |\[\[|\d+ root error|Original stack|"
        r"\d+ (successful|derived)|\(\d+\) (?![A-Z_]+:)|<)"
    )
    # What an assertion says where there is no graph: a line for each value.
    text = re.sub(r"^Expected '[^']*' to be true\. Summarized data: ", _ASSERTED, text)
    if text.startswith(_ASSERTED):
        values = text.removeprefix(_ASSERTED).splitlines()
        return " ".join(re.sub(r"^b(['\"])(.*)\1$", r"\2", value.strip()) for value in values)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not noise.match(line)]
    cause = lines[0] if lines else "unknown cause"
    cause = re.sub(r"^\(\d+\) [A-Z_]+:\s*", "", cause)
    cause = re.sub(r"\{\{[^}]*\}\}\s*", "", cause)
    cause = re.sub(r"\s*\[Op:\w+\].*$", "", cause).strip()
    # Of a tf.data service; its workers fetch from a server of their own.
    cause = re.sub(r"^(Failed to get element( from worker \S+)?: )+", "", cause)
    if cause.startswith("assertion failed: "):
        cause = re.sub(r"[\[\]]", "", cause.removeprefix("assertion failed: "))
    return cause


def strategy(num_gpus: int = -1) -> tf.distribute.Strategy:
    """Returns a MirroredStrategy over GPUs, or over the one CPU where there is none.

    Args:
      num_gpus: GPUs to use; -1: all there are; 0: the CPU.

    Raises:
      RunError: more GPUs were asked for than there are.
    """
    logical = tf.config.list_logical_devices("GPU")
    if num_gpus > len(logical):
        raise RunError(
            f"--num_gpus={num_gpus}, but TensorFlow sees {len(logical)}. Use --num_gpus=0 for the "
            "CPU, or install the GPU build with `pip install -e .[gpu]`."
        )
    count = len(logical) if num_gpus < 0 else num_gpus
    if count:
        return tf.distribute.MirroredStrategy([device.name for device in logical[:count]])
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy(cpus)


def set_precision(dtype: str) -> None:
    """Sets the Keras policy for --dtype: fp32, fp16 or bf16."""
    tf.keras.mixed_precision.set_global_policy(DTYPES[dtype])


def describe_devices(scope: tf.distribute.Strategy) -> str:
    """Returns the devices of a strategy in words, such as `1 CPU (2 cores)`."""
    gpus = [name for name in scope.extended.worker_devices if "GPU" in name.upper()]
    if gpus:
        return f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}"
    return f"{scope.num_replicas_in_sync} CPU device ({os.cpu_count()} cores)"
