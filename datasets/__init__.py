"""Bytes on disk: what each data set is, converters to TFRecord, readers of TFRecord."""

import tensorflow_start  # noqa: F401 (before TensorFlow)
