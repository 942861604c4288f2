"""The hall: flags, input pipeline, trainer, evaluation, export, benchmark, command lines."""
