"""Keras layers and models: tensors in, tensors out."""
