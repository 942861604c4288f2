"""The hall: where the wings meet. One room for each capability, one command for each task."""

import tensorflow_start  # noqa: F401 (before TensorFlow)
from official import early_interrupt

early_interrupt.guard()


def __getattr__(name: str):
    """`official.load` and `official.load_network`, imported when somebody asks for one."""
    if name == "load_network":
        from official.checkpoints.loading import load_network

        return load_network
    if name == "load":
        from official.run.network import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
