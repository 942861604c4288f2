"""The texts of the REST API, by the examples of TensorFlow Serving's documentation.

api_rest.md of github.com/tensorflow/serving; `half_plus_three` is its example.
"""

import json

import numpy as np
import pytest

from official.serve import rest

STATUS = """{
 "model_version_status": [
  {
   "version": "123",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""
PREDICTIONS = """{
    "predictions": [3.5, 4.0, 5.5]
}"""


def half_plus_three(body):
    request, form = rest.read_request(body)
    values = rest.numbers_of(rest.input_values(request, form, "x"), 1)
    return rest.answer({"y": values / 2 + 3}, form)


def test_the_documented_examples():
    assert rest.status("123") == STATUS
    assert half_plus_three(b'{"instances": [1.0,2.0,5.0]}') == PREDICTIONS
    assert rest.error("Servable not found for request: Latest(half)") == (
        '{ "error": "Servable not found for request: Latest(half)" }'
    )
    pair = b'[{"b64": "aW1hZ2UgYnl0ZXM="}, {"b64": "YXdlc29tZSBpbWFnZSBieXRlcw=="}]'
    for text in (b'{"instances": %s}', b'{"inputs": %s}', b'{"inputs": {"image_bytes": %s}}'):
        request, form = rest.read_request(text % pair)
        values = rest.input_values(request, form, "image_bytes")
        assert rest.images_of(values) == [b"image bytes", b"awesome image bytes"]
    request, form = rest.read_request(b'{"instances": [{"image_bytes": {"b64": "aQ"}}]}')
    assert rest.images_of(rest.input_values(request, form, "image_bytes")) == [b"i"]
    request, form = rest.read_request(b'{"instances": [ "foo", "bar", "baz" ]}')
    assert rest.images_of(rest.input_values(request, form, "x")) == [b"foo", b"bar", b"baz"]
    request, form = rest.read_request(b'{"instances": [ [[1, 2]], [[3, 4]] ]}')
    assert rest.numbers_of(rest.input_values(request, form, "x"), 3).shape == (2, 1, 2)


def test_several_outputs_by_row_and_by_column():
    outputs = {
        "probabilities": np.array([[0.25, 0.75], [1.0, 0.0]], np.float32),
        "classes": np.array([1, 0]),
    }
    assert rest.answer(outputs, rest.ROWS) == (
        '{\n    "predictions": [\n        {\n            "classes": 1,\n'
        '            "probabilities": [0.25, 0.75]\n        },\n        {\n'
        '            "classes": 0,\n            "probabilities": [1.0, 0.0]\n        }\n    ]\n}'
    )
    columns = rest.answer(outputs, rest.COLUMNS)
    content = {"classes": [1, 0], "probabilities": [[0.25, 0.75], [1.0, 0.0]]}
    assert columns == json.dumps({"outputs": content}, indent=4)
    assert half_plus_three(b'{"inputs": [1.0]}') == '{\n    "outputs": [\n        3.5\n    ]\n}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_000_000, "9e+06"), (0.00003, "3e-05"), (0.2, "0.2"), (1 / 3, "0.333333343"),
        (123456.0, "123456.0"), (1234567.0, "1234567.0"), (np.nan, "NaN"), (-np.inf, "-Infinity"),
        (-0.5, "-0.5"), (0.0, "0.0"),
    ],
)  # fmt: skip
def test_a_number_is_written_so_that_it_is_the_same_when_read(value, text):
    """In six digits, else in nine: https://github.com/tensorflow/serving, json_tensor.cc."""
    assert rest._decimal(np.float32(value)) == text
    np.testing.assert_equal(np.float32(float(text)), np.float32(value))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON Parse error"), (b"[1]", "JSON object"), (b"{}", "Missing 'inputs'"),
        (b'{"instances": [1], "inputs": [1]}', "only one of"), (b'{"instances": []}', "at least"),
        (b'{"instances": 3}', "list"), (b"[" * 100_000, "JSON Parse error"),
        (b'{"instances": [1], "signature_name": 3}', "string value"), (b"\xff", "JSON Parse"),
    ],
)  # fmt: skip
def test_what_is_no_request(body, said):
    with pytest.raises(rest.BadRequest, match=said):
        rest.read_request(body)


def test_what_is_no_input():
    for values in ([1], [{"b64": "!"}], [{"b64": 3}], [None], [["a"]]):
        with pytest.raises(rest.BadRequest):
            rest.images_of(values)
    for values in ([[1], [1, 2]], ["a"], [{"b64": "aQ=="}], [10**400]):
        with pytest.raises(rest.BadRequest):
            rest.numbers_of(values, 1)
    with pytest.raises(rest.BadRequest, match="no other"):
        rest.input_values({"instances": [{"x": 1, "y": 2}]}, rest.ROWS, "x")
