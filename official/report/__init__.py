"""Finished runs in a table and a picture."""
