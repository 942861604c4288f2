"""Which part of an image is taken, and its size."""
