"""The texts of TensorFlow Serving's REST API: requests to tensors, tensors to answers.

https://www.tensorflow.org/tfx/serving/api_rest describes them. Numbers, signs and indentation of
the answers are those of its examples. Of outputs that have names, which TensorFlow Serving gives
in no order that it promises, the names are sorted.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

# How a request has its inputs, and its answer the outputs.
ROWS, COLUMNS = "instances", "inputs"
_ANSWERED_AS = {ROWS: "predictions", COLUMNS: "outputs"}
DEFAULT_SIGNATURE = "serving_default"
_B64 = "b64"
_INDENT = 4


class BadRequest(ValueError):
    """A request that cannot be answered: the message says why; HTTP status 400."""


class Verbatim(str):
    """A number as the answer has it."""


def read_request(body: bytes) -> tuple[dict[str, Any], str]:
    """Returns a request for a prediction, a JSON object, and its form: `ROWS` or `COLUMNS`.

    Raises:
      BadRequest: it is no such object.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"JSON Parse error: {error}") from error
    if not isinstance(request, dict):
        raise BadRequest("the request must be a JSON object")
    forms = [form for form in (ROWS, COLUMNS) if form in request]
    if len(forms) != 1:
        raise BadRequest(
            f"Not formatted correctly expecting only one of '{COLUMNS}' or '{ROWS}' keys to exist"
            if forms
            else f"Missing '{COLUMNS}' or '{ROWS}' key"
        )
    if not isinstance(request.get("signature_name", ""), str):
        raise BadRequest("'signature_name' key must be a string value.")
    if forms == [ROWS] and not (isinstance(request[ROWS], list) and request[ROWS]):
        raise BadRequest(f"'{ROWS}' must be a list of at least one value")
    return request, forms[0]


def input_values(request: dict[str, Any], form: str, name: str) -> Any:
    """Returns the values of a signature's one input, called `name`, in nested lists.

    Raises:
      BadRequest: they are those of another input.
    """
    values = request[form]
    if form == COLUMNS:
        values = _named(values, name) if _is_object(values) else values
        return values if isinstance(values, list) else [values]
    if any(_is_object(value) for value in values):
        return [_named(value, name) for value in values]
    return values


def _is_object(value: Any) -> bool:
    """Whether a value is a JSON object and no binary value."""
    return isinstance(value, dict) and not (set(value) == {_B64} and isinstance(value[_B64], str))


def _named(value: Any, name: str) -> Any:
    """Returns what an object has under the only name that it may have."""
    if not isinstance(value, dict) or set(value) != {name}:
        raise BadRequest(f"every object must have the key {name}, and no other")
    return value[name]


def images_of(values: Any) -> list[bytes]:
    """Returns encoded images: objects `{"b64": text}`, or texts, which stand for themselves.

    Raises:
      BadRequest: they are neither.
    """
    found = []
    for value in values:
        if isinstance(value, str):
            found.append(value.encode(errors="surrogatepass"))
        elif isinstance(value, dict) and not _is_object(value):
            found.append(_decoded(value[_B64]))
        else:
            raise BadRequest('an encoded image must be {"b64": TEXT}, its bytes in Base64')
    return found


def _decoded(text: str) -> bytes:
    """Returns the bytes that Base64 stands for; blanks and a missing end are let pass."""
    text = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("Unable to base64 decode") from error


def numbers_of(values: Any, rank: int) -> np.ndarray:
    """Returns nested lists of numbers as float32 of that rank.

    Raises:
      BadRequest: they are not numbers, not of one shape, or of another rank.
    """
    try:
        array = np.array(values)
        if array.dtype.kind not in "iuf":
            raise ValueError(array.dtype)
        array = array.astype(np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest("the input must be numbers in nested lists of one shape") from error
    if array.ndim != rank:
        raise BadRequest(f"the input must have {rank} dimensions, this one has {array.ndim}")
    return array


def answer(outputs: Mapping[str, np.ndarray], form: str) -> str:
    """Returns the answer to a request of that form: outputs [N, ...] by name, or one of them."""
    named = {name: _values(outputs[name]) for name in sorted(outputs)}
    if form == COLUMNS:
        content = named if len(named) > 1 else next(iter(named.values()))
        return _pretty({_ANSWERED_AS[form]: content}, lists_in_lines=True)
    if len(named) == 1:
        # A list of one line, as the documentation shows it.
        return _pretty({_ANSWERED_AS[form]: next(iter(named.values()))})
    rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    return _pretty({_ANSWERED_AS[form]: rows})


def error(message: str) -> str:
    """Returns the answer to a request that has none."""
    return f'{{ "error": {json.dumps(message)} }}'


def status(version: str) -> str:
    """Returns the status of a model of one version, which is loaded."""
    state = {
        "version": version,
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return f"{json.dumps({'model_version_status': [state]}, indent=1)}\n"


def metadata(name: str, version: str, signatures: Mapping[str, Any]) -> str:
    """Returns what a model takes and gives: SignatureDefs by name."""
    spec = {"name": name, "signature_name": "", "version": version}
    described = {key: _signature(signatures[key]) for key in sorted(signatures)}
    return (
        f'{{\n"model_spec":{json.dumps(spec, indent=1)}\n,\n"metadata": {{"signature_def": '
        f"{json.dumps({'signature_def': described}, indent=1)}\n}}\n}}\n"
    )


def _signature(signature: Any) -> dict[str, Any]:
    """Returns a SignatureDef as protobuf's JSON has it."""
    return {
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
        "method_name": signature.method_name,
        "defaults": {},
    }


def _tensors(infos: Mapping[str, Any]) -> dict[str, Any]:
    """Returns TensorInfos as protobuf's JSON has them."""
    return {
        name: {
            "dtype": _type_name(infos[name].dtype),
            "tensor_shape": {
                # 64-bit numbers are texts there.
                "dim": [
                    {"size": str(d.size), "name": d.name} for d in infos[name].tensor_shape.dim
                ],
                "unknown_rank": infos[name].tensor_shape.unknown_rank,
            },
            "name": infos[name].name,
        }
        for name in sorted(infos)
    }


def _type_name(number: int) -> str:
    """Returns protobuf's name of one of the types that a model of ours has."""
    names = {1: "DT_FLOAT", 3: "DT_INT32", 7: "DT_STRING", 9: "DT_INT64"}
    return names.get(number, str(number))


def _values(array: np.ndarray) -> list:
    """Returns an array as nested lists of numbers as they are written."""
    array = np.asarray(array)
    if array.ndim > 1:
        return [_values(row) for row in array]
    write = _decimal if array.dtype.kind == "f" else str
    return [Verbatim(write(value)) for value in array]


def _decimal(value: np.floating) -> str:
    """Returns a float32 in six digits, in nine where six would make another number of it."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    text = f"{float(value):.6g}"
    if np.float32(text) != value:
        text = f"{float(value):.9g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _pretty(value: Any, lists_in_lines: bool = False, depth: int = 0) -> str:
    """Writes JSON: an entry per line, but lists of numbers in one unless `lists_in_lines`."""
    if isinstance(value, Verbatim):
        return value

    def inner(part: Any) -> str:
        return _pretty(part, lists_in_lines, depth + 1)

    if isinstance(value, dict):
        return _lines((f'"{key}": {inner(part)}' for key, part in value.items()), "{}", depth)
    if lists_in_lines or any(isinstance(part, dict) for part in value):
        return _lines(map(inner, value), "[]", depth)
    return f"[{', '.join(map(inner, value))}]"


def _lines(entries: Iterable[str], brackets: str, depth: int) -> str:
    """Returns entries in lines of their own, between brackets."""
    begin, end = brackets
    entries = list(entries)
    if not entries:
        return brackets
    margin = "\n" + " " * _INDENT * (depth + 1)
    return f"{begin}{margin}{f',{margin}'.join(entries)}\n{' ' * _INDENT * depth}{end}"
