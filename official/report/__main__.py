"""`python -m official.report`; see `official.report.report`."""

from absl import flags

from official.command import program
from official.report import report

if __name__ == "__main__":
    __doc__ = report.__doc__
    report.define_flags()
    flags.adopt_module_key_flags(report)
    program.run(report.main, required=("model_dir",))
