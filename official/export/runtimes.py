"""What runs an exported network outside of TensorFlow: ONNX Runtime, LiteRT, OpenVINO.

This file imports nothing of the program and no TensorFlow, so that it also is a process of its own:

    python runtimes.py KIND FILE THREADS

Then it reads images from standard input, float32 [N, S, S, 3] under the name `images`, and answers
each with the outputs by name: both as `write_arrays` writes them.
"""

import io
import sys
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

# From prepared images, float32 [N, S, S, 3], to the outputs of a network by name.
Runner = Callable[[np.ndarray], dict[str, np.ndarray]]


def _onnx(path: str, threads: int) -> Runner:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors only.
    options.log_severity_level = 3
    with open(path, "rb") as file:
        session = onnxruntime.InferenceSession(file.read(), options, ["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {taken.name: images}), strict=True))


def _tflite(path: str, threads: int) -> Runner:
    """LiteRT; batches of another size than before make it plan anew."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    with open(path, "rb") as file:
        interpreter = Interpreter(model_content=file.read(), num_threads=threads or None)
    run = interpreter.get_signature_runner()
    (taken,) = run.get_input_details()
    return lambda images: run(**{taken: images})


def _openvino(path: str, threads: int) -> Runner:
    """OpenVINO on the CPU, in float32 also where the processor has bfloat16."""
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads:
        hints["INFERENCE_NUM_THREADS"] = str(threads)
    compiled = openvino.Core().compile_model(path, "CPU", hints)

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        found = compiled(images)
        return {output.get_any_name(): found[output] for output in compiled.outputs}

    return run


KINDS: dict[str, Callable[[str, int], Runner]] = {
    "onnx": _onnx,
    "tflite": _tflite,
    "openvino": _openvino,
}


def load(kind: str, path: str, threads: int = 0) -> Runner:
    """Returns what runs the network in a file.

    Args:
      kind: a key of `KINDS`.
      path: model.onnx, model.tflite or model.xml.
      threads: that it may use; 0: as many as the runtime takes by itself.

    Raises:
      ImportError: the runtime is not installed.
    """
    return KINDS[kind](path, threads)


def write_arrays(stream: BinaryIO, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays to a pipe: the length in 8 bytes, then an archive as `numpy.savez` makes it."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    stream.write(len(buffer.getvalue()).to_bytes(8, "little") + buffer.getvalue())
    stream.flush()


def read_arrays(stream: BinaryIO) -> dict[str, np.ndarray] | None:
    """Returns what `write_arrays` wrote; None where the pipe has ended."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    with np.load(io.BytesIO(stream.read(int.from_bytes(head, "little")))) as archive:
        return dict(archive)


def _answer_all() -> None:
    """Answers images until there are no more."""
    kind, path, threads = sys.argv[1:]
    run = load(kind, path, int(threads))
    while arrays := read_arrays(sys.stdin.buffer):
        write_arrays(sys.stdout.buffer, run(arrays["images"]))


if __name__ == "__main__":
    _answer_all()
