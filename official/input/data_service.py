"""tf.data service: other hosts decode and augment the training pictures.

    python -m official.data_service --role=dispatcher --port=5050
    python -m official.data_service --role=worker --dispatcher=HOST:5050      # on each host
    python -m official.train --data_service=HOST:5050 ...

One dispatcher hands out the shards, workers read and augment them, `official.train` fetches the
batches. Each record is read once in a pass as long as no worker is lost. See
docs/input_pipeline.md.
"""

import signal
import socket
import sys
import threading

import tensorflow as tf
from absl import flags

from official.run import allocator
from official.run.configuration import RunError

FLAGS = flags.FLAGS

PROTOCOL = "grpc"
_CONNECT_SECONDS = 10


def distribute(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """Returns `batches` computed by the workers of the service at `address`.

    Args:
      batches: whose source is a range, so that its numbers can be handed out one by one.
      address: HOST:PORT of the dispatcher, with or without `grpc://`.

    Raises:
      RunError: nobody listens there, or it is no dispatcher.
    """
    place = reachable(address)
    try:
        return batches.apply(
            tf.data.experimental.service.distribute(
                processing_mode=tf.data.experimental.service.ShardingPolicy.DYNAMIC,
                service=f"{PROTOCOL}://{place}",
            )
        )
    except tf.errors.UnimplementedError as error:
        raise _no_dispatcher("--data_service", place) from error


def reachable(address: str) -> str:
    """Returns HOST:PORT of a dispatcher that can be reached.

    TensorFlow itself would go on trying for an hour without a word.

    Raises:
      RunError: malformed, or nobody listens there.
    """
    place = address.removeprefix(f"{PROTOCOL}://")
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise RunError(
            f"the data service must be HOST:PORT, such as host7:5050. Received: {address!r}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise RunError(
            f"no tf.data service answers at {place} ({error.strerror or error}): start one with "
            f"`python -m official.data_service --role=dispatcher --port={port}` on that host, and "
            "workers beside it."
        ) from error
    return place


def _no_dispatcher(flag: str, place: str) -> RunError:
    """Returns the error for an address at which something else answers, such as a worker."""
    return RunError(
        f"{flag}={place} is no dispatcher of a tf.data service, but something else, such as a "
        "worker: give the address of `python -m official.data_service --role=dispatcher`."
    )


def start_dispatcher(port: int, work_dir: str = "") -> tf.data.experimental.service.DispatchServer:
    """Starts a dispatcher in this process.

    Args:
      port: to listen at; 0: any free one.
      work_dir: folder for its journal, with which it survives a restart; empty: none is kept.
    """
    return tf.data.experimental.service.DispatchServer(
        tf.data.experimental.service.DispatcherConfig(
            port=port,
            protocol=PROTOCOL,
            work_dir=work_dir or None,
            fault_tolerant_mode=bool(work_dir),
        )
    )


def start_worker(
    dispatcher: str, port: int = 0, host: str = ""
) -> tf.data.experimental.service.WorkerServer:
    """Starts a worker in this process.

    Args:
      dispatcher: HOST:PORT of the dispatcher.
      port: to listen at; 0: any free one.
      host: name or address under which the trainer reaches this host; default: its own name.

    Raises:
      RunError: no dispatcher answers.
    """
    place = reachable(dispatcher)
    try:
        return tf.data.experimental.service.WorkerServer(
            tf.data.experimental.service.WorkerConfig(
                dispatcher_address=place,
                # TensorFlow puts the port that it got in place of the word.
                worker_address=f"{host or socket.gethostname()}:%port%",
                port=port,
                protocol=PROTOCOL,
            )
        )
    except NotImplementedError as error:
        raise _no_dispatcher("--dispatcher", place) from error


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
