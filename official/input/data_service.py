"""tf.data service: other hosts decode and augment the training images; docs/input_pipeline.md."""

import socket

import tensorflow as tf

from official.run.errors import RunError

PROTOCOL = "grpc"
_CONNECT_SECONDS = 10


def distribute(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """Returns `batches` computed by the workers of the service at `address`, see `reachable`.

    Their source must be a range, so that its numbers can be handed out one by one.

    Raises:
      RunError: nobody listens there, or it is no dispatcher.
    """
    place, service = reachable(address), tf.data.experimental.service
    mode = service.ShardingPolicy.DYNAMIC
    try:
        return batches.apply(service.distribute(mode, service=f"{PROTOCOL}://{place}"))
    except tf.errors.UnimplementedError as error:
        raise _no_dispatcher("--data_service", place) from error


def reachable(address: str) -> str:
    """Returns HOST:PORT of a dispatcher that can be reached; `address` may start with `grpc://`.

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
    """Starts a dispatcher in this process, which with a journal in `work_dir` survives a restart.

    Port 0 is any free one.
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
    """Starts a worker in this process, of the dispatcher at HOST:PORT; see `reachable`.

    Port 0 is any free one. `host` is the name under which the trainer reaches this host; by default
    its own.
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
