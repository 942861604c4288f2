"""The hall: flags, input pipeline, trainer, evaluation, export, benchmark, command lines."""

import os

# Read once, when TensorFlow is first imported: keeps its start-up notes (CPU features, missing
# CUDA libraries) away from the user. An explicit setting of the user's wins.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
