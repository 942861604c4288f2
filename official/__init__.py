"""The hall: where the wings meet. One room for each capability, one command for each task."""

import sys

from official import early_interrupt
from official.quiet_tensorflow import command_of, import_tensorflow

if command_of(sys.orig_argv) is not None:
    early_interrupt.guard()
# A list of commands needs nothing that takes seconds to import.
if command_of(sys.orig_argv) != "":
    import_tensorflow()
