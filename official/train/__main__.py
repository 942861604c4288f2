"""`python -m official.train`; see `official.train.loop`."""

from absl import flags

from official.command import program
from official.train import loop

if __name__ == "__main__":
    __doc__ = loop.__doc__
    loop.define_flags()
    flags.adopt_module_key_flags(loop)
    program.run(loop.main, required=("model_dir",))
