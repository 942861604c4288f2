"""The hall: where the wings meet. One room for each capability, one command for each task."""

import tensorflow_start  # noqa: F401 (before TensorFlow)
from official import early_interrupt

early_interrupt.guard()
