"""`python -m official.import_checkpoint`; see `official.checkpoints.importing`."""

from absl import flags

from official.checkpoints import importing
from official.command import program

if __name__ == "__main__":
    __doc__ = importing.__doc__
    importing.define_flags()
    flags.adopt_module_key_flags(importing)
    program.run(importing.main, required=("checkpoint", "model_dir"))
