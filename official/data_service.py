"""`python -m official.data_service`; see `official.input.data_service`."""

from absl import flags

from official.command import program
from official.input import data_service

if __name__ == "__main__":
    __doc__ = data_service.__doc__
    data_service.define_flags()
    flags.adopt_module_key_flags(data_service)
    program.run(data_service.main, required=("role",))
