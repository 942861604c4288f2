"""tf.data service: other hosts decode and augment the training images.

    python -m official.data_service --role=dispatcher --port=5050
    python -m official.data_service --role=worker --dispatcher=HOST:5050      # on each host
    python -m official.train --data_service=HOST:5050 ...

One dispatcher hands out the shards, workers read and augment them, `official.train` fetches the
batches. Each record is read once in a pass as long as no worker is lost.
"""

import signal
import socket
import sys
import threading

from absl import flags

from official.command import program
from official.input.data_service import PROTOCOL, start_dispatcher, start_worker
from official.run import allocator
from official.run.errors import RunError

FLAGS = flags.FLAGS


def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    if FLAGS.role == "dispatcher":
        server = start_dispatcher(FLAGS.port, FLAGS.work_dir)
        place = server.target.removeprefix(f"{PROTOCOL}://")
        print(f"dispatcher at {place}; workers and trainers name this host in its place")
    else:
        if not FLAGS.dispatcher:
            raise RunError("--dispatcher must be given for a worker: HOST:PORT of the dispatcher.")
        allocator.keep_freed_memory()
        server = start_worker(FLAGS.dispatcher, FLAGS.port, FLAGS.host)
        print(f"worker of {FLAGS.dispatcher}, reached as {FLAGS.host or socket.gethostname()}")
    sys.stdout.flush()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0):
        pass
    print(f"{FLAGS.role} stopped", file=sys.stderr)
    del server


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_enum("role", None, ["dispatcher", "worker"], "What this process is.")
    flags.DEFINE_integer("port", 0, "Port to listen at; 0: any free one.", lower_bound=0)
    flags.DEFINE_string("dispatcher", "", "Worker: HOST:PORT of the dispatcher.")
    flags.DEFINE_string("host", "", "Worker: name under which trainers reach it; default: its own.")
    flags.DEFINE_string(
        "work_dir", "", "Dispatcher: folder of its journal, with which it survives a restart."
    )


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("role",))
