"""Weights from elsewhere: the original's checkpoints, and other runs."""
