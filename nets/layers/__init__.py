"""Layers, one technique in a file."""
