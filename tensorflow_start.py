"""Decides how TensorFlow starts: quietly, with which kernels of the CPU, and with which Keras.

Each wing imports this module first; it imports nothing itself, but waits for the first import of
TensorFlow in this process, whoever does it. Other processes inherit the settings by the
environment.

* Notes that TensorFlow's C++ side writes while it starts are left out. With
  TF_CPP_MIN_LOG_LEVEL=0 or 1 in the environment all of them are shown.
* Training asks for the oneDNN kernels: TensorFlow 2.15 takes them by itself only on CPUs with
  AVX-512 VNNI and the like, and on others they make a step up to a third shorter
  (docs/performance.md). TF_ENABLE_ONEDNN_OPTS in the environment decides otherwise. A GPU is not
  affected.
* `tf.keras` is Keras 2: the only one of TensorFlow 2.15, the package tf-keras with later ones.
"""

import contextlib
import functools
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence

_PACKAGE = "official"
# What setup.py installs.
_SCRIPT = "assembled-cnn"
_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
_LEGACY_KERAS = "TF_USE_LEGACY_KERAS"

# Level 2 keeps errors, so what is called one and is none is taken out by name: lines of every GPU
# build of 2.15; of 2.21 that no driver (303) or no GPU (100) is there. And notes that 2.21 writes
# before its level is set.
_FALSE_ALARM = re.compile(
    rb"Unable to register cu(DNN|FFT|BLAS) factory"
    rb"|failed call to cuInit: .*(UNKNOWN ERROR \(303\)|NO_DEVICE)"
    rb"|^[IW]\d{4} [\d:.]+ +\d+ \w+\.cc:\d+\]"
    rb"|^WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|^To enable the following instructions: "
)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as the others do, and makes its import quiet."""

    def find_spec(self, name, path=None, target=None):
        """Returns the spec of `tensorflow` with a quiet loader; None for every other module."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_execute, spec.loader.exec_module)
        return spec


def _execute(exec_module, module) -> None:
    """Executes TensorFlow's module, and lets it look for GPUs, of which 2.21 writes a line."""
    with _quiet():
        exec_module(module)
        module.config.list_physical_devices("GPU")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds what is written to standard error, and lets it out but for the false alarms.

    Also where the body fails.
    """
    sys.stderr.flush()
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(standard_error, 2)
            os.close(standard_error)
            held.seek(0)
            os.write(2, without_false_alarms(held.read()))


def _prepare() -> None:
    """Makes the settings.

    Raises:
      ImportError: TensorFlow was imported before, and has taken Keras 3.
    """
    if command_of(sys.orig_argv) == "train":
        os.environ.update(environment(training=True))
    # TensorFlow 2.15 would look for the package, too.
    if importlib.util.find_spec("tf_keras") is not None:
        os.environ[_LEGACY_KERAS] = "1"
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        # Read once, at the import: no notes on CPU features and missing CUDA libraries.
        if os.environ.setdefault(_LOG_LEVEL, "2") not in ("0", "1"):
            sys.meta_path.insert(0, _Finder())
    # With TensorFlow imported, but `tf.keras` not used until now, this takes Keras 2.
    elif getattr(tensorflow.keras, "__version__", "2").startswith("3"):
        raise ImportError(
            "this program needs Keras 2, but tf.keras is Keras 3 in this process already. Import "
            "nets, preprocessing, datasets or official before tf.keras is used, or set "
            f"{_LEGACY_KERAS}=1 in the environment."
        )


def command_of(arguments: Sequence[str]) -> str | None:
    """Returns which command of this program a command line, as in `sys.orig_argv`, runs.

    Returns:
      `train` for `python -m official.train ...`, `python -m official train ...` and
      `assembled-cnn train ...`; "" where the commands are to be listed; None for other programs.
    """
    words = iter(arguments[1:])
    for word in words:
        if word in ("-W", "-X"):
            next(words, None)
        elif word == "-c":
            return None
        elif word.startswith("-m"):
            program = word[2:] or next(words, "")
            break
        elif not word.startswith("-"):
            program = os.path.basename(word)
            break
    else:
        return None
    if program not in (_PACKAGE, _SCRIPT):
        name = program.removeprefix(f"{_PACKAGE}.")
        return name if name != program else None
    first = next(words, "")
    return "" if first in ("", "-h", "--help", "help") else first


def environment(training: bool) -> dict[str, str]:
    """Returns the environment for a process that trains, or does not: this one's, with oneDNN."""
    kernels = {_ONEDNN: "1"} if training else {}
    return {**kernels, **os.environ}


def without_false_alarms(text: bytes) -> bytes:
    """Returns `text` without the lines that TensorFlow's start writes where nothing is wrong."""
    return b"".join(
        line for line in text.splitlines(keepends=True) if not _FALSE_ALARM.search(line)
    )


_prepare()
