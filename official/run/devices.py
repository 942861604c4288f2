"""Which devices compute, and in what precision."""

import contextlib
import platform
from collections.abc import Iterator

import tensorflow as tf

from datasets import granted
from official.run.errors import RunError
from official.run.recipe_choices import DTYPES


def use_what_is_granted() -> None:
    """Takes as many threads as this process may use processors, where that is fewer than it sees.

    TensorFlow counts those that it sees: in a container with a quota all of the machine. Call it
    before anything is computed; later it changes nothing.
    """
    cpus = granted.cpus()
    if cpus < granted.visible_cpus():
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(cpus)


def placed_softly(num_gpus: int) -> int:
    """Returns `num_gpus`, but 0, the CPU, where that is 1 and there is no GPU."""
    return 0 if num_gpus == 1 and not tf.config.list_logical_devices("GPU") else num_gpus


def strategy(num_gpus: int = -1) -> tf.distribute.Strategy:
    """Returns a MirroredStrategy over so many GPUs; -1: all there are, or the CPU; 0: the CPU.

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


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Sets the Keras policy for --dtype while the body builds a network."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(DTYPES[dtype])
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def on_gpus(scope: tf.distribute.Strategy) -> bool:
    """Whether the devices of a strategy are GPUs."""
    return any("GPU" in name.upper() for name in scope.extended.worker_devices)


def describe_devices(scope: tf.distribute.Strategy) -> str:
    """Returns the devices of a strategy in words, such as `1 CPU (2 cores)`."""
    gpus = [name for name in scope.extended.worker_devices if "GPU" in name.upper()]
    if gpus:
        return f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}"
    return f"{scope.num_replicas_in_sync} CPU device ({granted.cpus()} cores)"


def device_name() -> str:
    """Returns the name of the GPU, or of the processor and its number of cores."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("device_name", gpus[0].name)
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:
            models = [line.split(":", 1)[1].strip() for line in handle if "model name" in line]
    except OSError:
        return name
    return f"{models[0]}, {len(models)} cores" if models else name
