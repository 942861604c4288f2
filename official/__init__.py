"""The hall: flags, input pipeline, trainer, evaluation, export, benchmark, command lines."""

from official.quiet_tensorflow import import_tensorflow

import_tensorflow()
