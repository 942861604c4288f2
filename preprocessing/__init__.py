"""Image and batch transformations for tf.data: pure functions."""
