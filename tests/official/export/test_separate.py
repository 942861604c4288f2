"""What a process of its own says of images."""

import numpy as np
import pytest
import tensorflow as tf

from official.export import exporter, separate, serving
from official.run.errors import RunError


def test_another_process_says_the_same(model_dir, tmp_path):
    """Also of no picture, of none at all, and in a folder whose name is a pattern."""
    folder = exporter.export(model_dir, str(tmp_path / "out [1]"), verify=False)
    images = np.random.default_rng(1).integers(0, 256, (2, 40, 50, 3), np.uint8)
    encoded = [tf.io.encode_jpeg(image).numpy() for image in images] + [b"", b"no picture\0"]
    here = serving.Served(folder).answers(encoded)
    with separate.saved_model(folder) as ask:
        there, again = ask(encoded), ask(encoded[1:])
    assert here.keys() == there.keys() and there["status"].tolist()[:2] == [0, 0]
    assert all(there["status"][2:])
    for name in here:
        np.testing.assert_allclose(there[name], here[name], rtol=1e-5, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(again[name], here[name][1:], rtol=1e-5, atol=1e-5)


def test_a_model_that_loads_nowhere_else_is_told(tmp_path):
    with pytest.raises(RunError, match="cannot be run in another process: .*holds no SavedModel"):
        with separate.saved_model(str(tmp_path)) as ask:
            ask([b""])
