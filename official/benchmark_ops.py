"""`python -m official.benchmark_ops`; see `official.benchmark.operations`."""

import tensorflow as tf
from absl import flags

from official.benchmark import operations
from official.command import program

if __name__ == "__main__":
    __doc__ = operations.__doc__
    operations.define_flags()
    flags.adopt_module_key_flags(operations)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    program.run(operations.main)
