"""Asks a server about encoded images: TensorFlow Serving's, or `python -m official.serve`.

Over REST (`HOST:8501`, `http://HOST:8501/v1/models/NAME`) or gRPC (`grpc://HOST:8500/NAME`).
"""

import base64
import json
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import requests

from official.run.errors import RunError

_DEFAULT_NAME = "model"
_SIGNATURE = "serving_default"
# What makes sense to be asked for again: too many requests, and a server that is not there yet.
_PASSING = {429, 502, 503, 504}
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 8.0
_ADDRESS = re.compile(
    r"(?:(?P<scheme>\w+)://)?(?P<host>[^/\s]+?):(?P<port>\d+)(?:/v1/models)?(?:/(?P<name>[^/:]+))?/?"
)
_NO_STUBS = (
    "the package tensorflow-serving-api is not installed: pip install --no-deps "
    "tensorflow-serving-api==2.15.1 (2.21.0 with TensorFlow 2.21)"
)
_Answer = TypeVar("_Answer")
# The outputs of a model by name, [N, ...].
Outputs = dict[str, np.ndarray]


class Address(NamedTuple):
    """Where a model is served; `grpc` or http."""

    scheme: str
    host: str
    name: str

    @classmethod
    def of(cls, text: str) -> "Address":
        """Returns the address that `--server` says.

        Raises:
          RunError: it says none.
        """
        found = _ADDRESS.fullmatch(text)
        if not found or (found["scheme"] or "http") not in ("http", "https", "grpc"):
            raise RunError(
                f"--server={text} must be HOST:8501 or http://HOST:8501 for REST, grpc://HOST:8500 "
                "for gRPC; /NAME behind it, where the model is not called `model`."
            )
        host = f"{found['host']}:{found['port']}"
        return cls(found["scheme"] or "http", host, found["name"] or _DEFAULT_NAME)

    def __str__(self) -> str:
        """Returns it as it would be given."""
        return f"{self.scheme}://{self.host}/{self.name}"


class _Passing(Exception):
    """A failure that may be over when it is tried again."""


class Client:
    """Sends encoded images to a server, and tries again where that can help.

    A prediction changes nothing on the server, so a request may be sent again: after 0.25 seconds,
    then twice as long each time, up to 8, each time a random part of it less, so that many
    clients do not come back at once.
    """

    def __init__(self, server: str, deadline: float = 60.0, retries: int = 5):
        """Takes an address, the seconds until an answer must be there, and tries after the first.

        Raises:
          RunError: no such address, or gRPC without its package.
        """
        self.address = Address.of(server)
        self._deadline = deadline
        self._retries = retries
        connect = _grpc if self.address.scheme == "grpc" else _rest
        self._send = connect(self.address)

    def answers(self, encoded: Sequence[bytes]) -> Outputs:
        """Returns the outputs of the signature `serving_default` for encoded images, at least one.

        Raises:
          RunError: the server refuses the request, or gives no answer in time.
        """
        return self._until_it_works(lambda seconds: self._send(encoded, seconds))

    def _until_it_works(self, send: Callable[[float], _Answer]) -> _Answer:
        """Calls `send` with the seconds that are left, again after failures that may pass."""
        end = time.monotonic() + self._deadline
        said = ""
        for trial in range(self._retries + 1):
            try:
                return send(max(end - time.monotonic(), 0.001))
            except _Passing as error:
                said = str(error)
            wait = min(_FIRST_WAIT * 2**trial, _LONGEST_WAIT) * random.uniform(0.5, 1)
            if trial == self._retries or time.monotonic() + wait > end:
                break
            print(f"note: {self.address}: {said}; again in {wait:.1f} s", file=sys.stderr)
            time.sleep(wait)
        raise RunError(
            f"{self.address} gave no answer, tried {trial + 1} times within --deadline="
            f"{self._deadline:g} seconds: {said}"
        )


def _rest(address: Address) -> Callable[[Sequence[bytes], float], Outputs]:
    """Returns what sends images over REST; connections are kept."""
    session = requests.Session()
    url = f"{address.scheme}://{address.host}/v1/models/{address.name}:predict"

    def send(encoded: Sequence[bytes], seconds: float) -> Outputs:
        images = [{"b64": base64.b64encode(image).decode()} for image in encoded]
        try:
            answer = session.post(url, json={"inputs": {"image_bytes": images}}, timeout=seconds)
        except requests.Timeout as error:
            raise _Passing("the deadline is over") from error
        except requests.RequestException as error:
            raise _Passing(_reason(error)) from error
        if answer.status_code in _PASSING:
            raise _Passing(f"HTTP status {answer.status_code}")
        found = _object(answer, address)
        if answer.status_code != 200 or "outputs" not in found:
            said = found.get("error", answer.text[:200])
            raise RunError(f"{address} answers {answer.status_code}: {said}")
        outputs = found["outputs"]
        if not isinstance(outputs, dict) or "status" not in outputs:
            raise RunError(f"{address} serves no model that `python -m official.export` wrote.")
        return {name: np.array(values) for name, values in outputs.items()}

    return send


def _object(answer: requests.Response, address: Address) -> dict:
    """Returns the JSON object of an answer."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RunError(
            f"{address} answers {answer.status_code} with {answer.text[:80]!r}, which is not the "
            "REST API of TensorFlow Serving: is it the port for REST (8501)?"
        )
    return found


def _reason(error: BaseException) -> str:
    """Returns why a request failed, without the names of Python objects around it."""
    text = str(error)
    for known in ("Connection refused", "Name or service not known", "Connection reset"):
        if known in text:
            return known
    return text.splitlines()[0][:200] if text else type(error).__name__


def _grpc(address: Address) -> Callable[[Sequence[bytes], float], Outputs]:
    """Returns what sends images over gRPC."""
    try:
        import grpc
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError as error:
        raise RunError(f"--server={address}: {_NO_STUBS}") from error
    import tensorflow as tf

    passing = {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
    }
    unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
    channel = grpc.insecure_channel(address.host, unlimited)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def send(encoded: Sequence[bytes], seconds: float) -> Outputs:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = address.name
        request.model_spec.signature_name = _SIGNATURE
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(encoded), tf.string))
        try:
            answer = stub.Predict(request, timeout=seconds)
        except grpc.RpcError as error:
            said = f"{error.code().name}: {error.details()}"
            if error.code() in passing:
                raise _Passing(said) from error
            raise RunError(f"{address} answers {said}") from error
        if "status" not in answer.outputs:
            raise RunError(f"{address} serves no model that `python -m official.export` wrote.")
        return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}

    return send
