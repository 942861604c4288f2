"""Settings that must stand before TensorFlow is imported by any test."""

import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow_start  # noqa: E402, F401
