"""Serves an exported model over HTTP, for a desk and for tests.

    python -m official.serve --saved_model DIR

Answers the REST API of TensorFlow Serving (status, metadata, predict), and shows a page on which a
photo can be dropped. For many users TensorFlow Serving takes the same folder: docs/serving.md.
"""

import sys
import threading

import tensorflow as tf
import waitress
from absl import flags

from official.command import program
from official.export import serving
from official.run import RunError, allocator, devices
from official.serve import app

FLAGS = flags.FLAGS
_MEGA = 1_000_000


def main() -> None:
    """Serves until a signal ends it."""
    if not app.NAME.fullmatch(FLAGS.model_name):
        raise RunError(
            f"--model_name={FLAGS.model_name} must be letters, digits, _, - and . only: it is a "
            "part of addresses."
        )
    allocator.return_freed_memory()
    tf.config.experimental.enable_tensor_float_32_execution(FLAGS.tf32)
    devices.use_what_is_granted()
    served = serving.Served(FLAGS.saved_model)
    limit = FLAGS.max_request_megabytes * _MEGA
    application = app.Application(served, FLAGS.model_name, limit)
    # The first call makes the graph; nobody has to wait for it.
    served.answers([b""])
    try:
        server = waitress.create_server(
            application,
            host=FLAGS.host,
            port=FLAGS.port,
            threads=FLAGS.threads,
            max_request_body_size=2 * limit,
            ident=None,
        )
    except OSError as error:
        raise RunError(
            f"{FLAGS.host}:{FLAGS.port} cannot be listened at: {error.strerror}; choose another "
            "--port, or --port=0 for a free one."
        ) from error
    # waitress ends at a signal without a word, so it has no part in them.
    threading.Thread(target=server.run, daemon=True).start()
    address = f"http://{FLAGS.host}:{server.effective_port}"
    print(f"{served.path} is served at {address}/v1/models/{FLAGS.model_name}", flush=True)
    print(f"open {address} in a browser; Ctrl-C ends it", file=sys.stderr)
    try:
        threading.Event().wait()
    finally:
        server.close()


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_string(
        "host", "127.0.0.1", "Address to listen at; 0.0.0.0: all of this machine's, for everybody."
    )
    flags.DEFINE_integer("port", 8501, "Port to listen at; 0: a free one.", 0, 65535)
    flags.DEFINE_string("model_name", "model", "Name in addresses: /v1/models/NAME:predict.")
    flags.DEFINE_integer("threads", 4, "Requests that are answered at a time.", lower_bound=1)
    flags.DEFINE_integer("max_request_megabytes", 64, "Largest request, in 10^6 bytes.", 1, 10_000)
    flags.DEFINE_boolean("tf32", False, "Let NVIDIA GPUs multiply in TF32: faster, less exact.")


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("saved_model",))
