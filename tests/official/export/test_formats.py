"""The other formats: what a network says in ONNX Runtime, LiteRT and OpenVINO."""

import importlib.util
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from nets import fold_batch_norm, named_config
from nets.network import build_model
from official.export import exporter, format_check, formats, serving
from official.export.module import ServingModule
from official.run.errors import RunError
from official.run.export_options import FORMATS, ExportOptions
from preprocessing import PreprocessingConfig

THERE = [
    name
    for name, one in formats.FORMATS.items()
    if all(importlib.util.find_spec(package) for package in one.packages)
]
pytestmark = pytest.mark.skipif(
    len(THERE) < len(formats.FORMATS),
    reason="pip install -e .[onnx,tflite,openvino] for all formats",
)


@pytest.fixture(scope="module")
def network():
    """Everything that the paper assembles: blur with mirrored borders, up-sampling, attention."""
    tf.keras.utils.set_random_seed(4)
    config = named_config("assemble_resnet50", num_filters=8, num_classes=3, use_dropblock=False)
    built = build_model(config)
    random = np.random.default_rng(0)
    for layer in built.submodules:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(random.uniform(0.5, 1, shape))
            layer.beta.assign(random.uniform(-0.1, 0.1, shape))
            layer.moving_mean.assign(random.uniform(-0.1, 0.1, shape))
            layer.moving_variance.assign(random.uniform(0.5, 1, shape))
    return fold_batch_norm(built)


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def test_every_format_gives_the_same_logits(network, tmp_path):
    """Zeros or repeated pixels at the borders of the blur would move them by 3e-3 at least."""
    folder = str(tmp_path / "my exports [1]")
    options = ExportOptions(format=FORMATS)
    module = ServingModule(network, PreprocessingConfig(image_size=64), {}, options)
    random = np.random.default_rng(1)
    images = random.uniform(-120, 150, (3, 64, 64, 3)).astype(np.float32)
    formats.write(module, options, folder, images)
    wanted = {name: value.numpy() for name, value in module.static(None)(images).items()}
    for name, one in formats.FORMATS.items():
        path = os.path.join(folder, one.file)
        with format_check.process_of(one.runtime, path, threads=1) as run:
            for batch in (images, images[:1]):
                found = run(batch)
                assert set(found) == set(wanted)
                tolerance = 0.2 if name == formats.INT8 else 1e-5
                for output in ("logits", "embedding", "probabilities"):
                    error = relative(found[output], wanted[output][: len(batch)])
                    assert error < tolerance, (name, output, error)
                if name != formats.INT8:
                    np.testing.assert_array_equal(found["classes"], wanted["classes"][: len(batch)])
    sizes = {n: os.path.getsize(os.path.join(folder, formats.FORMATS[n].file)) for n in THERE}
    assert sizes["tflite_int8"] < 0.5 * sizes["tflite"]


def test_an_export_without_a_saved_model(model_dir, records, tmp_path, capsys):
    options = ExportOptions(format=("onnx", "tflite_int8"), export_batch_size=3)
    folder = exporter.export(model_dir, str(tmp_path / "out [1]"), options=options)
    said = capsys.readouterr().out
    assert "onnx: logits of 20 images within" in said
    assert f"calibrated with the first 40 images of train-* in {records}" in said
    assert sorted(os.listdir(folder)) == [
        "assets", "model.onnx", "model_card.md", "model_int8.tflite"
    ]  # fmt: skip
    described = json.loads(open(os.path.join(folder, "assets/export.json")).read())
    assert described["options"]["format"] == ["onnx", "tflite_int8"]
    with format_check.process_of("onnx", os.path.join(folder, "model.onnx")) as run:
        assert run(np.zeros((3, 32, 32, 3), np.float32))["classes"].shape == (3,)
        # The batch is fixed in the file.
        with pytest.raises(RunError, match="model.onnx cannot be run by onnx"):
            run(np.zeros((2, 32, 32, 3), np.float32))
    with pytest.raises(RunError, match="holds no SavedModel"):
        serving.Served(folder)


def test_a_format_that_says_something_else_is_refused(network, tmp_path, monkeypatch):
    """A network of other weights in the file: every comparison of it must fail."""
    options = ExportOptions(format=("onnx",))
    one = format_check.verification.Comparison()
    one.add(np.array([3.0, 1.0]), np.array([3.0, 1.01]), 0)
    with pytest.raises(RunError, match="--format=onnx differs .* by 0.0033 of the largest"):
        format_check._verdict("onnx", one, "logits")
    module = ServingModule(network, PreprocessingConfig(image_size=64), {}, options)
    monkeypatch.setitem(formats._CONVERTERS, "onnx", lambda *_: 1 / 0)
    with pytest.raises(RunError, match="the converter gave up: division by zero"):
        formats.write(module, options, str(tmp_path), None)


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(
        formats.FORMATS, "onnx", formats.FORMATS["onnx"]._replace(packages=("no_such_package",))
    )
    with pytest.raises(RunError, match=r"needs no_such_package: pip install -e \.\[onnx\]"):
        formats.require_converters(ExportOptions(format=("savedmodel", "onnx")))
    with pytest.raises(ValueError, match="--format must be some of savedmodel, onnx"):
        ExportOptions(format=("saved_model",))
    with pytest.raises(ValueError, match="--export_weights must be fp32 with --format=tflite"):
        ExportOptions(format=("tflite",), export_weights="fp16")
