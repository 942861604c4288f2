"""A served model as its clients meet it: over REST, over gRPC, and as a process."""

import base64
import importlib.util
import json
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import requests
import tensorflow as tf
import waitress
from werkzeug.test import Client as Browser

from official.run.errors import RunError
from official.serve import app, client

grpc_there = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_serving") is None,
    reason="tensorflow-serving-api is not installed (pip install --no-deps)",
)
IMAGE_KEYS = ["classes", "embedding", "logits", "probabilities", "status"]


@pytest.fixture(scope="module")
def browser(served):
    return Browser(app.Application(served, "model", 1_000_000))


@pytest.fixture(scope="module")
def encoded(photos):
    return [path.read_bytes() for path in sorted((photos / "validation").glob("*/000.jpg"))]


@pytest.fixture
def listening(served):
    """The application behind a port; first answers of a status, if any are asked for."""
    servers = []

    def start(*statuses):
        application, left = app.Application(served, "model", 1_000_000), list(statuses)

        def failing(environ, start_response):
            if left:
                start_response(f"{left.pop(0)} As asked to", [("Content-Length", "0")])
                return [b""]
            return application(environ, start_response)

        server = waitress.create_server(failing, host="127.0.0.1", port=0)
        threading.Thread(target=server.run, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.effective_port}"

    yield start
    for server in servers:
        server.close()


def as_json(images, form="instances"):
    values = [{"b64": base64.b64encode(image).decode()} for image in images]
    return {form: values}


def test_predictions_are_the_models_own(browser, served, encoded):
    batch = [encoded[0], b"no image", *encoded[1:]]
    wanted = served.answers(batch)
    for path in ("/v1/models/model:predict", "/v1/models/model/versions/1:predict"):
        answer = browser.post(path, json=as_json(batch))
        assert answer.status_code == 200 and answer.content_type == "application/json"
        rows = json.loads(answer.data)["predictions"]
        assert [sorted(row) for row in rows] == [IMAGE_KEYS] * 5
        for name, values in wanted.items():
            np.testing.assert_array_equal(
                np.array([row[name] for row in rows], values.dtype), values
            )
    assert [row["status"] for row in rows] == [0, 2, 0, 0, 0] and rows[1]["classes"] == -1
    columns = json.loads(browser.post(path, json=as_json(batch, "inputs")).data)["outputs"]
    assert columns["classes"] == [row["classes"] for row in rows]
    pixels = np.random.RandomState(0).uniform(-120, 150, (2, 32, 32, 3)).astype(np.float32)
    answer = browser.post(path, json={"signature_name": "images", "instances": pixels.tolist()})
    found = [row["logits"] for row in json.loads(answer.data)["predictions"]]
    own = served.signature("images")(images=tf.constant(pixels))["logits"]
    np.testing.assert_array_equal(np.array(found, np.float32), own)


def test_status_and_metadata(browser):
    for path in ("/v1/models/model", "/v1/models/model/versions/1"):
        found = json.loads(browser.get(path).data)["model_version_status"]
        assert [(one["version"], one["state"]) for one in found] == [("1", "AVAILABLE")]
    found = json.loads(browser.get("/v1/models/model/metadata").data)
    assert found["model_spec"] == {"name": "model", "signature_name": "", "version": "1"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "images"}
    taken = signatures["serving_default"]["inputs"]["image_bytes"]
    assert taken["dtype"] == "DT_STRING" and taken["name"] == "serving_default_image_bytes:0"
    assert taken["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    given = signatures["serving_default"]["outputs"]
    assert {name: given[name]["dtype"] for name in ("classes", "logits", "status")} == {
        "classes": "DT_INT64", "logits": "DT_FLOAT", "status": "DT_INT32"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/v1/models/half:predict", '{"instances": [1]}', 404,
         '{ "error": "Servable not found for request: Latest(half)" }'),
        ("POST", "/v1/models/model/versions/7:predict", "{}", 404, "Specific(model, 7)"),
        ("GET", "/v1/models/half", "", 404, "Could not find any versions of model half"),
        ("GET", "/v1/models/model/versions/7", "", 404, "version 7 of model model"),
        ("POST", "/v1/models/model:predict", "{", 400, "JSON Parse error"),
        ("POST", "/v1/models/model:predict", '{"instances": [[1]]}', 400, "b64"),
        ("POST", "/v1/models/model:predict", '{"instances": [1], "signature_name": "x"}', 400, "x"),
        ("POST", "/v1/models/model:predict",
         '{"signature_name": "images", "instances": [[[[1, 2, 3]]]]}', 400, "32, 32, 3"),
        ("POST", "/v1/models/model:predict", " " * 1_000_001, 413, "1000000 bytes"),
        ("GET", "/v1/models/model:predict", "", 400, "Malformed request: GET"),
        ("GET", "/etc/passwd", "", 400, "Malformed request"),
        ("PUT", "/v1/models/model", "", 405, "Malformed request: PUT"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered(browser, method, path, body, status, said):
    answer = browser.open(path, method=method, data=body)
    assert answer.status_code == status and said in answer.text and "error" in answer.text


def test_the_page_holds_what_it_needs(browser, served):
    page = browser.get("/")
    assert page.status_code == 200 and page.content_type.startswith("text/html")
    facts = json.loads(re.search(r'application/json">(.*?)</script>', page.text)[1])
    assert facts["names"] == served.class_names and facts["address"] == "/v1/models/model:predict"
    # It asks for nothing from elsewhere.
    assert not re.search(r"https?://|//\w+\.", page.text)


def test_the_client_over_rest(listening, served, encoded, capsys):
    batch = [*encoded, b"", b"x"]
    wanted = served.answers(batch)
    found = client.Client(f"http://{listening(503, 429)}/v1/models/model").answers(batch)
    for name, values in wanted.items():
        np.testing.assert_array_equal(np.array(found[name], values.dtype), values)
    assert capsys.readouterr().err.count("note: ") == 2
    with pytest.raises(RunError, match=r"answers 404: Servable not found for .*Latest\(other\)"):
        client.Client(f"{listening()}/other").answers(batch)
    with pytest.raises(RunError, match="tried 2 times within --deadline=9 seconds: HTTP status 50"):
        client.Client(listening(503, 503, 503), 9, retries=1).answers(batch)
    with pytest.raises(RunError, match="gave no answer, tried . times .*Connection refused"):
        client.Client("127.0.0.1:1", deadline=0.5).answers(batch)
    with pytest.raises(RunError, match="must be HOST:8501"):
        client.Client("ftp://here:8501")


@grpc_there
def test_the_client_over_grpc(served, encoded, capsys):
    import grpc

    from tests.official.serve import servicer

    there = servicer.Servicer(served, [grpc.StatusCode.UNAVAILABLE])
    server, port = servicer.start(there)
    batch = [*encoded, b"", b"x"]
    found = client.Client(f"grpc://127.0.0.1:{port}").answers(batch)
    for name, values in served.answers(batch).items():
        np.testing.assert_array_equal(found[name], values)
    assert "UNAVAILABLE: as asked to; again in" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"NOT_FOUND: Servable not found"):
        client.Client(f"grpc://127.0.0.1:{port}/other").answers(batch)
    server.stop(None).wait()
    with pytest.raises(RunError, match="gave no answer"):
        client.Client(f"grpc://127.0.0.1:{port}", deadline=1, retries=1).answers(batch)


def test_a_process_that_serves_and_one_that_asks(exported, served, photos, tmp_path):
    command = [sys.executable, "-m", "official.serve", f"--saved_model={exported}"]
    process = subprocess.Popen(
        [*command, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = re.search(r"http://(127\.0\.0\.1:\d+)/v1/models/model", process.stdout.readline())
        assert requests.get(address[0], timeout=60).status_code == 200
        photo, bad = photos / "validation/red/000.jpg", tmp_path / "notes.jpg"
        bad.write_text("no image")
        asked = [sys.executable, "-m", "official.predict", photo, bad, photo]
        ask = [*map(str, asked), f"--server={address[1]}", f"--saved_model={exported}"]
        found = subprocess.run(ask, capture_output=True, text=True, timeout=200)
        probabilities = served.answers([photo.read_bytes()])["probabilities"][0]
        best = int(probabilities.argmax())
        line = f"  {100 * probabilities[best]:6.2f} %  {served.class_names[best]}"
        assert found.stdout.splitlines()[:2] == [str(photo), line] and found.returncode == 1
        assert len(found.stdout.splitlines()) == 10
        assert f"error: {bad}: cannot be decoded: it is no image" in found.stderr
        other = subprocess.run(
            [*command, f"--port={address[1].split(':')[1]}"],
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert other.returncode == 1 and "cannot be listened at" in other.stderr
        assert "Traceback" not in other.stderr + found.stderr
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and err.splitlines()[-1] == "stopped by SIGINT", err
        assert "Traceback" not in err
    finally:
        process.kill()
