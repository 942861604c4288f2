"""An exported model as a WSGI application: the REST API of TensorFlow Serving, and a page."""

import os
import re

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from official.export import serving
from official.run.errors import explain
from official.serve import page, rest

_MODELS = re.compile(
    r"/v1/models(?:/(?P<name>[^/:]+))?(?:/versions/(?P<version>\d+))?(?P<what>/metadata|:predict)?",
    re.IGNORECASE,
)
_IMAGES_RANK = 4
# What a model may be called.
NAME = re.compile(r"[A-Za-z0-9_.-]+")


class _NotFound(Exception):
    """There is no such model; HTTP status 404."""


class Application:
    """Answers requests about one model.

    `GET /v1/models/NAME` its status, `/metadata` behind it what it takes and gives; `POST
    /v1/models/NAME:predict` a prediction; `/versions/N` may follow NAME. `GET /` is a page on which
    a photo can be dropped.
    """

    def __init__(self, served: serving.Served, name: str, max_request_bytes: int):
        """Takes a model, what it is called in addresses, and the size of the largest request."""
        self.served = served
        self.name = name
        self.version = os.path.basename(served.path.rstrip("/"))
        if not self.version.isdecimal():
            self.version = "1"
        self._limit = max_request_bytes
        self._signatures = _signatures(served.path)
        self._page = page.html(served, name)

    def __call__(self, environ, start_response):
        """Answers a request, as WSGI has it."""
        request = Request(environ)
        request.max_content_length = self._limit
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response:
        """Returns the answer to a request, whatever it is."""
        try:
            return self._answer(request)
        except rest.BadRequest as error:
            return _json(rest.error(str(error)), 400)
        except _NotFound as error:
            return _json(rest.error(str(error)), 404)
        except tf.errors.InvalidArgumentError as error:
            return _json(rest.error(explain(error)), 400)
        except tf.errors.OpError as error:
            return _json(rest.error(explain(error)), 500)
        except HTTPException as error:
            limit = f"; the largest request has {self._limit} bytes" if error.code == 413 else ""
            return _json(rest.error(f"{error.name}{limit}"), error.code)

    def _answer(self, request: Request) -> Response:
        """Returns the answer to a request that can be answered."""
        if request.method not in ("GET", "HEAD", "POST"):
            return _json(rest.error(f"Malformed request: {request.method}"), 405)
        if request.path == "/" and request.method != "POST":
            return Response(self._page, content_type="text/html; charset=utf-8")
        found = _MODELS.fullmatch(request.path)
        predicts = bool(found) and (found["what"] or "").lower() == ":predict"
        if not found or (request.method == "POST") != predicts or not found["name"]:
            raise rest.BadRequest(f"Malformed request: {request.method} {request.path}")
        self._require(found["name"], found["version"], bool(found["what"]))
        if predicts:
            return _json(self._predict(request.get_data(cache=False)))
        if found["what"]:
            return _json(rest.metadata(self.name, self.version, self._signatures))
        return _json(rest.status(self.version))

    def _require(self, name: str, version: str | None, servable: bool) -> None:
        """Raises _NotFound for another model or version; `servable`: it was to be used."""
        if name == self.name and version in (None, self.version):
            return
        asked = f"Specific({name}, {version})" if version else f"Latest({name})"
        if servable:
            raise _NotFound(f"Servable not found for request: {asked}")
        if name != self.name:
            raise _NotFound(f"Could not find any versions of model {name}")
        raise _NotFound(f"Could not find version {version} of model {name}")

    def _predict(self, body: bytes) -> str:
        """Returns the outputs for the inputs of a request."""
        request, form = rest.read_request(body)
        name = request.get("signature_name") or rest.DEFAULT_SIGNATURE
        if name not in self._signatures:
            raise rest.BadRequest(f'Serving signature name: "{name}" not found in signature def')
        (called,) = self._signatures[name].inputs
        values = rest.input_values(request, form, called)
        if name == rest.DEFAULT_SIGNATURE:
            tensor = tf.constant(rest.images_of(values), tf.string)
        else:
            tensor = tf.constant(rest.numbers_of(values, _IMAGES_RANK))
        outputs = self.served.signature(name)(**{called: self._of_its_batch(tensor)})
        return rest.answer({key: np.asarray(value) for key, value in outputs.items()}, form)

    def _of_its_batch(self, tensor: tf.Tensor) -> tf.Tensor:
        """Returns a tensor [N, ...] of as many images as the model takes."""
        batch = self.served.options.export_batch_size
        if batch and len(tensor) != batch:
            raise rest.BadRequest(f"this model takes {batch} images at once, not {len(tensor)}")
        return tensor


def _json(text: str, status: int = 200) -> Response:
    """Returns an answer in JSON."""
    return Response(text, status, content_type="application/json")


def _signatures(path: str) -> dict:
    """Returns the signatures of a SavedModel as they are stored: SignatureDefs by name."""
    stored = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(path, "saved_model.pb"), "rb") as file:
        stored.ParseFromString(file.read())
    found = stored.meta_graphs[0].signature_def
    return {name: signature for name, signature in found.items() if not name.startswith("__")}
