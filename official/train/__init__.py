"""Training: one step, and what happens around the steps."""

from official.train.loop import run

__all__ = ["run"]
