"""`python -m official.benchmark`; see `official.benchmark.saved_model`."""

from absl import flags

from official.benchmark import saved_model
from official.command import program

if __name__ == "__main__":
    __doc__ = saved_model.__doc__
    saved_model.define_flags()
    flags.adopt_module_key_flags(saved_model)
    program.run(saved_model.main)
