"""Finished runs in a table and an image."""
