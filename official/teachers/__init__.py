"""Teachers of a distillation: networks of any kind, fed as they want it."""

from official.teachers.loading import absolute, load
from official.teachers.teacher import Teacher

__all__ = ["Teacher", "absolute", "load"]
