"""`python -m official.show`; see `official.command.show`."""

from absl import flags

from official.command import program, show

if __name__ == "__main__":
    __doc__ = show.__doc__
    show.define_flags()
    flags.adopt_module_key_flags(show)
    program.run(show.main, required=("data_dir",))
