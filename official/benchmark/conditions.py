"""Under which conditions something is measured: driver, clock, versions, threads."""

import importlib.metadata
import os
import subprocess

import tensorflow as tf

from datasets import granted

_RUNTIMES = {"onnx": "onnxruntime", "tflite": "ai-edge-litert", "openvino": "openvino"}


def of_machine() -> dict[str, str | int]:
    """Returns `driver`, `clock_mhz` and `threads`; what cannot be read is empty.

    The clock is that of the GPU, or the mean of the processors', at this moment.
    """
    driver = clock = ""
    if tf.config.list_physical_devices("GPU"):
        driver, clock = _of_nvidia_smi()
    else:
        clocks = [float(value) for value in _of_cpuinfo("cpu MHz")]
        clock = str(round(sum(clocks) / len(clocks))) if clocks else ""
    return {"driver": driver, "clock_mhz": clock, "threads": granted.cpus()}


def versions(kind: str) -> str:
    """Returns TensorFlow's version, or that of the runtime of an export's format."""
    package = _RUNTIMES.get(kind.removesuffix("_int8"))
    if package is None:
        kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
        return f"tensorflow {tf.__version__}" + (f", oneDNN {kernels}" if kernels else "")
    return f"{package} {importlib.metadata.version(package)}"


def _of_cpuinfo(field: str) -> list[str]:
    """Returns a field of each processor in /proc/cpuinfo."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:
            return [line.split(":", 1)[1].strip() for line in handle if line.startswith(field)]
    except OSError:
        return []


def _of_nvidia_smi() -> tuple[str, str]:
    """Returns the driver's version and the clock in MHz of the first GPU."""
    query = "--query-gpu=driver_version,clocks.sm"
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        driver, clock = said.stdout.splitlines()[0].split(", ")
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return "", ""
    return driver, clock
