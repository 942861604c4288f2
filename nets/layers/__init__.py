"""One technique a file, as Keras layers."""

# Under which Keras registers every layer and network of this wing, for files that name them.
PACKAGE = "assembled_cnn"
