"""`python -m official.predict`; see `official.export.prediction`."""

from absl import flags

from official.command import program
from official.export import prediction

if __name__ == "__main__":
    __doc__ = prediction.__doc__
    prediction.define_flags()
    flags.adopt_module_key_flags(prediction)
    program.run(prediction.main, required=("saved_model",), words=True)
