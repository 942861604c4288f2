"""`python -m official.evaluate`; see `official.evaluate.evaluator`."""

from absl import flags

from official.command import program
from official.evaluate import evaluator

if __name__ == "__main__":
    __doc__ = evaluator.__doc__
    evaluator.define_flags()
    flags.adopt_module_key_flags(evaluator)
    program.run(evaluator.main, required=("model_dir",))
