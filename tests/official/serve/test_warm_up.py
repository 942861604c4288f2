"""What TensorFlow Serving finds in the folder of an export."""

import pathlib

import pytest
import tensorflow as tf

from official.export import warm_up
from official.run.export_options import ExportOptions
from preprocessing import PreprocessingConfig

ROOT = pathlib.Path(__file__).parents[3]
apis = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def requests_of(folder):
    path = f"{folder}/assets.extra/tf_serving_warmup_requests"
    return [
        apis.PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(path)
    ]


def test_warm_up_requests_are_what_the_server_reads(served):
    found = requests_of(served.path)
    assert [log.WhichOneof("log_type") for log in found] == ["predict_log"] * 2
    for log, size in zip(found, (1, 8), strict=True):
        request = log.predict_log.request
        assert request.model_spec.signature_name == "serving_default"
        assert list(request.inputs) == ["image_bytes"]
        images = tf.make_ndarray(request.inputs["image_bytes"])
        assert images.shape == (size,) and len(images[0]) > 200
        # Nothing is left over, and the model has an answer.
        assert apis.PredictionLog.FromString(log.SerializeToString()) == log
        assert not served.answers(images.tolist())["status"].any()


def test_a_fixed_batch_is_warmed_up_as_such(tmp_path):
    prepared = PreprocessingConfig(image_size=32, decoder="webp")
    warm_up.write(str(tmp_path), prepared, ExportOptions(export_batch_size=3))
    (log,) = requests_of(tmp_path)
    images = tf.make_ndarray(log.predict_log.request.inputs["image_bytes"])
    assert images.shape == (3,) and images[0][8:12] == b"WEBP"
    assert len(set(images.tolist())) == 1


def test_the_example_names_versions_as_the_server_reads_them():
    text_format = pytest.importorskip("google.protobuf.text_format")
    from tensorflow_serving.config import model_server_config_pb2

    text = (ROOT / "scripts/serving/models.config").read_text()
    found = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = found.model_config_list.config
    assert (model.name, model.base_path) == ("model", "/models/model")
    assert model.model_version_policy.latest.num_versions == 2
    compose = (ROOT / "scripts/serving/docker-compose.yml").read_text()
    for name in ("models.config", "batching.config"):
        assert f"/config/{name}" in compose and (ROOT / "scripts/serving" / name).exists()
    assert "target: /models/model\n" in compose
