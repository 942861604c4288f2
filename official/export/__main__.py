"""`python -m official.export`; see `official.export.exporter`."""

from absl import flags

from official.command import program
from official.export import exporter

if __name__ == "__main__":
    __doc__ = exporter.__doc__
    exporter.define_flags()
    flags.adopt_module_key_flags(exporter)
    program.run(exporter.main, required=("model_dir", "export_dir"))
